"""Roles of hyperparameters that no alias tells."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keras_metahpo.role_guessing import guessed_names, guessed_roles
from keras_metahpo.role_guessing.model import FILE, OTHER, RoleModel
from keras_metahpo.space import Hyperparameter, SearchSpace, role_of
from keras_metahpo.space.roles import ALIASES, ROLES


def rate(name, default=1e-3):
    return Hyperparameter(name, "float", default, low=1e-5, high=1e-1, sampling="log")


def count(name, low=16, high=512):
    return Hyperparameter(name, "int", low, low=low, high=high)


def labels(name, *choices):
    return Hyperparameter(name, "choice", choices[0], choices=choices)


# Plain words that stand in no glossary as they are.
UNUSUAL = {
    "speed_of_training": (rate, "learning_rate"),
    "neuron_number": (count, "width"),
    "rows_in_one_gradient": (count, "batch_size"),
    "which_minimizer": (lambda name: labels(name, "adam", "sgd", "rmsprop"), "optimizer"),
    "bend_function": (lambda name: labels(name, "relu", "tanh", "elu"), "activation"),
}


@pytest.mark.parametrize("name", UNUSUAL)
def test_words_ranges_and_values_tell_a_role(name):
    make, role = UNUSUAL[name]
    assert role_of(name) is None
    guess = guessed_roles(SearchSpace([make(name)]))[name]
    assert guess.role == role
    assert 0.5 <= guess.probability <= 1.0


def test_names_that_tell_their_role_stay():
    space = SearchSpace([rate("lr"), count("hidden_units"), count("neuron_number")])
    assert guessed_roles(space).keys() == {"neuron_number"}
    assert guessed_names(space) == ("lr", "hidden_units", ALIASES["width"][0])


def test_names_that_say_nothing_stay():
    space = SearchSpace([rate("x0"), count("x1"), labels("x2", "a1", "b2")])
    assert guessed_names(space) == ("x0", "x1", "x2")


def test_what_a_ranker_learnt_from_is_not_guessed_at():
    space = SearchSpace([rate("speed_of_training_3")])
    assert guessed_names(space, {"speed_of_training_1"}) == ("speed_of_training_3",)
    assert guessed_names(space, {"speed"}) == ("learning_rate",)


def test_a_second_learning_rate_takes_more_to_believe():
    alone = guessed_roles(SearchSpace([rate("speed_of_training")]))
    beside = guessed_roles(SearchSpace([rate("lr"), rate("speed_of_training")]))
    assert alone["speed_of_training"].role == "learning_rate"
    second = beside.get("speed_of_training")
    assert second is None or second.probability < alone["speed_of_training"].probability


def test_two_layers_may_have_widths():
    space = SearchSpace([count("neuron_number_1"), count("neuron_number_2")])
    assert {guess.role for guess in guessed_roles(space).values()} == {"width"}
    assert len(guessed_roles(space)) == 2


def test_labels_are_no_number_and_a_switch_is_no_width():
    model = RoleModel.load(FILE)
    switch = Hyperparameter("a", "boolean", False, choices=(False, True))
    for hp, impossible in ((labels("a", "x", "y"), "learning_rate"), (switch, "width")):
        probability = model.probabilities("neuron_number", hp)[model.roles == impossible]
        assert probability == 0.0


@given(st.text(max_size=20), st.floats(1e-9, 1e3), st.floats(1.1, 1e6))
def test_any_name_and_range_has_probabilities(name, low, factor):
    hp = Hyperparameter(name or "a", "float", low, low=low, high=low * factor)
    found = RoleModel.load(FILE).probabilities(hp.name, hp)
    assert found.shape == (len(ROLES) + 1,)
    assert found.sum() == pytest.approx(1.0)
    assert (found >= 0).all()


def test_saving_changes_little(tmp_path):
    model = RoleModel.load(FILE)
    model.save(tmp_path / "model.npz")
    again = RoleModel.load(tmp_path / "model.npz")
    assert again.roles.tolist() == [*ROLES, OTHER]
    hp = rate("speed_of_training")
    np.testing.assert_allclose(
        again.probabilities(hp.name, hp), model.probabilities(hp.name, hp), atol=1e-6
    )
