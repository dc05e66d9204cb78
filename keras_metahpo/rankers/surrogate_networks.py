"""Networks of the surrogates that are meta-trained and then tuned to each search.

Shapes: b tasks, n configurations, m members, k outputs of a member.
"""

from typing import Any

import keras
import numpy as np
from keras import layers, ops

from keras_metahpo.rankers.encoder import DTYPE, MASKED, ConfigurationEncoder
from keras_metahpo.rankers.inputs import SCORE
from keras_metahpo.rankers.losses import plackett_luce_loss

# Kernel parameters of a new deep kernel: logarithms of length scale, signal and noise variance.
KERNEL_START = (1.5, 0.0, -2.0)
SMALLEST_NOISE = 1e-3
SQRT_5 = 5.0**0.5


class SurrogateNetwork(keras.Model):
    """Members, each an encoder of configurations and a multilayer perceptron.

    Args:
        num_members: How many.
        num_outputs: Of a member.
        width: Size of a token's vector and of the hidden layers.
        num_hidden: Hidden layers of a member's perceptron.
        embedding: Size of the name, role and value embeddings.
        sees_context: Whether the mean of what was observed is an input (DeepSets).

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
        self.form: dict[str, Any] = {
            "num_members": num_members,
            "num_outputs": num_outputs,
            "width": width,
            "num_hidden": num_hidden,
            "embedding": embedding,
            "sees_context": sees_context,
        }
        self.encoders = [
            ConfigurationEncoder(width, 1, embedding, 0.0, dtype=DTYPE) for _ in range(num_members)
        ]
        self.observations = [
            layers.Dense(width, activation="relu", dtype=DTYPE)
            for _ in range(num_members if sees_context else 0)
        ]
        self.perceptrons = [
            keras.Sequential(
                [layers.Dense(width, activation="relu", dtype=DTYPE) for _ in range(num_hidden)]
                + [layers.Dense(num_outputs, dtype=DTYPE)]
            )
            for _ in range(num_members)
        ]

    def build(self, input_shape):
        width, sees_context = self.form["width"], self.form["sees_context"]
        for encoder, perceptron in zip(self.encoders, self.perceptrons, strict=True):
            encoder.build(input_shape)
            perceptron.build((None, None, (3 if sees_context else 2) * width))
        for observation in self.observations:
            observation.build((None, None, 2 * width + 1))
        self.built = True

    def call(self, inputs, training=False):
        outputs = []
        for member, encoder in enumerate(self.encoders):
            x = encoder(inputs, training=training)
            if self.observations:
                x = ops.concatenate([x, self._summary(member, x, inputs)], axis=-1)
            outputs.append(self.perceptrons[member](x))
        return ops.stack(outputs, axis=2)

    def _summary(self, member, encoded, inputs):
        """The mean of the observed, for each configuration; zeros where there is nothing."""
        if "observed" not in inputs:
            return ops.zeros((*ops.shape(encoded)[:2], self.form["width"]))
        observed = ops.cast(inputs["observed"], DTYPE)[..., None]
        scores = inputs["facts"][..., SCORE, None]
        known = ops.concatenate([encoded, scores], axis=-1)
        total = ops.sum(self.observations[member](known) * observed, axis=1, keepdims=True)
        mean = total / ops.maximum(ops.sum(observed, axis=1, keepdims=True), 1.0)
        return ops.broadcast_to(mean, (*ops.shape(encoded)[:2], self.form["width"]))

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
        return dict(self.form)


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
