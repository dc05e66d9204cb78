"""An exact Gaussian process whose trust in a given prior mean is learnt from the data.

Shapes: n observations, q queries, d hyperparameters.

    target(x) = c + b prior_mean(x) + residual(x) + noise

with c ~ N(0, 1) and b ~ N(0.7, 0.35^2) integrated analytically: the mean function is
0.7 prior_mean and the kernel gains 1 + 0.35^2 prior_mean prior_mean'. The residual is a stationary
process. The kernel's parameters are fitted or drawn (`fitting.py`, `mixture.py`). Where the data
say so, b ~ N(0, 1) instead: a prior mean may mislead.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from keras_metahpo.gaussian_process.kernels import CORRELATIONS, Inputs, cross_distances

# Targets are normal scores: their mean is known to about their standard deviation.
OFFSET_VARIANCE = 1.0
SMALLEST_JITTER = 1e-10


@dataclass(frozen=True)
class Trust:
    """Normal prior of the slope b, which says how far the prior mean is trusted."""

    mean: float
    std: float


# Fitted on held-out families, the slope was 0.6 on LCBench and 1.1 on TaskSet.
BELIEF = Trust(0.7, 0.35)
# That the prior mean is worthless or worse.
DOUBT = Trust(0.0, 1.0)


@dataclass(frozen=True)
class Kernel:
    """Parameters of the covariance.

    Attributes:
        length_scales: Float array (d,). In units of the unit cube's edge.
        signal_variance, noise_variance: Of the residual and the noise.
        offset_variance: Of the constant c.
        correlation: A name of `CORRELATIONS`.
    """

    length_scales: np.ndarray
    signal_variance: float
    noise_variance: float
    offset_variance: float = OFFSET_VARIANCE
    correlation: str = "matern_52"


@dataclass(frozen=True)
class GaussianProcess:
    """A Gaussian process conditioned on observations.

    Attributes:
        kernel: Its parameters.
        inputs: n configurations.
        targets: Float array (n,).
        variances: Float array (n,), or `None` for none. Of known errors of the targets, besides
            the kernel's noise.
        trust_prior: Of the prior mean's slope.
    """

    kernel: Kernel
    inputs: Inputs
    targets: np.ndarray
    variances: np.ndarray | None = None
    trust_prior: Trust = BELIEF

    def predict(self, query: Inputs) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation of the noise-free target at q inputs: float arrays (q,)."""
        from scipy.linalg import solve_triangular

        covariance = self._covariance_to(query)
        mean = self.trust_prior.mean * query.prior_mean + covariance @ self._weights
        variance = self.trust_prior.std**2 * query.prior_mean**2
        variance += self.kernel.signal_variance + self.kernel.offset_variance
        if len(self.targets):
            whitened = solve_triangular(
                self._factor, covariance.T, lower=True, check_finite=False, overwrite_b=True
            )
            variance -= np.einsum("nq,nq->q", whitened, whitened)
        return mean, np.sqrt(np.maximum(variance, SMALLEST_JITTER))

    def fantasise(self, pending: Inputs) -> "GaussianProcess":
        """This process after observing its own mean at q pending configurations."""
        mean, _ = self.predict(pending)
        variances = self.variances
        if variances is not None:
            variances = np.concatenate([variances, np.zeros(len(mean))])
        return replace(
            self,
            variances=variances,
            inputs=self.inputs + pending,
            targets=np.concatenate([self.targets, mean]),
        )

    @property
    def trust(self) -> float:
        """Posterior mean of the prior mean's slope b."""
        slope = self.trust_prior.std**2 * self.inputs.prior_mean @ self._weights
        return float(self.trust_prior.mean + slope)

    @property
    def log_evidence(self) -> float:
        """Log probability of the targets, but for a constant."""
        return float(-self._residuals @ self._weights / 2 - np.log(self._factor.diagonal()).sum())

    @cached_property
    def _factor(self) -> np.ndarray:
        """Lower Cholesky factor of the covariance of the observations, (n, n)."""
        covariance = self._covariance_to(self.inputs)
        known = 0.0 if self.variances is None else self.variances
        covariance[np.diag_indices(len(covariance))] += self.kernel.noise_variance + known
        return np.tril(cholesky(np.asfortranarray(covariance)))

    @cached_property
    def _weights(self) -> np.ndarray:
        """Inverse covariance times the residuals of the prior mean, (n,)."""
        from scipy.linalg import cho_solve

        residuals = self._residuals
        return cho_solve((self._factor, True), residuals) if len(residuals) else residuals

    @property
    def _residuals(self) -> np.ndarray:
        return self.targets - self.trust_prior.mean * self.inputs.prior_mean

    def _covariance_to(self, query: Inputs) -> np.ndarray:
        own, kernel = self.inputs, self.kernel
        distances = cross_distances(query, own, kernel.length_scales**-2.0)
        covariance = kernel.signal_variance * CORRELATIONS[kernel.correlation](distances)[0]
        covariance += kernel.offset_variance
        covariance += self.trust_prior.std**2 * np.outer(query.prior_mean, own.prior_mean)
        return covariance


def cholesky(covariance: np.ndarray) -> np.ndarray:
    """Lower Cholesky factor, column-major, its upper triangle unset, with the least jitter."""
    from scipy.linalg.lapack import dpotrf

    scale = covariance.diagonal().mean() if len(covariance) else 1.0
    jitter = 0.0
    while True:
        jittered = covariance.copy(order="F")
        jittered[np.diag_indices(len(covariance))] += jitter * scale
        factor, failed_at = dpotrf(jittered, lower=1, clean=0, overwrite_a=1)
        if not failed_at:
            return factor
        jitter = max(10 * jitter, SMALLEST_JITTER)
