"""What MAML and Reptile share: a backbone and a linear head as a function of their weights.

Shapes: n ways, k shots, m queries, b episodes, i examples, e features, (*x) one example.
"""

from abc import abstractmethod

import keras
from keras import ops

from keras_metahpo.errors import FewShotError
from keras_metahpo.fewshot.autodiff import gradient
from keras_metahpo.fewshot.episode_normalization import with_episode_normalization
from keras_metahpo.fewshot.learner import FewShotLearner


class FastWeightLearner(FewShotLearner):
    """A learner that adapts all its weights to the support set by gradient descent.

    The backbone is called through `stateless_call`: adapting changes no variable, and neither
    does predicting. Batch normalization uses the statistics of a batch in training and at test
    (Finn et al. 2017), without moving averages: see `EpisodeNormalization`.

    Args:
        backbone: Built model from examples (i, *x) to features (i, e), without dropout. If it has
            `BatchNormalization` layers, the learner's `backbone` is a copy with others instead.
        num_ways: None, or the number of classes of every episode. With None an episode starts
            from a head of zeros, which fits any number of ways and treats classes alike (Kao et
            al. 2022, "MAML is a noisy contrastive learner"); with a number the initial head is
            learned, as in the papers.
        inner_learning_rate: Step size of the adaptation.
        inner_steps: Gradient steps of the adaptation in training.
        eval_steps: Gradient steps of the adaptation at test.
        transductive: Whether queries are normalised by their own batch statistics, as in the
            papers, so that the prediction of one depends on the others. Otherwise by those of
            the support set.
    """

    exchangeable = ("inner_learning_rate",)

    def __init__(
        self,
        backbone: keras.Model,
        num_ways: int | None,
        inner_learning_rate: float,
        inner_steps: int,
        eval_steps: int,
        transductive: bool,
        **kwargs,
    ):
        super().__init__(with_episode_normalization(backbone), **kwargs)
        if num_ways is not None:
            require(num_ways >= 2, "num_ways", "None or at least 2", num_ways)
        require(inner_learning_rate > 0, "inner_learning_rate", "positive", inner_learning_rate)
        require(inner_steps >= 1, "inner_steps", "at least 1", inner_steps)
        require(eval_steps >= 1, "eval_steps", "at least 1", eval_steps)
        self.num_ways = num_ways
        self.inner_learning_rate = inner_learning_rate
        self.inner_steps = inner_steps
        self.eval_steps = eval_steps
        self.transductive = transductive

    def build(self, input_shape):
        if self.num_ways is not None:
            shape = (self.embedding_size, self.num_ways)
            self.head = [
                self.add_weight(shape=shape, initializer="glorot_uniform", name="head_kernel"),
                self.add_weight(shape=shape[1:], initializer="zeros", name="head_bias"),
            ]

    def call(self, inputs, training=False):
        check_ways(inputs["support"], self.num_ways)
        return ops.map(lambda episode: self.query_logits(episode, training), inputs)

    @abstractmethod
    def query_logits(self, episode: dict, training: bool):
        """Logits (m, n) of `episode["query"]` (m, *x) after adapting to `episode["support"]`."""

    def initial_weights(self, num_ways: int) -> list:
        """Tensors from which every episode starts: the backbone's, then the head's."""
        weights = [ops.copy(v) for v in self.backbone.trainable_variables]
        if self.num_ways is not None:
            return weights + [ops.copy(v) for v in self.head]
        return [*weights, ops.zeros((self.embedding_size, num_ways)), ops.zeros((num_ways,))]

    def logits(self, weights: list, examples):
        """Logits (i, n) of examples (i, *x) normalised together."""
        return self._forward(weights, examples, self._frozen(), training=True)[0]

    def logits_after(self, weights: list, support, query):
        """Logits (m, n) of queries, normalised as `transductive` says."""
        if self.transductive:
            return self.logits(weights, query)
        _, of_support = self._forward(weights, support, self._frozen(), training=True)
        return self._forward(weights, query, of_support, training=False)[0]

    def inner_gradient(self, weights: list, examples, labels) -> list:
        """Gradient of the mean cross-entropy of examples (i, *x) with labels (i,)."""

        def loss(weights):
            return ops.mean(cross_entropies(self.logits(weights, examples), labels))

        return gradient(loss, weights)

    def _frozen(self) -> list:
        return [ops.copy(v) for v in self.backbone.non_trainable_variables]

    def _forward(self, weights, examples, frozen, training):
        *weights, kernel, bias = weights
        features, frozen = self.backbone.stateless_call(
            weights, frozen, examples, training=training
        )
        return ops.matmul(features, kernel) + bias, frozen

    def get_config(self):
        return super().get_config() | {
            "num_ways": self.num_ways,
            "inner_learning_rate": self.inner_learning_rate,
            "inner_steps": self.inner_steps,
            "eval_steps": self.eval_steps,
            "transductive": self.transductive,
        }


def cross_entropies(logits, labels):
    """Cross-entropy (..., i) of logits (..., i, n) and labels (i,); can be differentiated twice."""
    one_hot = ops.one_hot(labels, logits.shape[-1], dtype=logits.dtype)
    return -ops.sum(one_hot * ops.log_softmax(logits), axis=-1)


def flat_support(support):
    """Examples (n * k, *x) and labels (n * k,) of a support set (n, k, *x)."""
    labels = labels_by_class(*ops.shape(support)[:2])
    return ops.reshape(support, (-1, *support.shape[2:])), labels


def labels_by_class(num_ways, num_shots):
    """Labels (n * k,): k zeros, k ones and so on. Numbers, or tensors where a graph is open.

    TensorFlow traces for any number of shots once it has seen two.
    """
    labels = ops.arange(num_ways, dtype="int32")
    return ops.reshape(ops.broadcast_to(labels[:, None], (num_ways, num_shots)), (-1,))


def require(condition: bool, argument: str, expected: str, value) -> None:
    """Raises FewShotError unless an argument of a learner is as expected."""
    if not condition:
        raise FewShotError(f"{argument} must be {expected}. Received: {argument}={value!r}.")


def check_ways(support, num_ways: int | None) -> None:
    """Raises FewShotError unless support (b, n, k, *x) has the ways a learner was made for."""
    if num_ways is not None and support.shape[1] != num_ways:
        raise FewShotError(
            f"This learner has num_ways={num_ways}. Received: a support set of "
            f"{support.shape[1]} classes, shape {tuple(support.shape)}. Make the learner with "
            "the number of ways of its episodes."
        )
