"""Random search and the Sobol sequence."""

import numpy as np
import pytest

from keras_metahpo.history import History
from keras_metahpo.policies import RandomPolicy, SobolPolicy
from keras_metahpo.policies.random import sobol_units
from keras_metahpo.space import Hyperparameter, SearchSpace

SQUARE = SearchSpace([Hyperparameter(name, "float", 0.5, 0.0, 1.0) for name in "xy"])
LONG_GRID = SearchSpace([Hyperparameter("n", "int", 0, 0, 29_999)])


def search(policy, space, num_trials, seed=0):
    tried = []
    for trial in range(num_trials):
        history = History(tried, np.zeros(trial))
        rng = np.random.default_rng((seed, trial))
        tried.append(policy.suggest(space, history, [], rng).configuration)
    return tried


def test_random_search_is_uniform():
    values = [c["x"] for c in search(RandomPolicy(), SQUARE, 200)]
    assert np.histogram(values, bins=4, range=(0, 1))[0].min() > 30


def test_the_last_configuration_of_a_large_space_is_found():
    tried = [{"n": n} for n in range(30_000) if n != 12_345]
    history = History(tried, np.zeros(len(tried)))
    suggestion = RandomPolicy().suggest(LONG_GRID, history, [], np.random.default_rng(0))
    assert suggestion.configuration == {"n": 12_345}


def test_sobol_follows_one_sequence():
    tried = search(SobolPolicy(seed=5), SQUARE, 20)
    expected = sobol_units(20, 2, np.random.default_rng(5))
    np.testing.assert_allclose([[c["x"], c["y"]] for c in tried], expected)


def test_sobol_ignores_the_trial_s_generator_but_not_its_seed():
    first = search(SobolPolicy(seed=5), SQUARE, 3)
    assert search(SobolPolicy(seed=5), SQUARE, 3, seed=1) == first
    assert search(SobolPolicy(seed=6), SQUARE, 3) != first


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("num_points", [0, 1, 5, 8])
@pytest.mark.parametrize("dimension", [0, 1, 3])
def test_sobol_units_have_any_shape(num_points, dimension):
    units = sobol_units(num_points, dimension, np.random.default_rng(0))
    assert units.shape == (num_points, dimension)


def test_sobol_is_more_even_than_chance():
    units = sobol_units(64, 2, np.random.default_rng(0))
    counts, _, _ = np.histogram2d(*units.T, bins=8, range=[[0, 1], [0, 1]])
    assert (counts == 1).all()
