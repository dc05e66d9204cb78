"""Expected improvement under Gaussian processes, with or without a learnt prior.

Shapes: n configurations, k processes, d hyperparameters.
"""

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from keras_metahpo.acquisition import log_expected_improvement
from keras_metahpo.gaussian_process import (
    NUM_DRAWS,
    GaussianProcessMixture,
    Inputs,
    draw_gaussian_processes,
)
from keras_metahpo.policies.declustering import declustered_scores
from keras_metahpo.policies.improvement import ImprovementPolicy
from keras_metahpo.space import Points, SearchSpace, concatenate


class Prior(Protocol):
    """What is expected of configurations before any trial, each for itself."""

    def __call__(self, space: SearchSpace, points: Points) -> np.ndarray:
        """Expected normal scores of n points: float array (n,)."""


class GaussianProcessPolicy(ImprovementPolicy):
    """Expected improvement under Gaussian processes.

    Args:
        prior: Prior mean; how far it is trusted is learnt from the trials.
        num_initial: As in `ImprovementPolicy`, if there is no prior; 0 with one.
        num_draws: Kernel parameters that are averaged over while trials are few; 0 for the most
            probable ones.
        arguments: Others of `ImprovementPolicy`.
    """

    name = "gaussian process"

    def __init__(
        self,
        prior: Prior | None = None,
        num_initial: int = 5,
        num_draws: int = NUM_DRAWS,
        **arguments,
    ):
        super().__init__(num_initial if prior is None else 0, **arguments)
        self.prior = prior
        self.num_draws = num_draws

    def scores(self, space, observed, utilities):
        return declustered_scores(_inputs(None, space, observed), utilities)

    def acquisition(self, space, observed, trials, scores, started):
        """Fits the processes to what was observed and fantasises what was started."""
        known = _inputs(self.prior, space, concatenate([observed, started]))
        size = len(observed)
        processes = draw_gaussian_processes(known[:size], scores, trials.variances, self.num_draws)
        if len(started):
            processes = processes.fantasise(known[size:])
        best = None
        if len(known):
            # The largest mean, not the largest score: noise alone must not set the mark.
            best = processes.predict(known)[0].max(axis=1)
        return _Acquisition(self.prior, space, processes, best)

    def after(self, acquisition, points):
        return acquisition.after(points)

    def reasons(self, acquisition, facts):
        reasons = super().reasons(acquisition, facts)
        if self.prior is not None:
            reasons |= {"prior_score": float(facts[3])}
            reasons |= {"trust_in_prior": acquisition.processes.trust}
        return reasons


@dataclass(frozen=True)
class _Acquisition:
    """Candidates to their log expected improvement, mean, spread and prior mean: (n, 4).

    Attributes:
        best: Float array (k,). What to improve upon under each process; `None` when nothing was
            tried: the mean decides.
    """

    prior: Prior | None
    space: SearchSpace
    processes: GaussianProcessMixture
    best: np.ndarray | None

    def __call__(self, points: Points) -> np.ndarray:
        from scipy.special import logsumexp

        inputs = _inputs(self.prior, self.space, points)
        means, deviations = self.processes.predict(inputs)
        weights = self.processes.weights
        mean = weights @ means
        variance = weights @ (deviations**2 + (means - mean) ** 2)
        score = mean
        if self.best is not None:
            improvements = log_expected_improvement(means, deviations, self.best[:, None])
            score = logsumexp(improvements, axis=0, b=weights[:, None])
        return np.stack([score, mean, np.sqrt(variance), inputs.prior_mean], axis=1)

    def after(self, points: Points) -> "_Acquisition":
        """This acquisition if points end as expected."""
        inputs = _inputs(self.prior, self.space, points)
        best = self.processes.predict(inputs)[0].max(axis=1)
        if self.best is not None:
            best = np.maximum(self.best, best)
        return replace(self, processes=self.processes.fantasise(inputs), best=best)


def _inputs(prior: Prior | None, space: SearchSpace, points: Points) -> Inputs:
    """Points as the processes see them."""
    given = points.units, points.active, space.categorical
    if prior is None or not len(points):
        return Inputs.of(*given)
    mean = prior(space, points)
    check_prior(mean, len(points))
    return Inputs.of(*given, mean)


def check_prior(mean: np.ndarray, size: int) -> None:
    """Raises where a prior did not give so many expectations."""
    if mean.shape != (size,) or not np.isfinite(mean).all():
        raise ValueError(
            f"A prior must be {size} finite numbers. "
            f"Received: an array of shape {mean.shape}, {mean.ravel()[:3]}, ..."
        )
