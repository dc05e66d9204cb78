"""What a `RankingNetwork` answers, computed by NumPy.

KerasTuner clears Keras' session before every trial. TensorFlow then takes a second to run a graph
that it has run before, and six for the first time, where these few products take a twentieth. It
also leaves the accelerator alone.

Shapes: as in `keras_metahpo.rankers.encoder` and `keras_metahpo.rankers.network`, which say what is
computed and why; s sequences of tokens.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from keras_metahpo.rankers.tokens import NUM_BUCKETS

MASKED = np.float32(-1e9)


class NumpyNetwork:
    """Computes what a `RankingNetwork` would.

    The weights are copied once, and anew when they have changed, which is looked for in the first
    and the last layers of the members: every step of a training changes these.

    Args:
        network: A built `RankingNetwork`.
    """

    def __init__(self, network: Any):
        self.network = network
        self._arrays: dict[int, np.ndarray] = {}
        self._witnesses: list[np.ndarray] = []

    def __call__(self, inputs: Mapping[str, np.ndarray]) -> np.ndarray:
        """The answer to the network's call arguments, float array (b, n, m, 2 + k)."""
        self._forget_changed_weights()
        cells = np.asarray(inputs["cells"], np.float32)
        mask = np.asarray(inputs["active"], np.float32)
        bags = {name: _bag_of_pieces(inputs[name]) for name in ("names", "vocabulary")}
        members = self.network.members
        return np.stack([self._member(m, inputs, cells, mask, bags) for m in members], axis=2)

    def _forget_changed_weights(self) -> None:
        ends = [
            (m.encoder.cell.layers[0].bias, m.head.layers[-1].bias) for m in self.network.members
        ]
        witnesses = [_copied(variable) for pair in ends for variable in pair]
        if len(self._witnesses) != len(witnesses) or any(
            not np.array_equal(old, new)
            for old, new in zip(self._witnesses, witnesses, strict=True)
        ):
            self._arrays, self._witnesses = {}, witnesses

    def _array(self, variable) -> np.ndarray:
        if id(variable) not in self._arrays:
            self._arrays[id(variable)] = _copied(variable)
        return self._arrays[id(variable)]

    def _member(self, member, inputs, cells, mask, bags) -> np.ndarray:
        encoded = self._encode(member.encoder, inputs, cells, mask, bags)
        x, observed = self._dense(member.query, encoded), None
        if "observed" in inputs:
            observed = np.asarray(inputs["observed"], np.float32)
            facts = np.asarray(inputs["facts"], np.float32)
            x = x + observed[..., None] * self._dense(member.observation, facts)
        for block in member.blocks:
            if observed is not None:
                x = x + self._attended(block, x, observed)
            x = x + self._sequence(block.feed_forward, self._norm(block.second_norm, x))
        return self._sequence(member.head, np.concatenate([encoded, x], axis=-1))

    def _encode(self, encoder, inputs, cells, mask, bags) -> np.ndarray:
        tasks, configurations, hyperparameters, num_cells = cells.shape
        names = bags["names"] @ self._array(encoder.name_pieces.embeddings)
        roles = self._array(encoder.role.embeddings)[inputs["roles"]]
        vocabulary = bags["vocabulary"] @ self._array(encoder.value_pieces.embeddings)
        # What is the same for all configurations is multiplied once.
        first, second = encoder.cell.layers
        kernels = np.split(
            self._array(first.kernel), [num_cells, num_cells + 2 * encoder.embedding]
        )
        identity = np.concatenate([names, roles], axis=-1) @ kernels[1] + self._array(first.bias)
        values = (vocabulary @ kernels[2])[np.arange(tasks)[:, None, None], inputs["values"]]
        x = _product(cells, kernels[0])
        x += identity[:, None]
        x += values
        x = self._dense(second, np.maximum(x, 0.0, out=x))
        x = x.reshape(-1, hyperparameters, encoder.width)
        mask = mask.reshape(-1, hyperparameters)
        for block in encoder.blocks:
            normed = self._norm(block.norm, x)
            others = self._dense(block.others, _mean(normed, mask))[:, None]
            hidden = self._dense(block.own, normed)
            hidden += others
            x = x + self._dense(block.output_projection, np.maximum(hidden, 0.0, out=hidden))
        weights = _softmax(self._dense(encoder.pool, x)[..., 0] + (1.0 - mask) * MASKED)
        attended = np.einsum("sde,sd->se", x, weights * mask)
        pooled = np.concatenate([attended, _mean(x, mask)], axis=-1)
        return pooled.reshape(tasks, configurations, 2 * encoder.width)

    def _attended(self, block, x: np.ndarray, observed: np.ndarray) -> np.ndarray:
        tasks, configurations, width = x.shape
        size = width // block.num_heads
        projected = self._dense(block.queries_keys_values, self._norm(block.first_norm, x))
        projected = projected.reshape(tasks, configurations, 3, block.num_heads, size)
        queries, keys, values = np.transpose(projected, (2, 0, 3, 1, 4))
        logits = queries @ np.swapaxes(keys, 2, 3) / np.float32(size**0.5)
        logits = logits + (1.0 - observed[:, None, None, :]) * MASKED
        largest = np.maximum(logits.max(axis=-1, keepdims=True), 0.0)
        weights = np.exp(logits - largest)
        weights /= np.exp(-largest) + weights.sum(axis=-1, keepdims=True)
        attended = np.transpose(weights @ values, (0, 2, 1, 3)).reshape(x.shape)
        return self._dense(block.output_projection, attended)

    def _dense(self, layer, x: np.ndarray) -> np.ndarray:
        product = _product(x, self._array(layer.kernel))
        if layer.use_bias:
            product += self._array(layer.bias)
        return product

    def _sequence(self, model, x: np.ndarray) -> np.ndarray:
        """A `Sequential` of dense layers, with or without relu, and normalisations."""
        for layer in model.layers:
            if not hasattr(layer, "kernel"):
                x = self._norm(layer, x)
                continue
            x = self._dense(layer, x)
            if layer.activation.__name__ == "relu":
                x = np.maximum(x, 0.0)
        return x

    def _norm(self, layer, x: np.ndarray) -> np.ndarray:
        # Products are several times as fast as means over so few numbers.
        average = np.full((x.shape[-1], 1), 1.0 / x.shape[-1], np.float32)
        centred = x - _product(x, average)
        variance = _product(np.square(centred), average)
        centred *= self._array(layer.gamma) / np.sqrt(variance + np.float32(layer.epsilon))
        centred += self._array(layer.beta)
        return centred


def _product(x: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """`x @ kernel` in one go; NumPy would multiply one small matrix after the other."""
    return (x.reshape(-1, x.shape[-1]) @ kernel).reshape(*x.shape[:-1], kernel.shape[-1])


def _bag_of_pieces(pieces: np.ndarray) -> np.ndarray:
    """Counts of the pieces over the root of their number: (..., p) to (..., NUM_BUCKETS)."""
    flat = np.asarray(pieces).reshape(-1, np.shape(pieces)[-1])
    counts = np.zeros((len(flat), NUM_BUCKETS), np.float32)
    np.add.at(counts, (np.arange(len(flat))[:, None], flat), (flat > 0).astype(np.float32))
    number = np.maximum((flat > 0).sum(axis=1, keepdims=True), 1)
    return (counts / np.sqrt(number, dtype=np.float32)).reshape(*np.shape(pieces)[:-1], NUM_BUCKETS)


def _softmax(logits: np.ndarray) -> np.ndarray:
    weights = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True)


def _mean(x: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Mean of the active tokens: (s, d, e) to (s, e)."""
    count = np.maximum(mask.sum(axis=1, keepdims=True), 1.0)
    return np.einsum("sde,sd->se", x, mask) / count


def _copied(variable) -> np.ndarray:
    """A variable's value, which later training leaves as it is."""
    from keras import ops

    return np.array(ops.convert_to_numpy(variable))
