"""One member of the networks of surrogates that are tuned to each search.

Shapes: b tasks, n configurations, k outputs.
"""

import keras
from keras import layers, ops

from keras_metahpo.rankers.encoder import DTYPE, ConfigurationEncoder
from keras_metahpo.rankers.inputs import SCORE


class SurrogateMember(layers.Layer):
    """An encoder of configurations and a multilayer perceptron: float tensor (b, n, k).

    Args:
        num_outputs: k.
        width: Size of a token's vector and of the hidden layers.
        num_hidden: Hidden layers of the perceptron.
        embedding: Size of the name, role and value embeddings.
        sees_context: Whether the mean of what was observed is an input (DeepSets).
    """

    def __init__(
        self,
        num_outputs: int,
        width: int,
        num_hidden: int,
        embedding: int,
        sees_context: bool,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.width = width
        self.encoder = ConfigurationEncoder(width, 1, embedding, 0.0, dtype=DTYPE)
        self.observation = (
            layers.Dense(width, activation="relu", dtype=DTYPE) if sees_context else None
        )
        self.perceptron = keras.Sequential(
            [layers.Dense(width, activation="relu", dtype=DTYPE) for _ in range(num_hidden)]
            + [layers.Dense(num_outputs, dtype=DTYPE)]
        )

    def build(self, input_shape):
        self.encoder.build(input_shape)
        if self.observation:
            self.observation.build((None, None, 2 * self.width + 1))
        self.perceptron.build((None, None, (3 if self.observation else 2) * self.width))
        self.built = True

    def call(self, inputs, training=False):
        x = self.encoder(inputs, training=training)
        if self.observation:
            x = ops.concatenate([x, self._summary(self.observation, x, inputs)], axis=-1)
        return self.perceptron(x)

    def _summary(self, observation, encoded, inputs):
        """The mean of the observed, for each configuration; zeros where there is nothing."""
        shape = (*ops.shape(encoded)[:2], self.width)
        if "observed" not in inputs:
            return ops.zeros(shape)
        observed = ops.cast(inputs["observed"], DTYPE)[..., None]
        scores = inputs["facts"][..., SCORE, None]
        known = ops.concatenate([encoded, scores], axis=-1)
        total = ops.sum(observation(known) * observed, axis=1, keepdims=True)
        mean = total / ops.maximum(ops.sum(observed, axis=1, keepdims=True), 1.0)
        return ops.broadcast_to(mean, shape)
