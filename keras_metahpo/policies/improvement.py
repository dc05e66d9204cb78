"""Expected improvement, whatever predicts: what policies that maximise it have in common.

Shapes: n configurations.
"""

import abc
from collections.abc import Sequence
from functools import cache

import numpy as np

from keras_metahpo.acquisition import in_objective_units, normal_scores
from keras_metahpo.history import History
from keras_metahpo.policies.base import Policy, Suggestion, untried
from keras_metahpo.policies.candidate_search import (
    AcquisitionProblem,
    CandidateSearch,
    SobolSearch,
)
from keras_metahpo.policies.candidates import ScoreFunction, all_points
from keras_metahpo.policies.mapping import nearest_points
from keras_metahpo.policies.random import RandomPolicy
from keras_metahpo.space import Configuration, Points, SearchSpace, Value

NUM_CANDIDATES = 192
NUM_INCUMBENTS = 5
# The fit costs the cube of this.
MOST_TRIALS = 200
# Reasons of a suggestion that say what is expected of it: in units of scores and of the objective.
EXPECTED_IMPROVEMENT = "expected_improvement"
EXPECTED_GAIN = "expected_gain"


class ImprovementPolicy(Policy):
    """Expected improvement over many candidates, refined around the best of them.

    Args:
        num_initial: Trials before the acquisition decides: the space's default, then random ones.
        num_candidates: How many configurations are compared a trial, before those around the best.
        candidate_search: Finds what is compared, but in a space small enough to compare all.
        pool: The only configurations there are, where they are recorded ones: each is a candidate.
    """

    def __init__(
        self,
        num_initial: int,
        num_candidates: int = NUM_CANDIDATES,
        pool: Points | None = None,
        candidate_search: CandidateSearch | None = None,
    ):
        self.num_initial = num_initial
        self.num_candidates = num_candidates
        self.pool = pool
        self.candidate_search = candidate_search or SobolSearch()

    @abc.abstractmethod
    def acquisition(
        self,
        space: SearchSpace,
        observed: Points,
        trials: History,
        scores: np.ndarray,
        started: Points,
    ) -> ScoreFunction:
        """Candidates to facts (n, k): what is to be maximised, mean, standard deviation, others.

        Args:
            space: The search space.
            observed: Finished trials, all or the informative ones.
            trials: These trials.
            scores: Float array (n,). As `scores` gives them.
            started: Unfinished trials.
        """

    def scores(self, space: SearchSpace, observed: Points, utilities: np.ndarray) -> np.ndarray:
        """What is predicted: standardised utilities (n,) of n finished trials, float array (n,)."""
        return normal_scores(utilities)

    def reasons(self, acquisition: ScoreFunction, facts: np.ndarray) -> dict[str, Value]:
        """Facts (k,) about the chosen candidate by name, for `explain`."""
        return {"predicted_score": float(facts[1]), "spread": float(facts[2])}

    def after(self, acquisition: ScoreFunction, points: Points) -> ScoreFunction:
        """The acquisition if points end as expected; the same where that is not known."""
        return acquisition

    def suggest(
        self,
        space: SearchSpace,
        history: History,
        pending: Sequence[Configuration],
        rng: np.random.Generator,
    ) -> Suggestion | None:
        num_trials = len(history) + len(pending)
        if num_trials < self.num_initial:
            if not num_trials:
                default = nearest_points(space, [space.default_configuration()])
                return Suggestion(space.decode(default)[0], "default")
            return RandomPolicy().suggest(space, history, pending, rng)
        with one_blas_thread():
            problem, trials, scores = self._problem(space, history, pending)
            points, facts = self._compare(problem, rng)
        if not len(points):
            return RandomPolicy().suggest(space, history, pending, rng)
        chosen = int(np.argmax(facts[:, 0]))
        reasons = self.reasons(problem.score_function, facts[chosen])
        reasons |= {"num_candidates": len(points)}
        if num_trials:  # Before the first trial there is nothing to improve upon.
            improvement = float(np.exp(facts[chosen, 0]))
            gain = in_objective_units(improvement, scores, trials.utilities)
            reasons |= {EXPECTED_IMPROVEMENT: improvement}
            reasons |= {} if gain is None else {EXPECTED_GAIN: gain}
        return Suggestion(space.decode(points[[chosen]])[0], self.name, reasons)

    def problem(
        self, space: SearchSpace, history: History, pending: Sequence[Configuration] = ()
    ) -> AcquisitionProblem:
        """What the next trial is to maximise: the log expected improvement, given the trials."""
        return self._problem(space, history, pending)[0]

    def _problem(
        self, space: SearchSpace, history: History, pending: Sequence[Configuration]
    ) -> tuple[AcquisitionProblem, History, np.ndarray]:
        """The problem, the informative trials behind it, and their scores."""
        observed = space.encode(history.configurations)
        started = space.encode(pending)
        rows = informative_trials(history)
        trials = history.take(rows)
        scores = self.scores(space, observed[rows], trials.utilities)
        problem = AcquisitionProblem(
            space=space,
            score_function=self.acquisition(space, observed[rows], trials, scores, started),
            incumbents=observed[history.best_first()[:NUM_INCUMBENTS]],
            tried={*observed.keys(), *started.keys()},
            num_candidates=self.num_candidates,
        )
        return problem, trials, scores

    def _compare(self, problem: AcquisitionProblem, rng) -> tuple[Points, np.ndarray]:
        everything = self.pool
        if everything is None:
            everything = all_points(problem.space.hyperparameters)
        if everything is None:
            return self.candidate_search.search(problem, rng)
        points = untried(everything, set(problem.tried))
        return points, problem.score_function(points) if len(points) else np.zeros((0, 1))


def informative_trials(history: History) -> list[int]:
    """The numbers, ascending, of all trials, or of the best and the latest of a long search."""
    if len(history) <= MOST_TRIALS:
        return list(range(len(history)))
    latest = range(len(history) - MOST_TRIALS // 2, len(history))
    others = [row for row in history.best_first() if row not in latest]
    return sorted([*others[: MOST_TRIALS - len(latest)], *latest])


def one_blas_thread():
    """A context: on matrices this small, several threads only get in the way of each other."""
    return _thread_pools().limit(limits=1, user_api="blas")


@cache
def _thread_pools():
    import scipy.linalg  # noqa: F401  The pools of libraries loaded later stay unknown.
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
