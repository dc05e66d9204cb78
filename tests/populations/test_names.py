"""What may differ within a population is what never changes a structure."""

import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keras_metahpo.populations.names import exchangeable_names
from keras_metahpo.space import Condition, Hyperparameter, SearchSpace

from ..spaces import CNN, CONDITIONAL, MLP, NAMESAKES, SGD

FEW = settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
NOISY = (Condition("use_noise", (True,)),)
MODEL = SearchSpace(
    [
        Hyperparameter("learning_rate", "float", 1e-3, 1e-4, 1e-1, sampling="log"),
        Hyperparameter("dropout", "float", 0.0, 0.0, 0.5),
        Hyperparameter("input_dropout", "float", 0.0, 0.0, 0.5, step=0.125),
        Hyperparameter("units", "int", 64, 8, 512),
        Hyperparameter("loss_weight", "int", 1, 1, 3),
        Hyperparameter("optimizer", "choice", "adam", choices=("adam", "sgd")),
        Hyperparameter("momentum", "float", 0.9, 0.1, 0.99, conditions=SGD),
        Hyperparameter("nesterov", "boolean", False, choices=(False, True), conditions=SGD),
        Hyperparameter("use_noise", "boolean", False, choices=(False, True)),
        Hyperparameter("noise", "float", 0.0, 0.0, 1.0, conditions=NOISY),
        Hyperparameter("num_classes", "fixed", 10, choices=(10,)),
    ]
)


def model_structure(configuration):
    """Rates of 0 have no layer; numbers that are variables have no place in it."""
    assert MODEL.complete(configuration) == configuration
    layers = [configuration["units"]]
    layers += [n for n in ("dropout", "input_dropout", "noise") if configuration.get(n, 0.0) > 0.0]
    return json.dumps([layers, configuration["optimizer"], configuration.get("nesterov")])


@pytest.mark.parametrize("seed", range(20))
def test_exchangeable_is_what_never_changes_the_structure(seed):
    """A rate is, although it is left out at its default of 0; what switches a layer on is not."""
    found = exchangeable_names(MODEL, model_structure, np.random.default_rng(seed))
    assert found == [
        "dropout",
        "input_dropout",
        "learning_rate",
        "loss_weight",
        "momentum",
        "noise",
    ]


@FEW
@given(st.sets(st.sampled_from(CONDITIONAL.names)), st.integers(0, 2**32))
def test_exchangeable_names_are_those_that_the_structure_lacks(in_structure, seed):
    in_structure.add("optimizer")  # Otherwise what it switches on would tell its value.

    def structure_of(configuration):
        return json.dumps([configuration.get(name) for name in sorted(in_structure)])

    found = exchangeable_names(CONDITIONAL, structure_of, np.random.default_rng(seed))
    assert set(found) == set(CONDITIONAL.names) - in_structure


def test_namesakes_with_other_ranges_are_told_by_their_name():
    for seed in range(20):
        rng = np.random.default_rng(seed)
        by_model = exchangeable_names(NAMESAKES, lambda c: str(c["model"]), rng)
        assert by_model == ["rate", "units"]
        by_units = exchangeable_names(NAMESAKES, lambda c: str(c["units"]), rng)
        assert by_units == ["rate"]


def test_namesakes_value_that_moves_back_tells_nothing():
    space = SearchSpace(
        [
            Hyperparameter("model", "choice", "mlp", choices=("mlp", "cnn")),
            Hyperparameter("units", "int", 100, 100, 101, conditions=MLP),
            Hyperparameter("units", "int", 4, 4, 5, conditions=CNN),
        ]
    )
    for seed in range(20):
        rng = np.random.default_rng(seed)
        assert exchangeable_names(space, lambda c: str(c["units"]), rng) == []


def test_nothing_is_exchangeable_where_there_is_nothing_to_change():
    fixed = SearchSpace([Hyperparameter("units", "fixed", 4, choices=(4,))])
    for space in (fixed, SearchSpace([])):
        assert exchangeable_names(space, str, np.random.default_rng(0)) == []


def test_structures_are_looked_at_a_few_times_only():
    looks = []
    exchangeable_names(MODEL, lambda c: looks.append(c) or "", np.random.default_rng(0))
    # Each name twice, against at most as many configurations.
    assert len(looks) <= 4 * len(MODEL)
