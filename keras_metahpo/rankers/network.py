"""The ranking network: configurations and what was observed to scores and distributions of ranks.

Shapes: as in `keras_metahpo.rankers.base`, n configurations of context and query together; e the
width of the network, m its members, k bars.
"""

from typing import Any

import keras
from keras import layers, ops

from keras_metahpo.rankers.bars import NUM_BARS
from keras_metahpo.rankers.tokens import NUM_BUCKETS
from keras_metahpo.space.roles import ROLES

# The network keeps its own precision whatever `keras.mixed_precision` the user has set.
DTYPE = "float32"
MASKED = -1e9
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
        inputs: Dictionary of the arrays of `Tokens`; `observed`, bool (b, n), the context; and
            `scores`, float (b, n), the normal scores of the observed among themselves.

    Returns:
        Float tensor (b, n, m, 2 + k): each member's ranking score, logit of failure, and logits of
        the bars.
    """

    def __init__(
        self,
        num_members: int = 5,
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
        self.observation.build((None, None, 3))
        for block in self.blocks:
            block.build((None, None, self.width))
        self.head.build((None, None, 3 * self.width))
        self.built = True

    def call(self, inputs, training=False):
        encoded = self.encoder(inputs, training=training)
        observed, scores = ops.cast(inputs["observed"], DTYPE), inputs["scores"]
        facts = ops.stack([observed, observed * scores, observed * scores**2], axis=-1)
        x = self.query(encoded) + observed[..., None] * self.observation(facts)
        for block in self.blocks:
            x = block(x, observed)
        return self.head(ops.concatenate([encoded, x], axis=-1))


@keras.saving.register_keras_serializable("keras_metahpo")
class ConfigurationEncoder(layers.Layer):
    """Tokens to one vector a configuration: float tensor (b, n, 2 e).

    A token joins the facts of a cell with embeddings of its name, role and value. An exchange
    between the tokens of one configuration lets the learning rate see the optimizer; a learned
    pooling makes one vector of them. Queries do not see each other.
    """

    def __init__(self, width: int, num_blocks: int, embedding: int, dropout: float, **kwargs):
        super().__init__(**kwargs)
        self.width = width
        self.embedding = embedding
        self.name_pieces = layers.Embedding(NUM_BUCKETS, embedding, dtype=DTYPE)
        self.value_pieces = layers.Embedding(NUM_BUCKETS, embedding, dtype=DTYPE)
        self.role = layers.Embedding(len(ROLES) + 1, embedding, dtype=DTYPE)
        self.cell = _feed_forward(2 * width, width)
        self.blocks = [TokenExchange(width, dropout, dtype=DTYPE) for _ in range(num_blocks)]
        self.pool = layers.Dense(1, dtype=DTYPE)

    def build(self, input_shape):
        cells = input_shape["cells"]
        token = cells[-1] + 3 * self.embedding
        for layer in (self.name_pieces, self.value_pieces, self.role):
            layer.build(None)
        self.cell.build((None, None, None, token))
        for block in self.blocks:
            block.build((None, None, self.width))
        self.pool.build((None, None, self.width))
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
        return ops.reshape(x, (tasks, configurations, 2 * self.width))

    def _pool(self, x, mask):
        weights = ops.softmax(self.pool(x)[..., 0] + (1.0 - mask) * MASKED, axis=-1)
        attended = ops.sum(x * (weights * mask)[..., None], axis=1)
        return ops.concatenate([attended, _mean(x, mask)], axis=-1)


@keras.saving.register_keras_serializable("keras_metahpo")
class TokenExchange(layers.Layer):
    """A block in which each token of a configuration hears the mean of all (DeepSets).

    Attention between so few tokens ranks no better and takes longer: .696 on held-out tasks of the
    library with either, after 1000 steps of 0.18 s instead of 0.11 s on one core.
    """

    def __init__(self, width: int, dropout: float, **kwargs):
        super().__init__(**kwargs)
        self.norm = layers.LayerNormalization(dtype=DTYPE)
        self.own = layers.Dense(2 * width, dtype=DTYPE)
        self.others = layers.Dense(2 * width, use_bias=False, dtype=DTYPE)
        self.output_projection = layers.Dense(width, dtype=DTYPE)
        self.drop = layers.Dropout(dropout, seed=0, dtype=DTYPE)
        self.width = width

    def build(self, input_shape):
        for layer in (self.norm, self.own, self.others):
            layer.build(input_shape)
        self.output_projection.build((*input_shape[:-1], 2 * self.width))
        self.built = True

    def call(self, x, mask, training=False):
        normed = self.norm(x)
        hidden = ops.relu(self.own(normed) + self.others(_mean(normed, mask))[:, None])
        return x + self.drop(self.output_projection(hidden), training=training)


@keras.saving.register_keras_serializable("keras_metahpo")
class ContextAttention(layers.Layer):
    """A pre-norm transformer block in which configurations attend to the observed ones only.

    A logit of 0 for nothing takes part in the softmax: an empty context adds nothing.
    """

    def __init__(self, width: int, num_heads: int, **kwargs):
        super().__init__(**kwargs)
        self.width = width
        self.num_heads = num_heads
        self.first_norm = layers.LayerNormalization(dtype=DTYPE)
        self.second_norm = layers.LayerNormalization(dtype=DTYPE)
        self.queries_keys_values = layers.Dense(3 * width, dtype=DTYPE)
        self.output_projection = layers.Dense(width, use_bias=False, dtype=DTYPE)
        self.feed_forward = _feed_forward(2 * width, width)

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

    def call(self, x, observed):
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
        x = x + self.output_projection(attended)
        return x + self.feed_forward(self.second_norm(x))


def _feed_forward(hidden: int, width: int) -> keras.Sequential:
    return keras.Sequential(
        [layers.Dense(hidden, activation="relu", dtype=DTYPE), layers.Dense(width, dtype=DTYPE)]
    )


def _mean(x, mask):
    """Mean of the active tokens: (s, d, e) to (s, e)."""
    count = ops.maximum(ops.sum(mask, axis=1, keepdims=True), 1.0)
    return ops.sum(x * mask[..., None], axis=1) / count


def _bag(embedding: layers.Embedding, pieces):
    """Sum of the pieces' vectors, scaled by their number: (..., p) to (..., e)."""
    mask = ops.cast(pieces > 0, DTYPE)[..., None]
    count = ops.maximum(ops.sum(mask, axis=-2), 1.0)
    return ops.sum(embedding(pieces) * mask, axis=-2) / ops.sqrt(count)
