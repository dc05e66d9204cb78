"""Reptile: an initialisation that moves towards the weights each episode ends at."""

import keras
from keras import ops

from keras_metahpo.errors import FewShotError
from keras_metahpo.fewshot.fast_weights import (
    FastWeightLearner,
    flat_support,
    labels_by_class,
    require,
)

INNER_OPTIMIZERS = ("sgd", "adam")
# Adam without momentum, as Nichol et al. 2018 use it in the inner loop (table 3).
ADAM_DECAY = 0.999
ADAM_EPSILON = 1e-8


@keras.saving.register_keras_serializable("keras_metahpo")
class Reptile(FastWeightLearner):
    """Reptile (Nichol, Achiam and Schulman 2018).

    In training the weights phi are adapted to all examples of an episode, queries included, by
    `inner_steps` steps on mini-batches; then phi <- phi + epsilon * mean(phi_adapted - phi) over
    the batch of episodes (algorithm 2). Plain `fit` does it: the gradient of `compute_loss` with
    respect to phi is the Reptile gradient, phi - phi_adapted, so that `SGD(epsilon)` is the
    paper's update (a `PolynomialDecay` to 0 its schedule) and any other optimizer can be used.
    The value of the loss is that of the queries after adapting to the support set only, as at
    test, and so are the metrics. Regularization losses have no effect.

    At test the weights are adapted to the support set by `eval_steps` steps.

    Args:
        inner_optimizer: "adam" (without momentum, as in the paper, and new in every episode) or
            "sgd".
        batch_shots: Examples of each class in the mini-batch of one inner step; the steps go
            through the examples in turn, and round again. The paper draws mini-batches of 10 of
            any class.

    The other arguments are those of `FastWeightLearner`. The published Omniglot 5-way settings:
    `inner_learning_rate=0.001`, `inner_steps=5`, `batch_shots=2`, `eval_steps=50`, 10 shots a
    class in training, 5 episodes a batch, `SGD` from 1.0 to 0 in 100,000 updates.
    """

    def __init__(
        self,
        backbone: keras.Model,
        num_ways: int | None = None,
        inner_learning_rate: float = 0.001,
        inner_steps: int = 5,
        eval_steps: int = 50,
        inner_optimizer: str = "adam",
        batch_shots: int = 2,
        transductive: bool = True,
        **kwargs,
    ):
        super().__init__(
            backbone,
            num_ways,
            inner_learning_rate,
            inner_steps,
            eval_steps,
            transductive,
            **kwargs,
        )
        allowed = f"one of {INNER_OPTIMIZERS}"
        require(inner_optimizer in INNER_OPTIMIZERS, "inner_optimizer", allowed, inner_optimizer)
        require(batch_shots >= 1, "batch_shots", "at least 1", batch_shots)
        self.inner_optimizer = inner_optimizer
        self.batch_shots = batch_shots

    def query_logits(self, episode, training):
        support = episode["support"]
        num_steps = self.inner_steps if training else self.eval_steps
        weights = self.adapted_weights(support, num_steps)
        return self.logits_after(weights, flat_support(support)[0], episode["query"])

    def adapted_weights(self, support, num_steps: int) -> list:
        """Weights, as constants, after `num_steps` steps on examples by class (n, s, *x)."""
        num_ways, num_shots, *example_shape = ops.shape(support)
        known = isinstance(num_shots, int)
        size = (min if known else ops.minimum)(self.batch_shots, num_shots)
        labels = labels_by_class(num_ways, size)

        def step(index, state):
            weights, second_moments = state
            shots = ops.mod(index * size + ops.arange(size, dtype="int32"), num_shots)
            batch = ops.reshape(ops.take(support, shots, axis=1), (-1, *example_shape))
            gradients = self.inner_gradient(weights, batch, labels)
            return self._stepped(index, weights, second_moments, gradients)

        weights = [ops.stop_gradient(w) for w in self.initial_weights(num_ways)]
        second_moments = [ops.zeros_like(w) for w in weights]
        return ops.fori_loop(0, num_steps, step, (weights, second_moments))[0]

    def _stepped(self, index, weights, second_moments, gradients):
        rate = self.inner_learning_rate
        if self.inner_optimizer == "sgd":
            moved = [w - rate * g for w, g in zip(weights, gradients, strict=True)]
            return moved, second_moments
        second_moments = [
            ADAM_DECAY * v + (1.0 - ADAM_DECAY) * ops.square(g)
            for v, g in zip(second_moments, gradients, strict=True)
        ]
        bias = 1.0 - ops.power(ADAM_DECAY, ops.cast(index + 1, weights[0].dtype))
        moved = [
            w - rate * g / (ops.sqrt(v / bias) + ADAM_EPSILON)
            for w, g, v in zip(weights, gradients, second_moments, strict=True)
        ]
        return moved, second_moments

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """The loss of `y_pred`; in training its gradient is the Reptile gradient.

        Args:
            x, y: A batch of `stack_episodes`, with equally many queries of each class.
        """
        loss = super().compute_loss(x, y, y_pred, sample_weight, training)
        if not training:
            return loss
        pulls = self.reptile_gradient(x, y)
        weights = self.initial_weights(x["support"].shape[1])[: len(pulls)]
        linear = sum(ops.sum(w * ops.stop_gradient(p)) for w, p in zip(weights, pulls, strict=True))
        return ops.stop_gradient(loss) + linear - ops.stop_gradient(linear)

    def reptile_gradient(self, x: dict, y) -> list:
        """Mean of phi - phi_adapted over a batch of episodes, one tensor a trainable variable."""
        num_ways = x["support"].shape[1]
        num_queries = x["query"].shape[1]
        if num_queries is None or num_queries % num_ways:
            raise FewShotError(
                "Reptile trains on episodes with equally many queries of each class. "
                f"Received: {num_queries} queries of {num_ways} classes."
            )
        num_learned = len(self.backbone.trainable_variables)
        if self.num_ways is not None:
            num_learned += len(self.head)

        def adapt(episode):
            query = ops.take(episode["query"], ops.argsort(episode["labels"]), axis=0)
            by_class = ops.reshape(query, (num_ways, -1, *query.shape[1:]))
            examples = ops.concatenate([episode["support"], by_class], axis=1)
            return self.adapted_weights(examples, self.inner_steps)[:num_learned]

        adapted = ops.map(adapt, {**x, "labels": y})
        start = self.initial_weights(num_ways)[:num_learned]
        return [w - ops.mean(a, axis=0) for w, a in zip(start, adapted, strict=True)]

    def get_config(self):
        return super().get_config() | {
            "inner_optimizer": self.inner_optimizer,
            "batch_shots": self.batch_shots,
        }
