"""The ranker is asked once for each configuration of a search space."""

import numpy as np
import pytest

from keras_metahpo.policies import ranker as ranker_module
from keras_metahpo.policies.ranker import RankerPrior
from keras_metahpo.space import Hyperparameter, SearchSpace

SPACE = SearchSpace([Hyperparameter("x", "float", 0.0, 0.0, 1.0)])
WIDER = SearchSpace([Hyperparameter("x", "float", 0.0, 0.0, 2.0)])


class CountingRanker:
    def __init__(self):
        self.num_asked = 0

    def prior_mean(self, space, points):
        self.num_asked += len(points)
        return belief(points)


def belief(points):
    return points.numbers[:, 0]


@pytest.fixture
def points():
    return SPACE.snap(np.linspace(0, 1, 6)[:, None])


def test_asks_only_about_new_configurations(points):
    ranker = CountingRanker()
    prior = RankerPrior(ranker)
    np.testing.assert_array_equal(prior(SPACE, points[:4]), belief(points[:4]))
    np.testing.assert_array_equal(prior(SPACE, points[::-1]), belief(points[::-1]))
    assert ranker.num_asked == 6


def test_another_search_space_is_another_question(points):
    prior = RankerPrior(CountingRanker())
    prior(SPACE, points)
    wider = WIDER.snap(points.units)
    np.testing.assert_array_equal(prior(WIDER, wider), belief(wider))


def test_memory_is_bounded(points, monkeypatch):
    monkeypatch.setattr(ranker_module, "MOST_ANSWERS", 3)
    ranker = CountingRanker()
    prior = RankerPrior(ranker)
    for _ in range(3):
        prior(SPACE, points)
    assert ranker.num_asked == 18


@pytest.mark.parametrize("wrong", [np.full(6, np.nan), np.zeros(5), np.zeros((6, 1))])
def test_a_wrong_answer_is_not_remembered(points, wrong):
    ranker = CountingRanker()
    prior = RankerPrior(ranker)
    ranker.prior_mean = lambda space, points: wrong
    with pytest.raises(ValueError, match="6 finite numbers"):
        prior(SPACE, points)
    del ranker.prior_mean
    np.testing.assert_array_equal(prior(SPACE, points), belief(points))
