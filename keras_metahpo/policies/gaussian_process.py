"""Expected improvement under a Gaussian process, with or without a learnt prior mean.

Shapes: n configurations, d hyperparameters.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Protocol

import numpy as np

from keras_metahpo.acquisition import log_expected_improvement, normal_scores
from keras_metahpo.gaussian_process import GaussianProcess, fit_gaussian_process
from keras_metahpo.history import History
from keras_metahpo.policies.base import Policy, Suggestion, untried
from keras_metahpo.policies.candidate_search import (
    AcquisitionProblem,
    CandidateSearch,
    SobolSearch,
)
from keras_metahpo.policies.candidates import all_points
from keras_metahpo.policies.mapping import nearest_points
from keras_metahpo.policies.random import RandomPolicy
from keras_metahpo.space import Configuration, Points, SearchSpace, concatenate

NUM_CANDIDATES = 256
NUM_INCUMBENTS = 5
# The fit costs the cube of this.
MOST_TRIALS = 200


class PriorMean(Protocol):
    """Expected normal scores of configurations before any trial, each for itself."""

    def __call__(self, space: SearchSpace, points: Points) -> np.ndarray:
        """Float array (n,) for n points."""


class GaussianProcessPolicy(Policy):
    """Expected improvement over many candidates, refined around the best of them.

    Args:
        prior: Prior mean; how far it is trusted is learnt from the trials.
        num_initial: Trials before the process decides if there is no prior mean: the space's
            default, then random ones.
        num_candidates: How many configurations are compared a trial, before those around the best.
        candidate_search: Finds what is compared, but in a space small enough to compare all.
        pool: The only configurations there are, where they are recorded ones: each is a candidate.
    """

    name = "gaussian process"

    def __init__(
        self,
        prior: PriorMean | None = None,
        num_initial: int = 5,
        num_candidates: int = NUM_CANDIDATES,
        pool: Points | None = None,
        candidate_search: CandidateSearch | None = None,
    ):
        self.prior = prior
        self.num_initial = num_initial
        self.num_candidates = num_candidates
        self.pool = pool
        self.candidate_search = candidate_search or SobolSearch()

    def suggest(
        self,
        space: SearchSpace,
        history: History,
        pending: Sequence[Configuration],
        rng: np.random.Generator,
    ) -> Suggestion | None:
        num_trials = len(history) + len(pending)
        if num_trials < self.num_initial and self.prior is None:
            if not num_trials:
                default = nearest_points(space, [space.default_configuration()])
                return Suggestion(space.decode(default)[0], "default")
            return RandomPolicy().suggest(space, history, pending, rng)
        # On matrices this small, several BLAS threads only get in the way of the network's.
        with _thread_pools().limit(limits=1, user_api="blas"):
            problem = self.problem(space, history, pending)
            points, facts = self._compare(problem, rng)
        if not len(points):
            return RandomPolicy().suggest(space, history, pending, rng)
        return self._suggestion(space, problem.score_function, points, facts)

    def problem(
        self, space: SearchSpace, history: History, pending: Sequence[Configuration] = ()
    ) -> AcquisitionProblem:
        """What the next trial is to maximise: the log expected improvement, given the trials."""
        observed = space.encode(history.configurations)
        started = space.encode(pending)
        rows = informative_trials(history)
        targets = normal_scores(history.utilities)[rows]
        return AcquisitionProblem(
            space=space,
            score_function=_acquisition(self.prior, space, observed[rows], targets, started),
            incumbents=observed[history.best_first()[:NUM_INCUMBENTS]],
            tried={*observed.keys(), *started.keys()},
            num_candidates=self.num_candidates,
        )

    def _compare(self, problem: AcquisitionProblem, rng) -> tuple[Points, np.ndarray]:
        everything = self.pool
        if everything is None:
            everything = all_points(problem.space.hyperparameters)
        if everything is None:
            return self.candidate_search.search(problem, rng)
        points = untried(everything, set(problem.tried))
        return points, problem.score_function(points) if len(points) else np.zeros((0, 1))

    def _suggestion(self, space, acquisition, points, facts) -> Suggestion:
        chosen = int(np.argmax(facts[:, 0]))
        _, mean, std, prior_mean = (float(fact) for fact in facts[chosen])
        reasons = {"predicted_score": mean, "spread": std, "num_candidates": len(points)}
        if self.prior is not None:
            reasons |= {"prior_score": prior_mean, "trust_in_prior": acquisition.process.trust}
        return Suggestion(space.decode(points[[chosen]])[0], self.name, reasons)


def informative_trials(history: History) -> list[int]:
    """The numbers, ascending, of all trials, or of the best and the latest of a long search."""
    if len(history) <= MOST_TRIALS:
        return list(range(len(history)))
    latest = range(len(history) - MOST_TRIALS // 2, len(history))
    others = [row for row in history.best_first() if row not in latest]
    return sorted([*others[: MOST_TRIALS - len(latest)], *latest])


@cache
def _thread_pools():
    import scipy.linalg  # noqa: F401  The pools of libraries loaded later stay unknown.
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


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


def _acquisition(
    prior: PriorMean | None,
    space: SearchSpace,
    observed: Points,
    targets: np.ndarray,
    started: Points,
) -> _Acquisition:
    """Fits the process to what was observed and fantasises what was started."""
    known = concatenate([observed, started])
    known_prior = _prior_mean(prior, space, known)
    size = len(observed)
    observed_prior, started_prior = (
        (None, None) if known_prior is None else (known_prior[:size], known_prior[size:])
    )
    categorical = np.array([hp.is_categorical for hp in space.hyperparameters], dtype=bool)
    process = fit_gaussian_process(
        observed.units, observed.active, categorical, targets, observed_prior
    )
    if len(started):
        process = process.fantasise(started.units, started.active, started_prior)
    if not len(known):
        return _Acquisition(prior, space, process, None)
    # The largest mean, not the largest score: noise alone must not set the mark.
    mean, _ = process.predict(known.units, known.active, known_prior)
    return _Acquisition(prior, space, process, float(mean.max()))


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
