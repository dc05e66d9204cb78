"""Bookkeeping of what a search has asked about."""

import numpy as np

from keras_metahpo.policies.candidate_search.base import AcquisitionProblem, Evaluations
from keras_metahpo.space import Hyperparameter, SearchSpace

SPACE = SearchSpace([Hyperparameter("n", "int", 0, 0, 999)])


def points_of(*numbers):
    return SPACE.encode([{"n": n} for n in numbers])


def test_points_are_asked_about_once_and_within_the_budget():
    asked: list[float] = []

    def score(points):
        asked.extend(points.numbers[:, 0])
        return np.stack([points.numbers[:, 0], -points.numbers[:, 0]], axis=1)

    tried = set(points_of(7).keys())
    problem = AcquisitionProblem(SPACE, score, points_of(7), tried, 8)
    budget = problem.budget
    evaluations = Evaluations(problem)
    np.testing.assert_array_equal(evaluations.scores(points_of(3, 7, 3, 5)), [3, -np.inf, 3, 5])
    np.testing.assert_array_equal(evaluations.scores(points_of(5, 3)), [5, 3])
    assert asked == [3, 5]
    assert evaluations.num_left == budget - 2
    many = evaluations.scores(points_of(*range(300, 700)))
    assert np.isfinite(many).sum() == budget - 2 and evaluations.num_left == 0
    assert len(asked) == len(set(asked)) == len(evaluations.points) == budget
    assert evaluations.facts.shape == (budget, 2)
    assert evaluations.best(2).numbers[:, 0].tolist() == [297 + budget, 296 + budget]
    assert not np.isfinite(evaluations.scores(points_of(999)))
