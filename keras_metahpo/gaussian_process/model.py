"""An exact Gaussian process whose trust in a given prior mean is learnt from the data.

Shapes: n observations, q queries, d hyperparameters.

    target(x) = c + b prior_mean(x) + residual(x) + noise

with c ~ N(0, 1) and b ~ N(0.7, 0.35^2) integrated analytically: the mean function is
0.7 prior_mean and the kernel gains 1 + 0.35^2 prior_mean prior_mean'. The kernel's parameters are
the most probable ones. Where the data say so, b ~ N(0, 1) instead: a prior mean may mislead.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from keras_metahpo.gaussian_process.kernels import (
    CORRELATIONS,
    Inputs,
    cross_distances,
    pairwise_distances,
)

# Targets are normal scores: their mean is known to about their standard deviation.
OFFSET_VARIANCE = 1.0
# Normal priors of logarithms, (most probable value, standard deviation). Hvarfner et al., 2024,
# "Vanilla Bayesian Optimization Performs Great in High Dimensions": length scales grow with the
# root of the dimension; the noise is BoTorch 0.12's.
LENGTH_SCALE_PRIOR = (np.sqrt(2.0) - 3.0, np.sqrt(3.0))
NOISE_PRIOR = (-5.0, 1.0)
# There the signal's variance is 1, that of standardised targets; here a prior mean may explain
# any share of it.
SIGNAL_PRIOR = (-1.0, 1.0)
LENGTH_SCALE_BOUNDS = (0.02, 200.0)
SIGNAL_BOUNDS = (1e-3, 20.0)
NOISE_BOUNDS = (1e-5, 2.0)
# The optimiser starts at the most probable parameters but for the noise: its landscape is gentler
# where there is more, and 8 starts on smooth and rough functions led to one optimum.
NOISE_START = 10.0
# The kernel's few parameters need no more observations, whose cube each evaluation costs.
MOST_FITTED = 128
MAX_ITERATIONS = 18
MAX_EVALUATIONS = 22
SMALLEST_JITTER = 1e-10


@dataclass(frozen=True)
class Trust:
    """Normal prior of the slope b, which says how far the prior mean is trusted."""

    mean: float
    std: float


# Fitted on held-out families, the slope was 0.6 on LCBench and 1.1 on TaskSet.
BELIEF = Trust(0.7, 0.35)
# That the prior mean is worthless or worse, and the evidence that it takes to think so.
DOUBT = Trust(0.0, 1.0)
ODDS_OF_BELIEF = 10.0


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
        prior_mean: Float array (n,), or `None` for a process without one.
        variances: Float array (n,), or `None` for none. Of known errors of the targets, besides
            the kernel's noise.
        trust_prior: Of the prior mean's slope.
    """

    kernel: Kernel
    inputs: Inputs
    targets: np.ndarray
    prior_mean: np.ndarray | None = None
    variances: np.ndarray | None = None
    trust_prior: Trust = BELIEF

    def predict(
        self, units: np.ndarray, active: np.ndarray, prior_mean: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation of the noise-free target, float arrays (q,).

        Args:
            units: Float array (q, d). Unit positions.
            active: Bool array (q, d).
            prior_mean: Float array (q,); needed if the process has one.
        """
        from scipy.linalg import solve_triangular

        query = Inputs.of(units, active, self.inputs.categorical)
        slope_mean = self._prior_mean_or_zero(prior_mean, len(query))
        covariance = self._covariance_to(query, slope_mean)
        mean = self.trust_prior.mean * slope_mean + covariance @ self._weights
        constant = self.kernel.signal_variance + self.kernel.offset_variance
        variance = constant + self.trust_prior.std**2 * slope_mean**2
        if len(self.targets):
            whitened = solve_triangular(
                self._factor, covariance.T, lower=True, check_finite=False, overwrite_b=True
            )
            variance = variance - np.einsum("nq,nq->q", whitened, whitened)
        return mean, np.sqrt(np.maximum(variance, SMALLEST_JITTER))

    def fantasise(
        self, units: np.ndarray, active: np.ndarray, prior_mean: np.ndarray | None = None
    ) -> "GaussianProcess":
        """This process after observing its own mean at q pending configurations."""
        mean, _ = self.predict(units, active, prior_mean)
        prior_means = None
        if self.prior_mean is not None:
            prior_means = np.concatenate([self.prior_mean, prior_mean])
        variances = self.variances
        if variances is not None:
            variances = np.concatenate([variances, np.zeros(len(mean))])
        return replace(
            self,
            variances=variances,
            inputs=self.inputs + Inputs.of(units, active, self.inputs.categorical),
            targets=np.concatenate([self.targets, mean]),
            prior_mean=prior_means,
        )

    @property
    def trust(self) -> float | None:
        """Posterior mean of the prior mean's slope b; `None` without a prior mean."""
        if self.prior_mean is None:
            return None
        slope = self.trust_prior.std**2 * self.prior_mean @ self._weights
        return float(self.trust_prior.mean + slope)

    @property
    def log_evidence(self) -> float:
        """Log probability of the targets, but for a constant."""
        return float(-self._residuals @ self._weights / 2 - np.log(self._factor.diagonal()).sum())

    @cached_property
    def _factor(self) -> np.ndarray:
        """Lower Cholesky factor of the covariance of the observations, (n, n)."""
        slope_mean = self._prior_mean_or_zero(self.prior_mean, len(self.inputs))
        covariance = self._covariance_to(self.inputs, slope_mean)
        known = 0.0 if self.variances is None else self.variances
        covariance[np.diag_indices(len(covariance))] += self.kernel.noise_variance + known
        return np.tril(_cholesky(np.asfortranarray(covariance)))

    @cached_property
    def _weights(self) -> np.ndarray:
        """Inverse covariance times the residuals of the prior mean, (n,)."""
        from scipy.linalg import cho_solve

        residuals = self._residuals
        return cho_solve((self._factor, True), residuals) if len(residuals) else residuals

    @property
    def _residuals(self) -> np.ndarray:
        expected = self._prior_mean_or_zero(self.prior_mean, len(self.targets))
        return self.targets - self.trust_prior.mean * expected

    def _covariance_to(self, query: Inputs, slope_mean: np.ndarray) -> np.ndarray:
        own = self._prior_mean_or_zero(self.prior_mean, len(self.inputs))
        distances = cross_distances(query, self.inputs, self.kernel.length_scales**-2.0)
        correlation = CORRELATIONS[self.kernel.correlation]
        covariance = self.kernel.signal_variance * correlation(distances)[0]
        covariance += self.kernel.offset_variance
        covariance += self.trust_prior.std**2 * np.outer(slope_mean, own)
        return covariance

    def _prior_mean_or_zero(self, prior_mean: np.ndarray | None, size: int) -> np.ndarray:
        if self.prior_mean is None or prior_mean is None:
            return np.zeros(size)
        return np.asarray(prior_mean, dtype=float)


def fit_gaussian_process(
    units: np.ndarray,
    active: np.ndarray,
    categorical: np.ndarray,
    targets: np.ndarray,
    prior_mean: np.ndarray | None = None,
    correlation: str = Kernel.correlation,
    variances: np.ndarray | None = None,
) -> GaussianProcess:
    """A Gaussian process on all observations, with the most probable kernel parameters.

    The parameters of many observations are fitted to evenly spaced rows of them.

    Args:
        units: Float array (n, d). Unit positions; inactive cells are not looked at.
        active: Bool array (n, d).
        categorical: Bool array (d,). Columns in which only equality counts.
        targets: Float array (n,). Normal scores.
        prior_mean: Float array (n,), in the units of the targets.
        correlation: A name of `CORRELATIONS`.
        variances: Float array (n,). Of known errors of the targets.
    """
    inputs = Inputs.of(units, active, categorical)
    targets = np.asarray(targets, dtype=float)
    rows = np.linspace(0, len(inputs) - 1, min(len(inputs), MOST_FITTED)).astype(int)
    objective = negative_log_posterior(
        inputs[rows],
        targets[rows],
        None if prior_mean is None else np.asarray(prior_mean)[rows],
        correlation,
        None if variances is None else np.asarray(variances)[rows],
    )
    parameters = _minimise(objective, np.shape(units)[1])
    kernel = _kernel(parameters, correlation)
    process = GaussianProcess(kernel, inputs, targets, prior_mean, variances)
    if prior_mean is None:
        return process
    doubting = replace(process, trust_prior=DOUBT)
    doubts = doubting.log_evidence - process.log_evidence > np.log(ODDS_OF_BELIEF)
    return doubting if doubts else process


def negative_log_posterior(
    inputs: Inputs,
    targets: np.ndarray,
    prior_mean: np.ndarray | None,
    correlation: str = Kernel.correlation,
    variances: np.ndarray | None = None,
) -> Callable[[np.ndarray], tuple[float, np.ndarray]]:
    """The objective of the fit: log parameters (d + 2,) to its value and gradient (d + 2,).

    The parameters are the logarithms of the length scales, signal variance and noise variance.
    """
    from scipy.linalg.lapack import dpotri, dpotrs

    correlate = CORRELATIONS[correlation]
    size, dimension = inputs.positions.shape
    distances = pairwise_distances(inputs)
    slope_mean = np.zeros(size) if prior_mean is None else np.asarray(prior_mean, dtype=float)
    first, second = np.triu_indices(size, 1)
    # LAPACK's lower triangle of a column-major matrix, as places in its memory.
    lower = first * size + second
    diagonal = np.arange(size) * (size + 1)
    linear = (OFFSET_VARIANCE + BELIEF.std**2 * np.outer(slope_mean, slope_mean)).ravel()
    if variances is not None:
        linear[diagonal] += variances
    residuals = targets - BELIEF.mean * slope_mean
    locations, scales = _priors(dimension)

    def evaluate(parameters: np.ndarray) -> tuple[float, np.ndarray]:
        standardised = (parameters - locations) / scales
        value = float(standardised @ standardised / 2)
        gradient = standardised / scales
        if not size:
            return value, gradient
        weights = np.exp(-2.0 * parameters[:dimension])
        signal, noise = np.exp(parameters[dimension:])
        correlations, slope = correlate(weights @ distances)
        memory = linear.copy()
        memory[lower] += signal * correlations
        memory[diagonal] += signal + noise
        factor = _cholesky(memory.reshape(size, size).T)
        alpha = dpotrs(factor, residuals, lower=1)[0]
        value += residuals @ alpha / 2 + np.log(factor.diagonal()).sum()
        inverse = dpotri(factor, lower=1, overwrite_c=1)[0].T.ravel()
        sensitivity = inverse[lower] - alpha[first] * alpha[second]
        trace = (inverse[diagonal] - alpha**2).sum()
        gradient[:dimension] += 2 * signal * weights * (distances @ (sensitivity * slope))
        gradient[dimension] += signal * (trace / 2 + sensitivity @ correlations)
        gradient[dimension + 1] += noise * trace / 2
        return value, gradient

    return evaluate


def _minimise(objective: Callable, dimension: int) -> np.ndarray:
    from scipy.optimize import minimize

    start = _priors(dimension)[0].copy()
    start[dimension + 1] += np.log(NOISE_START)
    bounds = np.log([LENGTH_SCALE_BOUNDS] * dimension + [SIGNAL_BOUNDS, NOISE_BOUNDS])
    options = {"maxiter": MAX_ITERATIONS, "maxfun": MAX_EVALUATIONS}
    start = np.clip(start, bounds[:, 0], bounds[:, 1])
    result = minimize(objective, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options)
    return result.x


def _priors(dimension: int) -> tuple[np.ndarray, np.ndarray]:
    """Modes and standard deviations of the log parameters' priors, float arrays (d + 2,)."""
    location = LENGTH_SCALE_PRIOR[0] + np.log(max(dimension, 1)) / 2
    pairs = [(location, LENGTH_SCALE_PRIOR[1])] * dimension + [SIGNAL_PRIOR, NOISE_PRIOR]
    locations, scales = np.array(pairs).T
    return locations, scales


def _kernel(parameters: np.ndarray, correlation: str) -> Kernel:
    *length_scales, signal, noise = np.exp(parameters)
    return Kernel(np.array(length_scales), float(signal), float(noise), correlation=correlation)


def _cholesky(covariance: np.ndarray) -> np.ndarray:
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
