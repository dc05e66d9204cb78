"""The network by NumPy answers as the one by Keras does."""

import numpy as np
import pytest

from keras_metahpo.rankers import Context, Preset
from keras_metahpo.rankers.in_context import new_network
from keras_metahpo.rankers.inputs import network_inputs
from keras_metahpo.rankers.numpy_network import NumpyNetwork
from keras_metahpo.rankers.tokens import stack, tokenize
from keras_metahpo.space import Condition, Hyperparameter, SearchSpace

RNG = np.random.default_rng(0)
SGD = (Condition("optimizer", ("sgd",)),)
MIXED = SearchSpace(
    [
        Hyperparameter("learning_rate", "float", 1e-2, 1e-5, 1.0, sampling="log"),
        Hyperparameter("units", "int", 32, 8, 64, step=8),
        Hyperparameter("optimizer", "choice", "adam", choices=("adam", "sgd")),
        Hyperparameter("momentum", "float", 0.9, 0, 0.99, conditions=SGD),
        Hyperparameter("normalize", "boolean", False, choices=(False, True)),
    ]
)
NARROW = SearchSpace([Hyperparameter("x", "float", 0.1, 0.0, 1.0)])
EMPTY = SearchSpace([])


def tokens(space: SearchSpace, size: int):
    return stack([tokenize(space, space.sample(size, RNG))])


def context(space: SearchSpace, size: int, num_masked: int = 0) -> Context:
    mask = np.ones((1, size), dtype=bool)
    mask[:, :num_masked] = False
    utilities = RNG.normal(size=(1, size))
    utilities[0, -1] = -np.inf
    variances, costs = RNG.uniform(0.0, 0.7, (2, 1, size))
    return Context(tokens(space, size), utilities, mask, variances, costs)


@pytest.fixture(scope="module")
def bundled():
    return Preset("base").load().network


@pytest.fixture(scope="module")
def random_network():
    """Biases and scales that are not 0 and 1."""
    network = new_network({"width": 8, "num_members": 2, "embedding": 4, "num_heads": 2})
    rng = np.random.default_rng(1)
    network.set_weights([w + 0.1 * rng.standard_normal(w.shape) for w in network.get_weights()])
    return network


def expected(network, inputs) -> np.ndarray:
    return np.asarray(network.predict_on_batch(inputs))


@pytest.mark.parametrize("which", ["bundled", "random_network"])
@pytest.mark.parametrize("space", [MIXED, NARROW, EMPTY], ids=["mixed", "narrow", "empty"])
@pytest.mark.parametrize("observed", [None, 0, 5])
def test_the_answers_are_those_of_the_network(which, space, observed, request):
    network = request.getfixturevalue(which)
    given = None if observed is None else context(space, 12, num_masked=observed)
    inputs = network_inputs(given, tokens(space, 40))
    found = NumpyNetwork(network)(inputs)
    assert found == pytest.approx(expected(network, inputs), abs=2e-5)


def test_changed_weights_are_noticed(random_network):
    numpy_network = NumpyNetwork(random_network)
    inputs = network_inputs(None, tokens(MIXED, 8))
    before = numpy_network(inputs)
    weights = random_network.get_weights()
    try:
        random_network.set_weights([1.1 * w for w in weights])
        after = numpy_network(inputs)
        assert after == pytest.approx(expected(random_network, inputs), abs=2e-5)
        assert np.abs(after - before).max() > 1e-3
    finally:
        random_network.set_weights(weights)
    assert numpy_network(inputs) == pytest.approx(before)
