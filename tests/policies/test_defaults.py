"""Defaults by name, and configurations carried into another search space."""

import keras_tuner
import numpy as np
import pytest

from keras_metahpo.benchmark.blackboxes import open_suite
from keras_metahpo.history import History
from keras_metahpo.policies import DefaultsPolicy, has_chosen_default, named_defaults
from keras_metahpo.policies.defaults import DEFAULT_OF_ROLE
from keras_metahpo.policies.mapping import nearest_choice, nearest_points
from keras_metahpo.space import Hyperparameter, SearchSpace
from keras_metahpo.space.roles import ROLES


def keras_space(*optimizers):
    hp = keras_tuner.HyperParameters()
    hp.Float("lr", 1e-5, 1.0, sampling="log")
    hp.Float("dropout_rate", 0.0, 0.5, step=0.1)
    hp.Choice("units", [16, 100, 512])
    hp.Int("batch_size", 64, 256, step=2, sampling="log")
    hp.Float("mystery", 0.0, 1.0, default=0.7)
    if optimizers:
        hp.Choice("optimizer", list(optimizers))
    return SearchSpace.from_keras_tuner(hp)


def test_names_find_the_nearest_legal_values():
    configuration = named_defaults(keras_space("rmsprop", "Adam"))
    assert configuration.pop("dropout_rate") in (0.2, pytest.approx(0.3))
    assert configuration == {
        "lr": 1e-3,
        "units": 100,
        "batch_size": 64,
        "mystery": 0.7,
        "optimizer": "Adam",
    }


def test_sgd_learns_faster():
    assert named_defaults(keras_space("sgd"))["lr"] == 0.01
    hp = keras_tuner.HyperParameters()
    hp.Float("learning_rate", 1e-5, 1.0, sampling="log")
    hp.Float("momentum", 0.0, 0.99)
    space = SearchSpace.from_keras_tuner(hp)
    assert named_defaults(space) == {"learning_rate": 0.01, "momentum": 0.9}


def test_every_rule_has_a_known_role():
    assert set(DEFAULT_OF_ROLE) <= set(ROLES)


def test_defaults_by_name_come_before_those_of_the_space():
    space = keras_space("sgd", "adam")
    tried = []
    for trial in range(3):
        history = History(tried, np.zeros(trial))
        suggestion = DefaultsPolicy().suggest(space, history, [], np.random.default_rng(0))
        tried.append(suggestion.configuration)
        assert suggestion.expert == ("random" if trial == 2 else "defaults")
    assert tried[0] == named_defaults(space)
    assert tried[1] == space.default_configuration()


@pytest.mark.parametrize(
    "value, expected",
    [(64, 64), (90, 64), (91, 128), (1e9, 128), ("64", 32), (True, 32), (float("nan"), 32)],
)
def test_nearest_choice_of_numbers(value, expected):
    hp = Hyperparameter("units", "choice", 32, choices=(32, 64, 128))
    assert nearest_choice(hp, value) == expected


def test_a_value_moved_onto_its_grid_takes_its_children_along():
    hp = keras_tuner.HyperParameters()
    layers = hp.Int("layers", 1, 3)
    with hp.conditional_scope("layers", [3]):
        if layers == 3:
            hp.Int("units_2", 8, 64)
    hp.values["layers"] = 3
    with hp.conditional_scope("layers", [3]):
        hp.Int("units_2", 8, 64)
    space = SearchSpace.from_keras_tuner(hp)
    points = nearest_points(space, [{"layers": 7, "units_2": 20, "unknown": 1}])
    assert space.decode(points) == [{"layers": 3, "units_2": 20}]


def chosen(**defaults) -> bool:
    """Whether a space of four hyperparameters says what its author thinks good."""
    hp = keras_tuner.HyperParameters()
    hp.Float("learning_rate", 1e-4, 1e-1, sampling="log", default=defaults.get("learning_rate"))
    hp.Int("units", 16, 256, default=defaults.get("units"))
    hp.Choice("batch_size", [16, 32, 64, 128], default=defaults.get("batch_size"))
    hp.Boolean("shuffle", default=defaults.get("shuffle", False))
    hp.Fixed("epochs", 7)
    return has_chosen_default(SearchSpace.from_keras_tuner(hp))


@pytest.mark.parametrize(
    "defaults, expected",
    [
        ({}, False),
        ({"learning_rate": 1e-3}, True),
        ({"learning_rate": 1e-4, "units": 16, "batch_size": 16}, False),
        ({"learning_rate": 10**-2.5, "units": 136, "batch_size": 64}, False),
        ({"batch_size": 128}, True),
        ({"shuffle": True}, True),
    ],
    ids=["none", "a rate", "the lowest", "the middle", "a number's choice", "a boolean"],
)
def test_a_default_counts_if_someone_chose_it(defaults, expected):
    assert chosen(**defaults) == expected


def test_nothing_is_chosen_where_nothing_is_tuned():
    assert not has_chosen_default(SearchSpace([]))
    assert not has_chosen_default(SearchSpace([Hyperparameter("x", "int", 3, low=3, high=3)]))


@pytest.mark.parametrize("family", ["fcnet", "hpobench", "nasbench201"])
def test_nobody_chose_the_defaults_of_benchmark_tables(family):
    blackbox = next(iter(open_suite(family, None).blackboxes.values())).open()
    assert not has_chosen_default(blackbox.space)
