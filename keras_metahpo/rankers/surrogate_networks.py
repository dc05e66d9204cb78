"""Networks of the surrogates that are meta-trained and then tuned to each search.

Shapes: b tasks, n configurations, m members, k outputs of a member.
"""

from functools import partial
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_metahpo.rankers.encoder import DTYPE, MASKED
from keras_metahpo.rankers.losses import plackett_luce_loss
from keras_metahpo.rankers.surrogate_member import SurrogateMember

# Kernel parameters of a new deep kernel: logarithms of length scale, signal and noise variance.
KERNEL_START = (1.5, 0.0, -2.0)
SMALLEST_NOISE = 1e-3
SQRT_5 = 5.0**0.5


class SurrogateNetwork(keras.Model):
    """Members of one form and other initial weights, which are stacked and called at once.

    One after the other, ten members take 1.5 to 3 times as long for a context of 50 to 7 trials,
    and 2.5 times as long to compile (JAX, one core).

    Args:
        num_members: How many.
        num_outputs, width, num_hidden, embedding, sees_context: Of `SurrogateMember`.

    Call arguments:
        inputs: As in `RankingNetwork`.

    Targets: Float array (b, n, 2): normal score, and 1 for what takes part in the loss, else 0.

    Returns:
        Float tensor (b, n, m, k).
    """

    def __init__(
        self,
        num_members: int = 1,
        num_outputs: int = 1,
        width: int = 32,
        num_hidden: int = 2,
        embedding: int = 16,
        sees_context: bool = False,
        **kwargs,
    ):
        super().__init__(dtype=DTYPE, **kwargs)
        self.num_members = num_members
        self.form: dict[str, Any] = {
            "num_outputs": num_outputs,
            "width": width,
            "num_hidden": num_hidden,
            "embedding": embedding,
            "sees_context": sees_context,
        }

    def build(self, input_shape):
        members = [SurrogateMember(**self.form, dtype=DTYPE) for _ in range(self.num_members)]
        for member in members:
            member.build(input_shape)
        together = zip(*(member.trainable_variables for member in members), strict=True)
        self.stacked = [
            self.add_weight(
                shape=(self.num_members, *of_members[0].shape),
                initializer=partial(_stack, of_members),
                name=of_members[0].path.replace("/", "_"),
            )
            for of_members in together
        ]
        # A method and not the layer, whose own weights would count as the network's.
        self._member = members[0].stateless_call
        self.built = True

    def call(self, inputs, training=False):
        def outputs_of(weights):
            return self._member(weights, [], inputs, training=training)[0]

        weights = [ops.convert_to_tensor(weight) for weight in self.stacked]
        return ops.moveaxis(ops.vectorized_map(outputs_of, weights), 0, 2)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return ops.mean(self.loss_of(y_pred, y[..., 0], y[..., 1]))

    def loss_of(self, outputs, scores, mask):
        """The loss of each task, float tensor (b,) or (b, m).

        Args:
            outputs: Float tensor (b, n, m, k).
            scores, mask: Float tensors (b, n).
        """
        raise NotImplementedError

    def get_config(self):
        return {"num_members": self.num_members, **self.form}


def _stack(variables, shape, dtype=None):
    """Initial weights of a stack: those of each member."""
    values = [ops.convert_to_numpy(variable) for variable in variables]
    return ops.convert_to_tensor(np.stack(values), dtype)


@keras.saving.register_keras_serializable("keras_metahpo")
class RegressionNetwork(SurrogateNetwork):
    """Predicts normal scores, by squared error."""

    def loss_of(self, outputs, scores, mask):
        squares = ops.square(outputs[..., 0] - scores[..., None]) * mask[..., None]
        return ops.sum(squares, axis=1) / ops.maximum(ops.sum(mask, axis=1), 1.0)[:, None]


@keras.saving.register_keras_serializable("keras_metahpo")
class RankingEnsembleNetwork(SurrogateNetwork):
    """Scores by members that each learn the order, with weights 1 / ln(rank + 1).

    Deep ranking ensembles (Khazi et al. 2023, section 4).
    """

    def loss_of(self, outputs, scores, mask):
        scores = ops.where(mask > 0, scores, MASKED)
        order = ops.argsort(-scores, axis=1)
        scores, mask = (ops.take_along_axis(array, order, axis=1) for array in (scores, mask))
        worst = ops.min(ops.where(mask > 0, scores, -MASKED), axis=1, keepdims=True)
        ranks = ops.cast(ops.arange(1, ops.shape(scores)[1] + 1), DTYPE)
        weights = ops.where(scores > worst, 1.0 / ops.log(ranks + 1.0), 0.0)
        predicted = ops.take_along_axis(
            ops.transpose(outputs[..., 0], (0, 2, 1)), order[:, None], axis=2
        )
        return plackett_luce_loss(predicted, weights[:, None], mask[:, None])


@keras.saving.register_keras_serializable("keras_metahpo")
class DeepKernelNetwork(SurrogateNetwork):
    """The features of a Gaussian process with a Matern 5/2 kernel, and its parameters.

    Few-shot Bayesian optimization (Wistuba and Grabocka 2021, section 3): features and kernel
    maximise the marginal likelihood over all tasks.
    """

    def build(self, input_shape):
        self.kernel_parameters = self.add_weight(
            shape=(3,),
            initializer=lambda shape, dtype=None: ops.convert_to_tensor(KERNEL_START, dtype),
            name="kernel_parameters",
        )
        super().build(input_shape)

    def loss_of(self, outputs, scores, mask):
        covariance = self.covariance(outputs[:, :, 0], outputs[:, :, 0])
        # What is masked is independent of the rest, with variance 1 and value 0.
        both = mask[:, :, None] * mask[:, None, :]
        identity = ops.eye(ops.shape(mask)[1])
        noise = ops.exp(self.kernel_parameters[2]) + SMALLEST_NOISE
        covariance = covariance * both + identity * (noise * both + (1.0 - both))
        factor = ops.cholesky(covariance)
        whitened = ops.solve_triangular(factor, (scores * mask)[..., None], lower=True)
        determinant = ops.sum(ops.log(ops.diagonal(factor, axis1=1, axis2=2)), axis=1)
        value = 0.5 * ops.sum(ops.square(whitened), axis=(1, 2)) + determinant
        return value / ops.maximum(ops.sum(mask, axis=1), 1.0)

    def covariance(self, first, second):
        """The noise-free covariance of features (b, p, k) and (b, q, k): (b, p, q)."""
        scale, signal = ops.exp(self.kernel_parameters[0]), ops.exp(self.kernel_parameters[1])
        squares = ops.sum(ops.square(first[:, :, None] - second[:, None]), axis=-1)
        # The gradient of a root at 0 is infinite.
        scaled = SQRT_5 * ops.sqrt(squares + 1e-9) / scale
        return signal * (1.0 + scaled + scaled**2 / 3.0) * ops.exp(-scaled)

    def posterior(
        self, observed: np.ndarray, scores: np.ndarray, query: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation at q features (q, k), after n features (n, k)."""
        from scipy.linalg import cho_factor, cho_solve

        def covariance(first, second):
            features = (array[None].astype(DTYPE) for array in (first, second))
            return ops.convert_to_numpy(self.covariance(*features))[0].astype(float)

        _, signal, noise = np.exp(ops.convert_to_numpy(self.kernel_parameters).astype(float))
        noise += SMALLEST_NOISE
        variance = np.full(len(query), signal)
        if not len(observed):
            return np.zeros(len(query)), np.sqrt(variance)
        factor = cho_factor(covariance(observed, observed) + noise * np.eye(len(observed)))
        cross = covariance(query, observed)
        mean = cross @ cho_solve(factor, scores)
        variance = variance - np.einsum("qn,nq->q", cross, cho_solve(factor, cross.T))
        return mean, np.sqrt(np.maximum(variance, 1e-10))
