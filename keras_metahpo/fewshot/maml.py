"""Model-agnostic meta-learning: an initialisation from which few gradient steps suffice."""

import keras
from keras import ops

from keras_metahpo.fewshot.fast_weights import FastWeightLearner, flat_support


@keras.saving.register_keras_serializable("keras_metahpo")
class MAML(FastWeightLearner):
    """MAML (Finn, Abbeel and Levine 2017), and Meta-SGD (Li et al. 2017).

    Each call adapts the weights to the support set, theta' = theta - alpha * grad L_support(theta),
    one or several times, and gives the queries' logits under theta'. The loss that `fit` minimises
    is hence the query loss after adaptation (Finn et al., equation 1), and the optimizer's gradient
    goes through the adaptation.

    Args:
        first_order: Whether the inner gradient counts as a constant (first-order MAML, Finn et al.
            section 5.2), which takes less time and memory.
        learn_inner_learning_rates: Whether each weight tensor has a step size that is learned
            along, starting from `inner_learning_rate` (Meta-SGD, one rate a tensor).

    The other arguments are those of `FastWeightLearner`. The published Omniglot settings are
    `inner_learning_rate=0.4`, `inner_steps=1`, `eval_steps=3` and a learned head for 5 ways.
    """

    def __init__(
        self,
        backbone: keras.Model,
        num_ways: int | None = None,
        inner_learning_rate: float = 0.4,
        inner_steps: int = 1,
        eval_steps: int = 3,
        first_order: bool = False,
        learn_inner_learning_rates: bool = False,
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
        self.first_order = first_order
        self.learn_inner_learning_rates = learn_inner_learning_rates

    def build(self, input_shape):
        super().build(input_shape)
        if self.learn_inner_learning_rates:
            self.inner_learning_rates = self.add_weight(
                shape=(len(self.backbone.trainable_variables) + 2,),
                initializer=keras.initializers.Constant(self.inner_learning_rate),
                name="inner_learning_rates",
            )

    def query_logits(self, episode, training):
        support = episode["support"]
        num_steps = self.inner_steps if training else self.eval_steps
        weights = self.adapted_weights(support, num_steps)
        return self.logits_after(weights, flat_support(support)[0], episode["query"])

    def adapted_weights(self, support, num_steps: int) -> list:
        """Weights after `num_steps` gradient steps on a support set (n, k, *x)."""
        weights = self.initial_weights(support.shape[0])
        examples, labels = flat_support(support)
        for _ in range(num_steps):
            gradients = self.inner_gradient(weights, examples, labels)
            if self.first_order:
                gradients = [ops.stop_gradient(g) for g in gradients]
            rates = self._rates(len(weights))
            weights = [w - r * g for w, r, g in zip(weights, rates, gradients, strict=True)]
        return weights

    def _rates(self, num_tensors: int) -> list:
        if self.learn_inner_learning_rates:
            return ops.unstack(ops.copy(self.inner_learning_rates), num_tensors)
        return [self.inner_learning_rate] * num_tensors

    def get_config(self):
        return super().get_config() | {
            "first_order": self.first_order,
            "learn_inner_learning_rates": self.learn_inner_learning_rates,
        }
