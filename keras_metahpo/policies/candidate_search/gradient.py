"""Candidates on the way up the ranker's own gradient."""

import numpy as np

from keras_metahpo.policies.candidate_search.base import (
    AcquisitionProblem,
    CandidateSearch,
    Evaluations,
)
from keras_metahpo.policies.candidates import (
    NUM_NEIGHBOURS,
    NUM_REFINED,
    NUM_ROUNDS,
    REFINEMENT_SCALES,
    candidates,
    mutations,
)
from keras_metahpo.rankers import DifferentiableRanker
from keras_metahpo.space import Points, SearchSpace, concatenate

NUM_ASCENTS = 8
# Rounds of mutations that make up for those that led to known points.
MOST_EXTRA_ROUNDS = 8
# Of the coordinate that rises most, in units of its range.
STEPS = (0.1, 0.1, 0.05, 0.05, 0.02, 0.02)


class GradientSearch(CandidateSearch):
    """Ascends the ranker's score from the best of a spread, where the acquisition judges.

    Ordered hyperparameters climb in the unit cube and are judged at the nearest configuration.
    Categorical ones have no gradient: what the ascents leave of the budget goes to mutations of the
    best, as in the default search.

    Args:
        ranker: Its zero-shot score is climbed.
    """

    def __init__(self, ranker: DifferentiableRanker):
        self.ranker = ranker

    def search(
        self, problem: AcquisitionProblem, rng: np.random.Generator
    ) -> tuple[Points, np.ndarray]:
        space = problem.space
        evaluations = Evaluations(problem)
        evaluations.scores(candidates(space, rng, problem.incumbents, problem.num_candidates))
        for _ in range(NUM_ROUNDS):
            before = len(evaluations.points)
            evaluations.scores(self.ascend(space, evaluations.best(NUM_ASCENTS)))
            num_left = NUM_NEIGHBOURS - (len(evaluations.points) - before)
            _ask_about_mutations(evaluations, rng, max(num_left, 0))
        for _ in range(MOST_EXTRA_ROUNDS if evaluations.num_left else 0):
            _ask_about_mutations(evaluations, rng, NUM_NEIGHBOURS)
        return evaluations.points, evaluations.facts

    def ascend(self, space: SearchSpace, starts: Points) -> Points:
        """The points visited from n starts, n a step, later steps last; may repeat."""
        visited = [starts[:0]]
        units = starts.units
        for step in STEPS if len(starts) else ():
            gradient = self.ranker.prior_gradient(space, space.snap(units))
            steepest = np.abs(gradient).max(axis=1, initial=0.0, keepdims=True)
            if not steepest.any():
                break
            units = np.clip(units + step * gradient / np.where(steepest > 0, steepest, 1.0), 0, 1)
            visited.append(space.snap(units))
        return concatenate(visited)


def _ask_about_mutations(evaluations: Evaluations, rng: np.random.Generator, number: int) -> None:
    """Of the best points so far."""
    best = evaluations.best(NUM_REFINED)
    space = evaluations.problem.space
    evaluations.scores(mutations(space, rng, best, number, REFINEMENT_SCALES))
