"""Expected improvement under a Gaussian process, with or without a learnt prior mean.

Shapes: n configurations, d hyperparameters.
"""

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from keras_metahpo.acquisition import log_expected_improvement
from keras_metahpo.gaussian_process import GaussianProcess, fit_gaussian_process
from keras_metahpo.policies.improvement import ImprovementPolicy
from keras_metahpo.space import Points, SearchSpace, concatenate


class PriorMean(Protocol):
    """Expected normal scores of configurations before any trial, each for itself."""

    def __call__(self, space: SearchSpace, points: Points) -> np.ndarray:
        """Float array (n,) for n points."""


class GaussianProcessPolicy(ImprovementPolicy):
    """Expected improvement under a Gaussian process.

    Args:
        prior: Prior mean; how far it is trusted is learnt from the trials.
        num_initial: As in `ImprovementPolicy`, if there is no prior mean; 0 with one.
        arguments: Others of `ImprovementPolicy`.
    """

    name = "gaussian process"

    def __init__(self, prior: PriorMean | None = None, num_initial: int = 5, **arguments):
        super().__init__(num_initial if prior is None else 0, **arguments)
        self.prior = prior

    def acquisition(self, space, observed, trials, scores, started):
        """Fits the process to what was observed and fantasises what was started."""
        known = concatenate([observed, started])
        known_prior = _prior_mean(self.prior, space, known)
        size = len(observed)
        observed_prior, started_prior = (
            (None, None) if known_prior is None else (known_prior[:size], known_prior[size:])
        )
        process = fit_gaussian_process(
            observed.units,
            observed.active,
            space.categorical,
            scores,
            observed_prior,
            variances=trials.variances,
        )
        if len(started):
            process = process.fantasise(started.units, started.active, started_prior)
        if not len(known):
            return _Acquisition(self.prior, space, process, None)
        # The largest mean, not the largest score: noise alone must not set the mark.
        mean, _ = process.predict(known.units, known.active, known_prior)
        return _Acquisition(self.prior, space, process, float(mean.max()))

    def after(self, acquisition, points):
        return acquisition.after(points)

    def reasons(self, acquisition, facts):
        reasons = super().reasons(acquisition, facts)
        if self.prior is not None:
            reasons |= {"prior_score": float(facts[3])}
            reasons |= {"trust_in_prior": acquisition.process.trust}
        return reasons


@dataclass(frozen=True)
class _Acquisition:
    """Candidates to their log expected improvement, mean, spread and prior mean: (n, 4).

    Attributes:
        best: What to improve upon; `None` when nothing was tried: the mean decides.
    """

    prior: PriorMean | None
    space: SearchSpace
    process: GaussianProcess
    best: float | None

    def __call__(self, points: Points) -> np.ndarray:
        prior_mean = _prior_mean(self.prior, self.space, points)
        mean, std = self.process.predict(points.units, points.active, prior_mean)
        score = mean if self.best is None else log_expected_improvement(mean, std, self.best)
        facts = [score, mean, std, np.zeros(len(mean)) if prior_mean is None else prior_mean]
        return np.stack(facts, axis=1)

    def after(self, points: Points) -> "_Acquisition":
        """This acquisition if points end as expected."""
        prior_mean = _prior_mean(self.prior, self.space, points)
        mean, _ = self.process.predict(points.units, points.active, prior_mean)
        process = self.process.fantasise(points.units, points.active, prior_mean)
        best = float(mean.max()) if self.best is None else max(self.best, float(mean.max()))
        return replace(self, process=process, best=best)


def _prior_mean(prior: PriorMean | None, space: SearchSpace, points: Points) -> np.ndarray | None:
    """The prior mean of n points; raises where it is not one finite number a point."""
    if prior is None:
        return None
    if not len(points):
        return np.zeros(0)
    prior_mean = np.asarray(prior(space, points), dtype=float)
    if prior_mean.shape != (len(points),) or not np.isfinite(prior_mean).all():
        raise ValueError(
            f"A prior mean must be {len(points)} finite numbers. "
            f"Received: an array of shape {prior_mean.shape}, {prior_mean.ravel()[:3]}, ..."
        )
    return prior_mean
