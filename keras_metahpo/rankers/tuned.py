"""Surrogates that are meta-trained, and trained on from there in each search.

Shapes: as in `keras_metahpo.rankers.base`; m members.
"""

import abc
from typing import Any

import numpy as np

from keras_metahpo.rankers.base import Context, NetworkRanker, Prediction, Tokens, failure_rates
from keras_metahpo.rankers.building import built
from keras_metahpo.rankers.inputs import context_scores, network_inputs, observation_facts
from keras_metahpo.rankers.tokens import pad_configurations

# Contexts are padded to powers of 2 from here on: every shape is compiled.
LEAST_CONTEXT = 8
# Of predictions that come without a spread.
SMALLEST_SPREAD = 0.05


class TunedRanker(NetworkRanker):
    """A meta-trained network that each context trains on, always from the same weights.

    Args:
        network: A built `SurrogateNetwork`; its weights stay as they are.
        name: Name of the preset, for messages.
        num_steps: Gradient steps on a context.
        learning_rate: Of Adam.
    """

    def __init__(
        self, network, name: str = "unnamed", num_steps: int = 100, learning_rate: float = 1e-3
    ):
        super().__init__(network, name)
        self.num_steps = num_steps
        self.learning_rate = learning_rate
        self._tuned: Any = None
        self._tuned_to: bytes | None = None

    @abc.abstractmethod
    def _predict(
        self, network, context: Context | None, query: Tokens
    ) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation (q,) of one task's queries."""

    def score(self, context: Context | None, query: Tokens) -> Prediction:
        num_tasks, num_queries, _ = query.active.shape
        mean, std = (np.empty((num_tasks, num_queries)) for _ in range(2))
        for row in range(num_tasks):
            own = None if context is None else _observed(context, row)
            network = self.network if own is None else self._tune(own)
            mean[row], std[row] = self._predict(network, own, _row(query, row))
        return Prediction(mean, std, mean, failure_rates(context, num_tasks, num_queries))

    def _tune(self, context: Context):
        """The network after training on a context; that of the latest context is kept."""
        import keras

        key = b"".join(
            np.ascontiguousarray(array).tobytes()
            for array in (*context.tokens.as_dict().values(), context.utilities)
        )
        if key == self._tuned_to:
            return self._tuned
        if self._tuned is None:
            self._tuned = self._compiled_copy()
        self._tuned_to = None
        self._tuned.set_weights(self.network.get_weights())
        for variable in self._tuned.optimizer.variables:
            variable.assign(np.zeros(variable.shape))
        self._tuned.optimizer.learning_rate = self.learning_rate
        # On JAX `train_on_batch` copies all state at each step, which takes longer than the step.
        inputs, targets = keras.tree.map_structure(
            lambda array: np.broadcast_to(array, (self.num_steps, *array.shape[1:])),
            _training_arrays(context),
        )
        self._tuned.fit(inputs, targets, batch_size=1, shuffle=False, verbose=0)
        self._tuned_to = key
        return self._tuned

    def _compiled_copy(self):
        import keras

        copy = built(type(self.network), self.network.get_config())
        optimizer = keras.optimizers.Adam(self.learning_rate, clipnorm=1.0)
        optimizer.build(copy.trainable_variables)
        copy.compile(optimizer=optimizer, jit_compile=keras.backend.backend() == "jax")
        return copy


class RegressionRanker(TunedRanker):
    """A multilayer perceptron that predicts normal scores, trained by squared error."""

    kind = "mlp"

    @staticmethod
    def new_network(**config):
        from keras_metahpo.rankers.surrogate_networks import RegressionNetwork

        return RegressionNetwork(**config)

    def _predict(self, network, context, query):
        outputs, observed = _outputs(network, context, query)
        mean, residuals = outputs[:, 0, 0], np.ones(1)
        if context is not None:
            residuals = observed[:, 0, 0] - context_scores(context)[0]
        spread = max(float(np.sqrt(np.mean(residuals**2))), SMALLEST_SPREAD)
        return mean, np.full(len(mean), spread)


class DeepKernelRanker(TunedRanker):
    """A Gaussian process on learnt features (FSBO; Wistuba and Grabocka 2021)."""

    kind = "deep_kernel"
    has_prior = False

    @staticmethod
    def new_network(**config):
        from keras_metahpo.rankers.surrogate_networks import DeepKernelNetwork

        return DeepKernelNetwork(**{"num_outputs": 16, **config})

    def _predict(self, network, context, query):
        outputs, observed = _outputs(network, context, query)
        scores = np.zeros(0) if context is None else context_scores(context)[0]
        return network.posterior(observed[:, 0], scores, outputs[:, 0])


class RankingEnsembleRanker(TunedRanker):
    """Ten scorers that learnt orders, whose disagreement is the spread (Khazi et al. 2023).

    The published ensembles have one network for each search space, without names; these take the
    tokens of any. Instead of ranks among the candidates, which change with who is asked, each
    member's scores are brought to the location and scale of the observed trials.
    """

    kind = "ranking_ensemble"

    @staticmethod
    def new_network(**config):
        from keras_metahpo.rankers.surrogate_networks import RankingEnsembleNetwork

        published = {"num_members": 10, "num_hidden": 4, "embedding": 8, "sees_context": True}
        return RankingEnsembleNetwork(**{**published, **config})

    def _predict(self, network, context, query):
        outputs, observed = (array[..., 0] for array in _outputs(network, context, query))
        if context is not None and len(observed) > 1:
            scores = context_scores(context)[0]
            spread = np.maximum(observed.std(axis=0), SMALLEST_SPREAD)
            outputs = (outputs - observed.mean(axis=0)) / spread * scores.std()
        return outputs.mean(axis=1), np.maximum(outputs.std(axis=1), SMALLEST_SPREAD)


def _outputs(network, context: Context | None, query: Tokens) -> tuple[np.ndarray, np.ndarray]:
    """What the network says of one task's queries and of its context: (q, m, k) and (c, m, k)."""
    outputs = np.asarray(network.predict_on_batch(network_inputs(context, query)), float)[0]
    num_queries = query.active.shape[1]
    num_observed = 0 if context is None else context.mask.shape[1]
    return outputs[:num_queries], outputs[num_queries : num_queries + num_observed]


def _training_arrays(context: Context) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """A context as a batch to train on, padded so that shapes repeat."""
    size = context.mask.shape[1]
    padded = max(LEAST_CONTEXT, 1 << (size - 1).bit_length())
    observed = np.arange(padded)[None] < size
    targets = np.zeros((1, padded, 2), np.float32)
    targets[0, :size, 0] = context_scores(context)[0]
    targets[..., 1] = observed
    tokens = pad_configurations(context.tokens, padded).as_dict()
    unknown = np.zeros(observed.shape)
    facts = observation_facts(observed, targets[..., 0], variances=unknown, costs=unknown)
    return tokens | {"observed": observed, "facts": facts}, targets


def _row(tokens: Tokens, row: int) -> Tokens:
    return Tokens(**{name: array[row : row + 1] for name, array in tokens.as_dict().items()})


def _observed(context: Context, row: int) -> Context | None:
    """One task's context without padding; `None` if it is empty."""
    rows = np.flatnonzero(context.mask[row])
    if not len(rows):
        return None
    tokens = _row(context.tokens, row)
    chosen = {name: getattr(tokens, name)[:, rows] for name in ("cells", "values", "active")}
    return Context(
        Tokens(**{**tokens.as_dict(), **chosen}),
        context.utilities[row : row + 1, rows],
        np.ones((1, len(rows)), bool),
    )
