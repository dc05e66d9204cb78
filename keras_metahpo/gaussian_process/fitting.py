"""The most probable kernel parameters of a Gaussian process, and whether its prior mean misleads.

Shapes: n observations, d hyperparameters.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from keras_metahpo.gaussian_process.kernels import CORRELATIONS, Inputs, pairwise_distances
from keras_metahpo.gaussian_process.model import (
    BELIEF,
    DOUBT,
    OFFSET_VARIANCE,
    GaussianProcess,
    Kernel,
    cholesky,
)

# Normal priors of logarithms, (most probable value, standard deviation). Hvarfner et al., 2024,
# "Vanilla Bayesian Optimization Performs Great in High Dimensions": length scales grow with the
# root of the dimension; the noise is BoTorch 0.12's.
LENGTH_SCALE_PRIOR = (np.sqrt(2.0) - 3.0, np.sqrt(3.0))
NOISE_PRIOR = (-5.0, 1.0)
# There the signal's variance is 1, that of standardised targets. A prior mean explains a part.
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
# Evidence that it takes to doubt a prior mean. Against a negated ranker, odds of 2 leave a regret
# of .31 after 25 trials, 10 of .45 and no doubt at all .49; with the ranker as it is, 174 pools of
# recorded configurations are searched as well with each of them.
ODDS_OF_BELIEF = 2.0

# Log parameters (d + 2,) to minus their log posterior density and its gradient (d + 2,).
Objective = Callable[[np.ndarray], tuple[float, np.ndarray]]


def fit_gaussian_process(
    inputs: Inputs,
    targets: np.ndarray,
    correlation: str = Kernel.correlation,
    variances: np.ndarray | None = None,
) -> GaussianProcess:
    """A Gaussian process on all observations, with the most probable kernel parameters.

    The parameters of many observations are fitted to evenly spaced rows of them.

    Args:
        inputs: n configurations, and what was expected of them in the units of the targets.
        targets: Float array (n,). Normal scores.
        correlation: A name of `CORRELATIONS`.
        variances: Float array (n,). Of known errors of the targets.
    """
    rows = np.linspace(0, len(inputs) - 1, min(len(inputs), MOST_FITTED)).astype(int)
    known = None if variances is None else variances[rows]
    objective = negative_log_posterior(inputs[rows], targets[rows], correlation, known)
    kernel = kernel_of(_most_probable(objective, len(inputs.categorical)), correlation)
    process = GaussianProcess(kernel, inputs, targets, variances)
    if not inputs.prior_mean.any():  # Nothing to doubt.
        return process
    doubting = replace(process, trust_prior=DOUBT)
    doubts = doubting.log_evidence - process.log_evidence > np.log(ODDS_OF_BELIEF)
    return doubting if doubts else process


def negative_log_posterior(
    inputs: Inputs,
    targets: np.ndarray,
    correlation: str = Kernel.correlation,
    variances: np.ndarray | None = None,
) -> Objective:
    """The objective of the fit.

    The parameters are the logarithms of the length scales, signal variance and noise variance.
    """
    from scipy.linalg.lapack import dpotri, dpotrs

    correlate = CORRELATIONS[correlation]
    size, dimension = inputs.positions.shape
    distances = pairwise_distances(inputs)
    first, second = np.triu_indices(size, 1)
    # LAPACK's lower triangle of a column-major matrix, as places in its memory.
    lower = first * size + second
    diagonal = np.arange(size) * (size + 1)
    expected = inputs.prior_mean
    linear = (OFFSET_VARIANCE + BELIEF.std**2 * np.outer(expected, expected)).ravel()
    if variances is not None:
        linear[diagonal] += variances
    residuals = targets - BELIEF.mean * expected
    locations, scales = parameter_priors(dimension)

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
        factor = cholesky(memory.reshape(size, size).T)
        alpha = dpotrs(factor, residuals, lower=1)[0]
        value += residuals @ alpha / 2 + np.log(factor.diagonal()).sum()
        inverse = dpotri(factor, lower=1, overwrite_c=1)[0].T.ravel()
        sensitivity = inverse[lower] - alpha[first] * alpha[second]
        own = (inverse[diagonal] - alpha**2) / 2
        slope *= sensitivity
        gradient[:dimension] += 2 * signal * weights * (distances @ slope)
        gradient[dimension] += signal * (own.sum() + sensitivity @ correlations)
        gradient[dimension + 1] += noise * own.sum()
        return value, gradient

    return evaluate


def _most_probable(objective: Objective, dimension: int) -> np.ndarray:
    """The log parameters (d + 2,) of the smallest objective, within their bounds."""
    from scipy.optimize import minimize

    start = parameter_priors(dimension)[0].copy()
    start[dimension + 1] += np.log(NOISE_START)
    bounds = parameter_bounds(dimension)
    options = {"maxiter": MAX_ITERATIONS, "maxfun": MAX_EVALUATIONS}
    start = np.clip(start, *bounds.T)
    result = minimize(objective, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options)
    return result.x


def parameter_bounds(dimension: int) -> np.ndarray:
    """The least and the largest of the log parameters, float array (d + 2, 2)."""
    return np.log([LENGTH_SCALE_BOUNDS] * dimension + [SIGNAL_BOUNDS, NOISE_BOUNDS])


def parameter_priors(dimension: int) -> tuple[np.ndarray, np.ndarray]:
    """Modes and standard deviations of the log parameters' priors, float arrays (d + 2,)."""
    location = LENGTH_SCALE_PRIOR[0] + np.log(max(dimension, 1)) / 2
    pairs = [(location, LENGTH_SCALE_PRIOR[1])] * dimension + [SIGNAL_PRIOR, NOISE_PRIOR]
    locations, scales = np.array(pairs).T
    return locations, scales


def log_parameters(kernel: Kernel) -> np.ndarray:
    """The log parameters (d + 2,) of a kernel."""
    return np.log([*kernel.length_scales, kernel.signal_variance, kernel.noise_variance])


def kernel_of(parameters: np.ndarray, correlation: str = Kernel.correlation) -> Kernel:
    """The kernel of log parameters (d + 2,)."""
    *length_scales, signal, noise = np.exp(parameters)
    return Kernel(np.array(length_scales), float(signal), float(noise), correlation=correlation)
