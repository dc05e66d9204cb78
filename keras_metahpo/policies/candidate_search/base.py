"""What a candidate search is: an acquisition function in, the points it was asked about out.

Shapes: n points, d hyperparameters, k facts about a point.
"""

import abc
from collections.abc import Set
from dataclasses import dataclass

import numpy as np

from keras_metahpo.policies.candidates import NUM_NEIGHBOURS, NUM_ROUNDS, ScoreFunction
from keras_metahpo.space import Points, SearchSpace, concatenate


@dataclass(frozen=True)
class AcquisitionProblem:
    """Where the best untried point is looked for.

    Attributes:
        space: The search space.
        score_function: n points to facts (n, k), of which the first column is to be maximised.
        incumbents: The best observed points, best first; none before the first trial.
        tried: Keys of points that must not be proposed.
        num_candidates: How many points are compared before the best of them are improved upon.
    """

    space: SearchSpace
    score_function: ScoreFunction
    incumbents: Points
    tried: Set[bytes]
    num_candidates: int

    @property
    def budget(self) -> int:
        """About how many points may be asked about, the same number for every search."""
        return self.num_candidates + NUM_ROUNDS * NUM_NEIGHBOURS


class CandidateSearch(abc.ABC):
    """Maximises an acquisition function; keeps no state between calls."""

    @abc.abstractmethod
    def search(
        self, problem: AcquisitionProblem, rng: np.random.Generator
    ) -> tuple[Points, np.ndarray]:
        """Asks about points of the search space, within the budget.

        Args:
            problem: What is searched.
            rng: All randomness comes from here.

        Returns:
            n distinct untried points, and their facts, float array (n, k); no points where none
            were found that are untried.
        """


class Evaluations:
    """The points a search has asked about: each once, none that was tried, within the budget.

    Attributes:
        points: n points in the order in which they were asked about.
        facts: Float array (n, k).
    """

    def __init__(self, problem: AcquisitionProblem):
        self.problem = problem
        self.points = problem.space.encode([])
        self.facts = np.zeros((0, 1))
        self._scores: dict[bytes, float] = dict.fromkeys(problem.tried, -np.inf)

    @property
    def num_left(self) -> int:
        """How many points may still be asked about."""
        return self.problem.budget - len(self.points)

    def scores(self, points: Points) -> np.ndarray:
        """Scores of n points, asking about new ones: float array (n,).

        What was tried, and what the budget does not suffice for, has a score of minus infinity.
        """
        keys = points.keys()
        unknown = {key: row for row, key in reversed(list(enumerate(keys))) if self._is_new(key)}
        rows = sorted(unknown.values())[: self.num_left]
        if rows:
            asked = points[rows]
            facts = self.problem.score_function(asked)
            self.facts = np.concatenate([self.facts, facts]) if len(self.points) else facts
            self.points = concatenate([self.points, asked])
            self._scores |= zip(asked.keys(), facts[:, 0].tolist(), strict=True)
        return np.array([self._scores.get(key, -np.inf) for key in keys])

    def best(self, num_points: int) -> Points:
        """The best points so far, best first."""
        return self.points[np.argsort(-self.facts[:, 0], kind="stable")[:num_points]]

    def _is_new(self, key: bytes) -> bool:
        return key not in self._scores
