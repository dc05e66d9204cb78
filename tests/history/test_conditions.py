"""Conditions are found where hyperparameters are missing, and only there."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_metahpo.history.conditions import with_conditions
from keras_metahpo.space import Condition, Hyperparameter, SearchSpace

OPTIMIZER = Hyperparameter("optimizer", "choice", "adam", choices=("adam", "sgd", "rmsprop"))
MOMENTUM = Hyperparameter("momentum", "float", 0.0, low=0.0, high=0.9)
NESTEROV = Hyperparameter("nesterov", "boolean", False, choices=(False, True))
DAMPING = Hyperparameter("damping", "float", 0.1, low=0.1, high=1.0)
LAYERS = Hyperparameter("layers", "int", 1, low=1, high=6, step=1)
RATE = Hyperparameter("rate", "float", 0.1, low=0.001, high=0.1, sampling="log")


def conditions(hyperparameters, configurations) -> dict[str, tuple[Condition, ...]]:
    found = with_conditions(hyperparameters, configurations)
    assert [hp.name for hp in found] == [hp.name for hp in hyperparameters]
    return {hp.name: hp.conditions for hp in found if hp.conditions}


def test_nothing_is_missing_nothing_is_conditional():
    configurations = [{"optimizer": o, "momentum": 0.1} for o in ("adam", "sgd")]
    assert conditions([OPTIMIZER, MOMENTUM], configurations) == {}
    assert conditions([OPTIMIZER, MOMENTUM], []) == {}


def test_a_choice_switches_on():
    configurations = [{"optimizer": "adam"}, {"optimizer": "sgd", "momentum": 0.1}]
    expected = {"momentum": (Condition("optimizer", ("sgd",)),)}
    assert conditions([OPTIMIZER, MOMENTUM], configurations) == expected


def test_the_nearest_parent_counts():
    configurations = [
        {"optimizer": "adam", "rate": 0.01},
        {"optimizer": "sgd", "rate": 0.01, "nesterov": False, "momentum": 0.2},
        {"optimizer": "sgd", "rate": 0.02, "nesterov": True, "momentum": 0.2, "damping": 0.5},
    ]
    found = conditions([RATE, DAMPING, NESTEROV, MOMENTUM, OPTIMIZER], configurations)
    assert found == {
        "damping": (Condition("nesterov", (True,)),),
        "nesterov": (Condition("optimizer", ("sgd",)),),
        "momentum": (Condition("optimizer", ("sgd",)),),
    }


def test_a_whole_number_switches_on_from_a_threshold():
    units = Hyperparameter("units_3", "int", 8, low=8, high=64, step=1)
    configurations = [{"layers": n} | ({"units_3": 9} if n >= 3 else {}) for n in (1, 2, 3, 5)]
    found = conditions([LAYERS, units], configurations)
    assert found == {"units_3": (Condition("layers", (3, 4, 5, 6)),)}


def test_what_nothing_explains_stays_unconditional():
    configurations = [
        {"optimizer": "sgd", "rate": 0.01},
        {"optimizer": "sgd", "rate": 0.02, "momentum": 0.2},
    ]
    assert conditions([OPTIMIZER, RATE, MOMENTUM], configurations) == {}


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), num_trials=st.integers(1, 60))
def test_configurations_are_legal_in_the_space_that_they_suggest(seed, num_trials):
    space = SearchSpace(
        [
            OPTIMIZER,
            LAYERS,
            RATE,
            Hyperparameter("on", "boolean", False, choices=(False, True)),
            Hyperparameter(
                "momentum",
                "float",
                0.0,
                low=0.0,
                high=0.9,
                conditions=(Condition("optimizer", ("sgd", "rmsprop")), Condition("on", (True,))),
            ),
            Hyperparameter(
                "units_2",
                "int",
                8,
                low=8,
                high=64,
                conditions=(Condition("layers", (2, 3, 4, 5, 6)),),
            ),
        ]
    )
    rng = np.random.default_rng(seed)
    configurations = space.decode(space.sample(num_trials, rng))
    seen = {name for configuration in configurations for name in configuration}
    plain = [
        Hyperparameter(**{**vars(hp), "conditions": ()})
        for hp in space.hyperparameters
        if hp.name in seen
    ]
    found = SearchSpace(with_conditions(plain, configurations))
    for configuration in configurations:
        complete = found.complete(configuration)
        assert {name: complete[name] for name in configuration} == configuration


def test_a_wide_range_of_whole_numbers_is_no_parent():
    wide = Hyperparameter("units", "int", 1, low=1, high=1000, step=1)
    configurations = [{"units": 3}, {"units": 700, "momentum": 0.5}]
    assert conditions([wide, MOMENTUM], configurations) == {}


@pytest.mark.parametrize("kind", ["float", "int"])
def test_numbers_without_a_threshold_are_no_parents(kind):
    parent = Hyperparameter("n", kind, 1, low=1, high=6)
    configurations = [{"n": 1, "momentum": 0.1}, {"n": 2}, {"n": 3, "momentum": 0.1}]
    assert conditions([parent, MOMENTUM], configurations) == {}
