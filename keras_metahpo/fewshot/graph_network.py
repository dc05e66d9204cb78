"""Few-shot graph neural network (Garcia and Bruna 2018) whose adjacency has several heads.

Shapes: n ways, k shots, m queries in all, b episodes, g graphs, v = n k + 1 nodes of a graph, c
features of a node, h heads.
"""

import keras
from keras import layers, ops

from keras_metahpo.errors import FewShotError
from keras_metahpo.fewshot.backbone import BATCH_NORM_MOMENTUM
from keras_metahpo.fewshot.learner import FewShotLearner

# In place of minus infinity in a softmax.
MASKED = -1e9
LEAKY_SLOPE = 0.01


@keras.saving.register_keras_serializable("keras_metahpo")
class GraphNetwork(FewShotLearner):
    """Passes messages between the support examples and a query, whose node becomes the logits.

    Every query has a graph of its own with the whole support set. A node holds its embedding and
    its one-hot label; a query's label is uniform. Each layer computes its edges from the nodes
    (equation 2 of the paper), takes a weighted sum over the neighbours (equation 1) and appends
    the result to the nodes. With `num_heads` above 1 each layer has as many adjacency matrices,
    as in multi-head attention; 1 is the paper. The paper's edge network has four hidden layers,
    ours `len(edge_widths)`.

    The labels have `num_ways` values, so that other ways need another network; shots may differ.
    Batch normalization, here also in the graph layers, uses moving averages outside training: it
    is not transductive.

    Args:
        backbone: Model from examples (i, *x) to embeddings (i, e).
        num_ways: Number n of classes of every episode.
        num_layers: Graph layers before the one that gives the logits; 2 in the paper.
        num_heads: Adjacency matrices a layer.
        width: Features that a layer appends to each node.
        edge_widths: Hidden layers of the network that computes edges.
        dropout: Rate on the nodes before the last layer.
    """

    def __init__(
        self,
        backbone: keras.Model,
        num_ways: int,
        num_layers: int = 2,
        num_heads: int = 4,
        width: int = 48,
        edge_widths: tuple[int, ...] = (64, 64),
        dropout: float = 0.0,
        **kwargs,
    ):
        super().__init__(backbone, **kwargs)
        if num_ways < 2 or num_layers < 0 or num_heads < 1 or not edge_widths:
            raise FewShotError(
                "A graph network needs at least 2 ways, no negative number of layers, a head and "
                f"a hidden layer for its edges. Received: num_ways={num_ways}, "
                f"num_layers={num_layers}, num_heads={num_heads}, edge_widths={edge_widths}."
            )
        self.num_ways = num_ways
        self.num_layers = num_layers
        self.num_heads = num_heads
        self.width = width
        self.edge_widths = tuple(edge_widths)
        self.dropout = dropout
        self.hidden = [
            GraphLayer(width, num_heads, self.edge_widths, normalize=True)
            for _ in range(num_layers)
        ]
        self.drop = layers.Dropout(dropout)
        self.head = GraphLayer(num_ways, num_heads, self.edge_widths, normalize=False)

    def build(self, input_shape):
        features = self.embedding_size + self.num_ways
        for layer in self.hidden:
            layer.build((None, None, features))
            features += self.width
        self.head.build((None, None, features))

    def call(self, inputs, training=False):
        ways = inputs["support"].shape[1]
        if ways is not None and ways != self.num_ways:
            raise FewShotError(
                f"This graph network classifies {self.num_ways} ways. Received: {ways} ways. Build "
                f"one with num_ways={ways}."
            )
        x, (num_episodes, num_queries) = self._nodes(*self.embed(inputs, training))
        for layer in self.hidden:
            x = ops.concatenate(
                [x, ops.leaky_relu(layer(x, training=training), LEAKY_SLOPE)], axis=-1
            )
        x = self.head(self.drop(x, training=training), training=training)
        return ops.reshape(x[:, 0], (num_episodes, num_queries, self.num_ways))

    def _nodes(self, support, queries):
        """Nodes (b m, v, c), a query first and then the support set; and b and m."""
        num_episodes, num_ways, num_shots, size = ops.shape(support)
        num_queries, num_support = ops.shape(queries)[1], num_ways * num_shots
        labels = ops.repeat(ops.eye(self.num_ways, dtype=support.dtype), num_shots, axis=0)
        labels = ops.broadcast_to(labels, (num_episodes, num_support, self.num_ways))
        known = ops.concatenate(
            [ops.reshape(support, (num_episodes, num_support, size)), labels], axis=-1
        )
        features = size + self.num_ways
        known = ops.broadcast_to(known[:, None], (num_episodes, num_queries, num_support, features))
        uniform = (
            ops.ones((num_episodes, num_queries, self.num_ways), support.dtype) / self.num_ways
        )
        asked = ops.concatenate([queries, uniform], axis=-1)[:, :, None]
        nodes = ops.concatenate([asked, known], axis=2)
        shape = (num_episodes * num_queries, num_support + 1, features)
        return ops.reshape(nodes, shape), (num_episodes, num_queries)

    def get_config(self):
        return {
            **super().get_config(),
            "num_ways": self.num_ways,
            "num_layers": self.num_layers,
            "num_heads": self.num_heads,
            "width": self.width,
            "edge_widths": list(self.edge_widths),
            "dropout": self.dropout,
        }


class GraphLayer(layers.Layer):
    """One round of messages: nodes (g, v, c) to (g, v, width), before any activation.

    Args:
        width: Features given to each node.
        num_heads: Adjacency matrices.
        edge_widths: Hidden layers of the edge network.
        normalize: Batch normalization of the result.
    """

    def __init__(
        self, width: int, num_heads: int, edge_widths: tuple[int, ...], normalize: bool, **kwargs
    ):
        super().__init__(**kwargs)
        self.width = width
        self.num_heads = num_heads
        self.edge_hidden = [layers.Dense(size, use_bias=False) for size in edge_widths]
        self.edge_norms = [_batch_norm() for _ in edge_widths]
        self.edge_scores = layers.Dense(num_heads)
        self.update = layers.Dense(width)
        self.norm = _batch_norm() if normalize else None

    def build(self, input_shape):
        features = input_shape[-1]
        size = features
        for hidden, norm in zip(self.edge_hidden, self.edge_norms, strict=True):
            hidden.build((None, None, None, size))
            size = hidden.units
            norm.build((None, None, None, size))
        self.edge_scores.build((None, None, None, size))
        self.update.build((None, None, (1 + self.num_heads) * features))
        if self.norm is not None:
            self.norm.build((None, None, self.width))

    def call(self, x, training=False):
        num_graphs, num_nodes, features = ops.shape(x)
        adjacency = self._adjacency(x, training)
        sums = ops.matmul(adjacency, x[:, None])
        sums = ops.reshape(
            ops.transpose(sums, (0, 2, 1, 3)), (num_graphs, num_nodes, self.num_heads * features)
        )
        updated = self.update(ops.concatenate([x, sums], axis=-1))
        return updated if self.norm is None else self.norm(updated, training=training)

    def _adjacency(self, x, training):
        """Weights of the neighbours of each node (g, h, v, v); each row sums to 1."""
        edges = ops.abs(x[:, :, None] - x[:, None, :])
        for hidden, norm in zip(self.edge_hidden, self.edge_norms, strict=True):
            edges = ops.leaky_relu(norm(hidden(edges), training=training), LEAKY_SLOPE)
        scores = ops.transpose(self.edge_scores(edges), (0, 3, 1, 2))
        # A node is no neighbour of itself; it enters the update apart.
        own = ops.eye(ops.shape(x)[1], dtype=x.dtype) * MASKED
        return ops.softmax(scores + own, axis=-1)


def _batch_norm() -> layers.BatchNormalization:
    return layers.BatchNormalization(momentum=BATCH_NORM_MOMENTUM)
