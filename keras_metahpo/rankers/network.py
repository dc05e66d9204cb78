"""The ranking network: configurations and what was observed to scores and distributions of ranks.

Shapes: as in `keras_metahpo.rankers.base`, n configurations of context and query together; e the
width of the network, m its members, k bars.
"""

from typing import Any

import keras
from keras import layers, ops

from keras_metahpo.rankers.bars import NUM_BARS
from keras_metahpo.rankers.encoder import DTYPE, MASKED, ConfigurationEncoder, feed_forward
from keras_metahpo.rankers.inputs import NUM_FACTS

# Ranking score, logit of failure, and a logit a bar.
NUM_OUTPUTS = 2 + NUM_BARS


@keras.saving.register_keras_serializable("keras_metahpo")
class RankingNetwork(keras.Model):
    """Scores configurations of any search space; invariant to the order of hyperparameters.

    Members of equal form and other initial weights learn side by side: what one of them makes of
    a space it has never seen is chance to a good part, and their mean is better than each.

    Args:
        num_members: How many.
        width: Size of a token's vector.
        num_blocks: Blocks of a member, in which a configuration's tokens hear of each other.
        num_context_blocks: Blocks in which configurations hear of the observed ones.
        num_heads: Heads of each of these.
        embedding: Size of the name, role and value embeddings.
        dropout: Dropout rate inside the blocks.

    Call arguments:
        inputs: Dictionary of the arrays of `Tokens`; and, unless nothing was observed, `observed`,
            bool (b, n), the context, and `facts`, float (b, n, 5), as `observation_facts` makes
            them.

    Returns:
        Float tensor (b, n, m, 2 + k): each member's ranking score, logit of failure, and logits of
        the bars.
    """

    def __init__(
        self,
        num_members: int = 3,
        width: int = 48,
        num_blocks: int = 2,
        num_context_blocks: int = 2,
        num_heads: int = 4,
        embedding: int = 16,
        dropout: float = 0.0,
        **kwargs,
    ):
        super().__init__(dtype=DTYPE, **kwargs)
        self.num_members = num_members
        self.form: dict[str, Any] = {
            "width": width,
            "num_blocks": num_blocks,
            "num_context_blocks": num_context_blocks,
            "num_heads": num_heads,
            "embedding": embedding,
            "dropout": dropout,
        }
        self.members = [RankingMember(**self.form, dtype=DTYPE) for _ in range(num_members)]

    def build(self, input_shape):
        for member in self.members:
            member.build(input_shape)
        self.built = True

    def call(self, inputs, training=False):
        return ops.stack([member(inputs, training=training) for member in self.members], axis=2)

    def get_config(self):
        return {"num_members": self.num_members, **self.form}


@keras.saving.register_keras_serializable("keras_metahpo")
class RankingMember(layers.Layer):
    """One member of a `RankingNetwork`, which explains the arguments.

    What the encoder makes of each configuration hears of the observed ones, block by block;
    queries do not see each other. Without a context these blocks add nothing of it.
    """

    def __init__(
        self,
        width: int,
        num_blocks: int,
        num_context_blocks: int,
        num_heads: int,
        embedding: int,
        dropout: float,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.width = width
        self.encoder = ConfigurationEncoder(width, num_blocks, embedding, dropout, dtype=DTYPE)
        self.query = layers.Dense(width, dtype=DTYPE)
        self.observation = layers.Dense(width, dtype=DTYPE)
        self.blocks = [
            ContextAttention(width, num_heads, dtype=DTYPE) for _ in range(num_context_blocks)
        ]
        self.head = keras.Sequential(
            [
                layers.LayerNormalization(dtype=DTYPE),
                layers.Dense(2 * width, activation="relu", dtype=DTYPE),
                layers.Dense(NUM_OUTPUTS, dtype=DTYPE),
            ]
        )

    def build(self, input_shape):
        self.encoder.build(input_shape)
        self.query.build((None, None, 2 * self.width))
        self.observation.build((None, None, NUM_FACTS))
        for block in self.blocks:
            block.build((None, None, self.width))
        self.head.build((None, None, 3 * self.width))
        self.built = True

    def call(self, inputs, training=False):
        encoded = self.encoder(inputs, training=training)
        x, observed = self.query(encoded), None
        if "observed" in inputs:
            observed = ops.cast(inputs["observed"], DTYPE)
            x = x + observed[..., None] * self.observation(inputs["facts"])
        for block in self.blocks:
            x = block(x, observed)
        return self.head(ops.concatenate([encoded, x], axis=-1))


@keras.saving.register_keras_serializable("keras_metahpo")
class ContextAttention(layers.Layer):
    """A pre-norm transformer block in which configurations attend to the observed ones only.

    A logit of 0 for nothing takes part in the softmax: an empty context adds nothing, and without
    one (`None`) attention is left out.
    """

    def __init__(self, width: int, num_heads: int, **kwargs):
        super().__init__(**kwargs)
        self.width = width
        self.num_heads = num_heads
        self.first_norm = layers.LayerNormalization(dtype=DTYPE)
        self.second_norm = layers.LayerNormalization(dtype=DTYPE)
        self.queries_keys_values = layers.Dense(3 * width, dtype=DTYPE)
        self.output_projection = layers.Dense(width, use_bias=False, dtype=DTYPE)
        self.feed_forward = feed_forward(2 * width, width)

    def build(self, input_shape):
        for layer in (
            self.first_norm,
            self.second_norm,
            self.queries_keys_values,
            self.output_projection,
            self.feed_forward,
        ):
            layer.build(input_shape)
        self.built = True

    def call(self, x, observed=None):
        if observed is not None:
            x = x + self._attended(x, observed)
        return x + self.feed_forward(self.second_norm(x))

    def _attended(self, x, observed):
        tasks, configurations, _ = ops.shape(x)
        size = self.width // self.num_heads
        projected = self.queries_keys_values(self.first_norm(x))
        projected = ops.reshape(projected, (tasks, configurations, 3, self.num_heads, size))
        queries, keys, values = ops.unstack(ops.transpose(projected, (2, 0, 3, 1, 4)), axis=0)
        logits = ops.matmul(queries, ops.transpose(keys, (0, 1, 3, 2))) / size**0.5
        logits = logits + (1.0 - observed[:, None, None, :]) * MASKED
        largest = ops.maximum(ops.max(logits, axis=-1, keepdims=True), 0.0)
        weights = ops.exp(logits - largest)
        weights = weights / (ops.exp(-largest) + ops.sum(weights, axis=-1, keepdims=True))
        attended = ops.transpose(ops.matmul(weights, values), (0, 2, 1, 3))
        attended = ops.reshape(attended, (tasks, configurations, self.width))
        return self.output_projection(attended)
