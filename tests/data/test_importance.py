"""Importances of hyperparameters whose effect is known."""

import math

import numpy as np
import pytest

from keras_metahpo.data import importance
from keras_metahpo.data.correlation import ranks
from keras_metahpo.data.importance import importances
from keras_metahpo.space import Condition, Hyperparameter, SearchSpace

from .conftest import CONDITIONAL_SPACE, SPACE, drawn


def found_by(function, space=SPACE, count=100):
    configurations = drawn(count, space=space)
    return importances(
        space, configurations, ranks(np.array([function(c) for c in configurations]))
    )


@pytest.mark.parametrize(
    "function",
    [
        lambda c: abs(math.log10(c["learning_rate"]) + 2),
        lambda c: {"relu": 0.0, "elu": 1.0, "tanh": 2.0}[c["activation"]],
    ],
    ids=["learning_rate", "activation"],
)
def test_one_hyperparameter_that_decides_everything_has_it_all(function, request):
    found = found_by(function)
    planted = request.node.callspec.id
    assert found.pop(planted) > 0.9
    assert max(found.values()) < 0.05


def test_interactions_are_nobodys():
    found = found_by(lambda c: (c["momentum"] - 0.5) * (c["units"] - 68))
    assert sum(found.values()) < 0.5


def test_a_conditional_hyperparameter_takes_nothing_from_its_parent():
    found = found_by(lambda c: c["optimizer"] == "sgd", CONDITIONAL_SPACE)
    assert found["optimizer"] > 0.9
    assert found["momentum"] < 0.05


def test_a_conditional_hyperparameter_counts_where_it_is_active():
    found = found_by(lambda c: c.get("momentum", 0.5), CONDITIONAL_SPACE, count=200)
    # Its main effect is half of the variance: in the other half of the space it does nothing.
    assert 0.3 < found["momentum"] < 0.7
    assert found["optimizer"] < 0.1
    assert found["units"] < 0.1


def test_namesakes_under_other_conditions_are_one_hyperparameter():
    space = SearchSpace(
        [
            Hyperparameter("optimizer", "choice", "sgd", choices=("sgd", "adam")),
            *(
                Hyperparameter(
                    *("rate", "float", 0.1),
                    low=0.1,
                    high=high,
                    sampling="log",
                    conditions=(Condition("optimizer", (name,)),),
                )
                for name, high in (("sgd", 10.0), ("adam", 1.0))
            ),
        ]
    )
    found = found_by(lambda c: math.log(c["rate"]), space)
    assert list(found) == ["optimizer", "rate"]
    assert found["rate"] > found["optimizer"]


def test_a_fixed_hyperparameter_explains_nothing():
    fixed = Hyperparameter("epochs", "fixed", 3, choices=(3,))
    point = Hyperparameter("width", "int", 3, low=3, high=3)
    space = SearchSpace([*SPACE.hyperparameters, fixed, point])
    found = found_by(lambda c: c["momentum"], space, count=50)
    assert found["epochs"] == found["width"] == 0.0


def test_more_configurations_than_can_be_looked_at_are_sampled(monkeypatch):
    monkeypatch.setattr(importance, "MAX_CONFIGURATIONS", 40)
    assert found_by(lambda c: c["momentum"], count=400)["momentum"] > 0.8
