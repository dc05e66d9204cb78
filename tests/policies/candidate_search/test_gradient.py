"""Ascent of the ranker's score."""

import keras
import numpy as np

from keras_metahpo.policies.candidate_search import GradientSearch
from keras_metahpo.rankers import InContextRanker
from keras_metahpo.rankers.in_context import new_network
from keras_metahpo.space import Hyperparameter, SearchSpace, concatenate

CUBE = SearchSpace([Hyperparameter(name, "float", 0.5, 0.0, 1.0) for name in "xyz"])


def test_an_ascent_climbs_and_stays_in_the_cube(ridge):
    starts = CUBE.sample(5, np.random.default_rng(0))
    visited = GradientSearch(ridge).ascend(CUBE, starts)
    assert visited.units.min() >= 0 and visited.units.max() <= 1
    first, last = ridge.prior_mean(CUBE, starts), ridge.prior_mean(CUBE, visited[-5:])
    assert np.all(last > first)


def test_categories_have_no_gradient(ridge):
    space = SearchSpace([Hyperparameter("op", "choice", "a", choices=("a", "b", "c"))])
    starts = space.sample(3, np.random.default_rng(0))
    assert len(GradientSearch(ridge).ascend(space, starts)) == 0
    assert len(GradientSearch(ridge).ascend(CUBE, CUBE.encode([]))) == 0


def test_a_network_s_score_is_climbed():
    keras.utils.set_random_seed(0)
    ranker = InContextRanker(new_network({"num_members": 1, "width": 8, "num_context_blocks": 1}))
    starts = CUBE.sample(16, np.random.default_rng(0))
    visited = GradientSearch(ranker).ascend(CUBE, starts)
    scores = ranker.prior_mean(CUBE, concatenate([starts, visited[-16:]]))
    assert np.mean(scores[16:] > scores[:16]) > 0.9
