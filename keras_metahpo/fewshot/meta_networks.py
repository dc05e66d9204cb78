"""Meta Networks (Munkhdalai and Yu 2017): weights for an episode, generated from loss gradients.

Shapes: b episodes, n ways, k shots, s = n * k support examples, m queries, e features of the
backbone, h hidden units, (*x) one example.
"""

import math

import keras
from keras import layers, ops

from keras_metahpo.fewshot.autodiff import gradient
from keras_metahpo.fewshot.fast_weights import (
    check_ways,
    cross_entropies,
    labels_by_class,
    require,
)
from keras_metahpo.fewshot.learner import FewShotLearner
from keras_metahpo.fewshot.similarity import cosines

# p of the gradient preprocessing of Andrychowicz et al. 2016, appendix A; Meta Networks use 7.
GRADIENT_RANGE = 7.0
FIRST_FACTOR = 10.0


@keras.saving.register_keras_serializable("keras_metahpo")
class MetaNetwork(FewShotLearner):
    """Slow weights learned over all episodes, and fast weights made for each one.

    The steps of algorithm 1 of the paper, in each call:

    1. The gradient of a classification loss of the support examples with respect to the slow
       weights Q of the representation network u goes through the meta network d, coordinate by
       coordinate, and gives its fast weights Q*.
    2. For each support example, the gradient of its loss with respect to the slow weights W of
       the base network goes through the meta network m and gives fast weights W*_i: the memory.
       Its representation u(Q, Q*, x_i) is its index.
    3. A query's representation attends to the index by cosine, and reads from the memory its
       fast weights W*. The base network classifies the query with W and W*.

    A layer with slow and fast weights adds the outputs of both, each after its own ReLU where it
    has one (layer augmentation, section 3.3).

    `fit` trains the slow weights and both meta networks. To them the loss gradients are inputs,
    not differentiated again, as in the authors' implementation; no training signal reaches the
    softmax layer of u's own loss, so it keeps its random weights, there as here.

    Simplifications, to run on a CPU: u and the base network share one backbone, and the augmented
    layers are the dense ones above it (one of u, both of the base network), not convolutions,
    which would need filters of their own for each query. d is a feed-forward network of the
    mean gradient of the support examples, instead of an LSTM over theirs, so that their order
    does not matter. The cosines have a learned factor, 10 at first; the paper has none. Batch
    normalization of the backbone is Keras's own, so that no query depends on another.

    Args:
        backbone: Model from examples (i, *x) to features (i, e).
        num_ways: Number of classes of every episode.
        width: Hidden units h of both networks.
        meta_width: Hidden units of d and of m, in two layers each.
    """

    def __init__(
        self,
        backbone: keras.Model,
        num_ways: int = 5,
        width: int = 64,
        meta_width: int = 20,
        **kwargs,
    ):
        super().__init__(backbone, **kwargs)
        require(num_ways >= 2, "num_ways", "at least 2", num_ways)
        require(width >= 1, "width", "at least 1", width)
        require(meta_width >= 1, "meta_width", "at least 1", meta_width)
        self.num_ways = num_ways
        self.width = width
        self.meta_width = meta_width
        self.representation_meta = _coordinate_network(meta_width, "representation_meta")
        self.base_meta = _coordinate_network(meta_width, "base_meta")

    def build(self, input_shape):
        first, second = (self.embedding_size, self.width), (self.width, self.num_ways)
        self.representation = [
            self.add_weight(shape=first, initializer="glorot_uniform", name="representation"),
            self.add_weight(
                shape=second,
                initializer="glorot_uniform",
                name="representation_loss",
                trainable=False,
            ),
        ]
        self.base = [
            self.add_weight(shape=first, initializer="glorot_uniform", name="base_hidden"),
            self.add_weight(shape=second, initializer="glorot_uniform", name="base_logits"),
        ]
        start = keras.initializers.Constant(FIRST_FACTOR)
        self.factor = self.add_weight(shape=(), initializer=start, name="factor")

    def call(self, inputs, training=False):
        check_ways(inputs["support"], self.num_ways)
        support, query = self.embed(inputs, training)
        support = ops.reshape(
            support, (-1, self.num_ways * ops.shape(support)[2], self.embedding_size)
        )
        slow = self.representation[0]
        fast = self.fast_representation(support)
        index, key = (ops.matmul(x, slow) + ops.matmul(x, fast) for x in (support, query))
        attention = ops.softmax(self.factor * cosines(key, index))
        first, second = self.memory(support)
        slow_first, slow_second = self.base
        hidden = ops.relu(ops.matmul(query, slow_first))
        hidden = hidden + ops.relu(_read_and_apply(attention, first, query))
        return ops.matmul(hidden, slow_second) + _read_and_apply(attention, second, hidden)

    def fast_representation(self, support):
        """Fast weights Q* (b, e, h) of u, from support features (b, s, e)."""
        gradients = self._loss_gradients(self.representation, support)[0]
        return _generated(self.representation_meta, ops.mean(gradients, axis=1))

    def memory(self, support) -> list:
        """Fast weights (b, s, e, h) and (b, s, h, n) of the base network, one a support example."""
        gradients = self._loss_gradients(self.base, support)
        return [_generated(self.base_meta, g) for g in gradients]

    def _loss_gradients(self, slow_weights, support) -> list:
        """Gradients of each support example's own loss, (b, s, e, h) and (b, s, h, n)."""
        num_episodes, num_support = ops.shape(support)[:2]
        labels = labels_by_class(self.num_ways, num_support // self.num_ways)
        copies = [ops.broadcast_to(w, (num_episodes, num_support, *w.shape)) for w in slow_weights]

        def loss(weights):
            hidden = ops.relu(ops.matmul(support[:, :, None], weights[0]))
            return ops.sum(cross_entropies(ops.matmul(hidden, weights[1])[:, :, 0], labels))

        return [ops.stop_gradient(g) for g in gradient(loss, copies)]

    def get_config(self):
        return super().get_config() | {
            "num_ways": self.num_ways,
            "width": self.width,
            "meta_width": self.meta_width,
        }


def _read_and_apply(attention, memory, x):
    """Outputs (b, m, o) of x (b, m, i) under weights read from a memory (b, s, i, o).

    The read is a mean weighted by attention (b, m, s), so reading the outputs of each entry is
    the same as reading weights, and takes less memory.
    """
    outputs = ops.matmul(x[:, None], memory)
    weights = ops.transpose(attention, (0, 2, 1))[..., None]
    return ops.sum(weights * outputs, axis=1)


def _generated(meta_network: keras.Model, gradients):
    """Fast weights of the shape of the gradients, each made from its own coordinate."""
    coordinates = ops.reshape(_preprocessed(gradients), (-1, 2))
    return ops.reshape(meta_network(coordinates), ops.shape(gradients))


def _preprocessed(gradients):
    """Size and direction (..., 2) of each coordinate of gradients (...)."""
    smallest = math.exp(-GRADIENT_RANGE)
    sizes = ops.abs(gradients)
    large = sizes >= smallest
    log_size = ops.log(ops.maximum(sizes, smallest)) / GRADIENT_RANGE
    direction = ops.where(large, ops.sign(gradients), gradients / smallest)
    return ops.stack([log_size, direction], axis=-1)


def _coordinate_network(width: int, name: str) -> keras.Model:
    """A network from the size and direction of one coordinate (c, 2) to a fast weight (c, 1)."""
    network = keras.Sequential(
        [
            layers.Dense(width, activation="relu"),
            layers.Dense(width, activation="relu"),
            layers.Dense(1),
        ],
        name=name,
    )
    network.build((None, 2))
    return network
