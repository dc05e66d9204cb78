"""The gradient of a ranker's score, on whichever backend Keras has."""

import keras
import numpy as np
import pytest

from keras_metahpo.rankers import InContextRanker, tokenize
from keras_metahpo.rankers.gradient import cell_slopes
from keras_metahpo.rankers.in_context import new_network
from keras_metahpo.space import Condition, Hyperparameter, SearchSpace

SPACE = SearchSpace(
    [
        Hyperparameter("learning_rate", "float", 1e-3, low=1e-5, high=1.0, sampling="log"),
        Hyperparameter("dropout", "float", 0.1, low=0.0, high=0.9),
        Hyperparameter("optimizer", "choice", "adam", choices=("adam", "sgd")),
        Hyperparameter(
            "momentum", "float", 0.9, 0.0, 0.99, conditions=(Condition("optimizer", ("sgd",)),)
        ),
        Hyperparameter("units", "int", 32, low=1, high=256, sampling="log"),
        Hyperparameter("layers", "choice", 2, choices=(1, 2, 4), ordered=True),
    ]
)
# In the order of the columns: parents come first.
LEARNING_RATE, DROPOUT, OPTIMIZER, UNITS, LAYERS, MOMENTUM = range(6)


@pytest.fixture(scope="module")
def ranker():
    keras.utils.set_random_seed(3)
    return InContextRanker(new_network({"num_members": 2, "width": 16, "embedding": 4}))


@pytest.fixture
def points():
    return SPACE.sample(20, np.random.default_rng(0))


def test_it_is_the_slope_of_the_prior_mean(ranker, points):
    # A magnitude falls without a limit towards a momentum of 0, where no difference is a slope.
    points = SPACE.snap(0.1 + 0.8 * points.units)
    gradient = ranker.prior_gradient(SPACE, points)
    for column in (LEARNING_RATE, DROPOUT, MOMENTUM):
        step = np.zeros(len(SPACE))
        step[column] = 0.01
        moved = [SPACE.snap(np.clip(points.units + s, 0, 1)) for s in (step, -step)]
        rise = ranker.prior_mean(SPACE, moved[0]) - ranker.prior_mean(SPACE, moved[1])
        distance = moved[0].units[:, column] - moved[1].units[:, column]
        expected = np.where(points.active[:, column], rise / np.maximum(distance, 1e-9), 0.0)
        scale = np.abs(expected).max()
        assert scale > 0
        # The network has kinks, which a difference may step over.
        assert np.median(np.abs(gradient[:, column] - expected)) < 0.05 * scale
        assert np.corrcoef(gradient[:, column], expected)[0, 1] > 0.95


def test_categorical_and_inactive_hyperparameters_have_none(ranker, points):
    gradient = ranker.prior_gradient(SPACE, points)
    assert gradient.shape == points.units.shape and np.isfinite(gradient).all()
    assert not gradient[:, OPTIMIZER].any()
    assert not gradient[~points.active].any()
    assert gradient[:, LAYERS].any()


def test_every_value_of_a_logarithmic_integer_has_neighbours(points):
    lowest = SPACE.encode([{"units": n} for n in (1, 2, 100, 256)])
    slopes = cell_slopes(lambda *asked: tokenize(*asked), SPACE, lowest)
    assert slopes[:, UNITS].any(axis=1).all()


def test_weights_that_are_set_again_are_followed(ranker, points):
    before = ranker.prior_gradient(SPACE, points)
    weights = ranker.network.get_weights()
    ranker.network.set_weights([2 * w for w in weights])
    after = ranker.prior_gradient(SPACE, points)
    ranker.network.set_weights(weights)
    assert np.abs(after - before).max() > 1e-6
    np.testing.assert_allclose(ranker.prior_gradient(SPACE, points), before, atol=1e-6)


def test_an_empty_space_has_no_gradient(ranker):
    space = SearchSpace([])
    assert ranker.prior_gradient(space, space.snap(np.zeros((3, 0)))).shape == (3, 0)
