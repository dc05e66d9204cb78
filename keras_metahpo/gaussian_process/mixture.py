"""Gaussian processes whose kernel parameters are drawn: few observations do not tell them.

Shapes: k processes, n observations, q queries, d hyperparameters.

Where the most probable parameters are taken for the true ones, a search of ten trials believes in
a length scale that many others explain as well. The acquisition is averaged over several instead
(Snoek et al., 2012, "Practical Bayesian Optimization of Machine Learning Algorithms", section
3.2), drawn from Laplace's approximation of their posterior and weighed by importance.
"""

from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from keras_metahpo.gaussian_process.fitting import (
    Objective,
    fit_gaussian_process,
    kernel_of,
    log_parameters,
    negative_log_posterior,
    parameter_bounds,
    parameter_priors,
)
from keras_metahpo.gaussian_process.kernels import Inputs
from keras_metahpo.gaussian_process.model import GaussianProcess

NUM_DRAWS = 8
# The parameters of more observations are known well enough.
MOST_UNSURE = 64
# Of the log parameters, for the curvature of their posterior.
DIFFERENCE = 1e-3
# Logarithm of how many times the median weight a draw may have.
MOST_LOG_WEIGHT = 2.0


@dataclass(frozen=True)
class GaussianProcessMixture:
    """Processes on the same observations, one of which is right.

    Attributes:
        processes: k of them.
        weights: Float array (k,). Their probabilities.
    """

    processes: tuple[GaussianProcess, ...]
    weights: np.ndarray

    def predict(self, query: Inputs) -> tuple[np.ndarray, np.ndarray]:
        """Means and standard deviations of the target under each process: float arrays (k, q)."""
        means, deviations = zip(*(p.predict(query) for p in self.processes), strict=True)
        return np.stack(means), np.stack(deviations)

    def fantasise(self, pending: Inputs) -> "GaussianProcessMixture":
        """This mixture after each process has observed its own mean at q configurations."""
        return replace(self, processes=tuple(p.fantasise(pending) for p in self.processes))

    @property
    def trust(self) -> float:
        """Posterior mean of the prior mean's slope."""
        return float(self.weights @ [process.trust for process in self.processes])


def draw_gaussian_processes(
    inputs: Inputs,
    targets: np.ndarray,
    variances: np.ndarray | None = None,
    num_draws: int = NUM_DRAWS,
) -> GaussianProcessMixture:
    """Processes with kernel parameters from their posterior; the most probable one of many trials.

    Args:
        inputs, targets, variances: As in `fit_gaussian_process`.
        num_draws: An even number; 0 for the most probable one in any case.
    """
    fitted = fit_gaussian_process(inputs, targets, variances=variances)
    if not (num_draws and 0 < len(inputs) <= MOST_UNSURE):
        return GaussianProcessMixture((fitted,), np.ones(1))
    objective = negative_log_posterior(inputs, targets, variances=variances)
    parameters, weights = _draw(objective, log_parameters(fitted.kernel), num_draws)
    processes = tuple(replace(fitted, kernel=kernel_of(row)) for row in parameters)
    return GaussianProcessMixture(processes, weights)


def _draw(objective: Objective, mode: np.ndarray, num_draws: int) -> tuple[np.ndarray, np.ndarray]:
    """Log parameters around the most probable ones, (k, d + 2), and their weights, (k,)."""
    dimension = len(mode) - 2
    steps = DIFFERENCE * np.eye(len(mode))
    rises = [objective(mode + step)[1] - objective(mode - step)[1] for step in steps]
    curvature = np.array(rises) / (2 * DIFFERENCE)
    precisions, directions = np.linalg.eigh((curvature + curvature.T) / 2)
    # Where the data make a direction look vaguer than the priors did, those are believed.
    precisions = np.maximum(precisions, parameter_priors(dimension)[1].max() ** -2)
    normals = _normals(num_draws, len(mode))
    drawn = mode + (normals / np.sqrt(precisions)) @ directions.T
    drawn = np.clip(drawn, *parameter_bounds(dimension).T)
    logarithms = (normals**2).sum(axis=1) / 2 - [objective(row)[0] for row in drawn]
    weights = np.exp(np.minimum(logarithms - np.median(logarithms), MOST_LOG_WEIGHT))
    return drawn, weights / weights.sum()


@cache
def _normals(num_draws: int, dimension: int) -> np.ndarray:
    """Standard normal numbers in opposite pairs, always the same: float array (k, d + 2)."""
    half = np.random.default_rng(0).normal(size=(num_draws // 2, dimension))
    return np.concatenate([half, -half])
