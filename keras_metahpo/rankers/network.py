"""The ranking network: hyperparameter tokens to a score and a Gaussian over normal scores.

Shapes: as in `keras_metahpo.rankers.base`; e the width of the network.
"""

import keras
from keras import layers, ops

from keras_metahpo.rankers.tokens import NUM_BUCKETS
from keras_metahpo.space.roles import ROLES

# The network keeps its own precision whatever `keras.mixed_precision` the user has set.
DTYPE = "float32"
MASKED = -1e9


@keras.saving.register_keras_serializable("keras_metahpo")
class RankingNetwork(keras.Model):
    """Scores configurations of any search space; invariant to the order of hyperparameters.

    A token joins the facts of a cell with embeddings of its name, role and value. Attention
    between the tokens of one configuration lets the learning rate see the optimizer; a learned
    pooling makes one vector of them. Queries do not see each other.

    Args:
        width: Size of a token's vector.
        num_blocks: Attention blocks.
        num_heads: Heads of each.
        embedding: Size of the name, role and value embeddings.
        dropout: Dropout rate inside the blocks.

    Call arguments:
        inputs: Dictionary of the arrays of `Tokens`.

    Returns:
        Float tensor (b, n, 3): ranking score, mean and log standard deviation.
    """

    def __init__(
        self,
        width: int = 48,
        num_blocks: int = 2,
        num_heads: int = 4,
        embedding: int = 16,
        dropout: float = 0.0,
        **kwargs,
    ):
        super().__init__(dtype=DTYPE, **kwargs)
        self.width = width
        self.num_blocks = num_blocks
        self.num_heads = num_heads
        self.embedding = embedding
        self.dropout = dropout
        self.name_pieces = layers.Embedding(NUM_BUCKETS, embedding, dtype=DTYPE)
        self.value_pieces = layers.Embedding(NUM_BUCKETS, embedding, dtype=DTYPE)
        self.role = layers.Embedding(len(ROLES) + 1, embedding, dtype=DTYPE)
        self.cell = _feed_forward(2 * width, width)
        self.blocks = [
            TokenAttention(width, num_heads, dropout, dtype=DTYPE) for _ in range(num_blocks)
        ]
        self.pool = layers.Dense(1, dtype=DTYPE)
        self.head = keras.Sequential(
            [
                layers.LayerNormalization(dtype=DTYPE),
                layers.Dense(2 * width, activation="relu", dtype=DTYPE),
                layers.Dense(3, dtype=DTYPE),
            ]
        )

    def build(self, input_shape):
        cells = input_shape["cells"]
        token = cells[-1] + 3 * self.embedding
        for layer in (self.name_pieces, self.value_pieces, self.role):
            layer.build(None)
        self.cell.build((None, None, None, token))
        for block in self.blocks:
            block.build((None, None, self.width))
        self.pool.build((None, None, self.width))
        self.head.build((None, None, 2 * self.width))
        self.built = True

    def call(self, inputs, training=False):
        cells, active = inputs["cells"], ops.cast(inputs["active"], DTYPE)
        tasks, configurations, hyperparameters, _ = ops.shape(cells)
        identity = ops.concatenate(
            [_bag(self.name_pieces, inputs["names"]), self.role(inputs["roles"])], axis=-1
        )
        identity = ops.broadcast_to(
            identity[:, None], (tasks, configurations, hyperparameters, 2 * self.embedding)
        )
        values = ops.take_along_axis(
            _bag(self.value_pieces, inputs["vocabulary"]),
            ops.reshape(inputs["values"], (tasks, configurations * hyperparameters, 1)),
            axis=1,
        )
        values = ops.reshape(values, (tasks, configurations, hyperparameters, self.embedding))
        x = self.cell(ops.concatenate([cells, identity, values], axis=-1))
        # One configuration is one sequence of tokens.
        x = ops.reshape(x, (-1, hyperparameters, self.width))
        mask = ops.reshape(active, (-1, hyperparameters))
        for block in self.blocks:
            x = block(x, mask, training=training)
        x = self._pool(x, mask)
        return self.head(ops.reshape(x, (tasks, configurations, 2 * self.width)))

    def _pool(self, x, mask):
        weights = ops.softmax(self.pool(x)[..., 0] + (1.0 - mask) * MASKED, axis=-1)
        attended = ops.sum(x * (weights * mask)[..., None], axis=1)
        count = ops.maximum(ops.sum(mask, axis=1, keepdims=True), 1.0)
        mean = ops.sum(x * mask[..., None], axis=1) / count
        return ops.concatenate([attended, mean], axis=-1)

    def get_config(self):
        return {
            "width": self.width,
            "num_blocks": self.num_blocks,
            "num_heads": self.num_heads,
            "embedding": self.embedding,
            "dropout": self.dropout,
        }


@keras.saving.register_keras_serializable("keras_metahpo")
class TokenAttention(layers.Layer):
    """A pre-norm transformer block over the tokens of one configuration."""

    def __init__(self, width: int, num_heads: int, dropout: float, **kwargs):
        super().__init__(**kwargs)
        self.width = width
        self.num_heads = num_heads
        self.first_norm = layers.LayerNormalization(dtype=DTYPE)
        self.second_norm = layers.LayerNormalization(dtype=DTYPE)
        self.queries_keys_values = layers.Dense(3 * width, dtype=DTYPE)
        self.output_projection = layers.Dense(width, dtype=DTYPE)
        self.feed_forward = _feed_forward(2 * width, width)
        self.drop = layers.Dropout(dropout, seed=0, dtype=DTYPE)

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

    def call(self, x, mask, training=False):
        sequences, tokens, _ = ops.shape(x)
        size = self.width // self.num_heads
        projected = self.queries_keys_values(self.first_norm(x))
        projected = ops.reshape(projected, (sequences, tokens, 3, self.num_heads, size))
        queries, keys, values = ops.unstack(ops.transpose(projected, (2, 0, 3, 1, 4)), axis=0)
        logits = ops.matmul(queries, ops.transpose(keys, (0, 1, 3, 2))) / size**0.5
        weights = ops.softmax(logits + (1.0 - mask[:, None, None, :]) * MASKED, axis=-1)
        attended = ops.transpose(ops.matmul(weights, values), (0, 2, 1, 3))
        attended = self.output_projection(ops.reshape(attended, (sequences, tokens, self.width)))
        x = x + self.drop(attended, training=training)
        return x + self.drop(self.feed_forward(self.second_norm(x)), training=training)


def _feed_forward(hidden: int, width: int) -> keras.Sequential:
    return keras.Sequential(
        [layers.Dense(hidden, activation="relu", dtype=DTYPE), layers.Dense(width, dtype=DTYPE)]
    )


def _bag(embedding: layers.Embedding, pieces):
    """Sum of the pieces' vectors, scaled by their number: (..., p) to (..., e)."""
    mask = ops.cast(pieces > 0, DTYPE)[..., None]
    count = ops.maximum(ops.sum(mask, axis=-2), 1.0)
    return ops.sum(embedding(pieces) * mask, axis=-2) / ops.sqrt(count)
