"""What a token knows of a hyperparameter."""

import numpy as np

from keras_metahpo.rankers import tokenize
from keras_metahpo.rankers.tokens import pieces, role_number
from keras_metahpo.space import Hyperparameter, SearchSpace


def one(hp: Hyperparameter, value) -> np.ndarray:
    space = SearchSpace([hp])
    return tokenize(space, space.encode([{hp.name: value}])).cells[0, 0, 0]


def rate(name="learning_rate", low=1e-5, high=1.0):
    return Hyperparameter(name, "float", low, low=low, high=high, sampling="log")


def test_physical_values_are_visible_beside_positions():
    wide, narrow = one(rate(low=1e-5, high=1.0), 1e-3), one(rate(low=1e-4, high=1e-2), 1e-3)
    same = np.isclose(wide, narrow)
    assert same.any() and not same.all()


def test_different_values_give_different_cells():
    hp = Hyperparameter("optimizer", "choice", "adam", choices=("adam", "sgd"))
    space = SearchSpace([hp])
    tokens = tokenize(space, space.encode([{"optimizer": "adam"}, {"optimizer": "sgd"}]))
    first, second = tokens.values[0, :, 0]
    np.testing.assert_array_equal(tokens.vocabulary[0, first], pieces("adam"))
    np.testing.assert_array_equal(tokens.vocabulary[0, second], pieces("sgd"))


def test_aliases_share_a_role_and_indices_are_ignored():
    assert role_number("lr") == role_number("learning_rate") > 0
    assert role_number("units_0") == role_number("units_12") == role_number("hidden_units") > 0
    assert role_number("qwertz") == 0


def test_names_share_pieces_of_words():
    shared = set(pieces("hidden_units")) & set(pieces("units"))
    assert len(shared - {0}) > 2
    assert not (set(pieces("momentum")) & set(pieces("lr"))) - {0}


def test_momenta_are_told_apart_near_one():
    momentum = Hyperparameter("momentum", "float", 0.9, low=0.0, high=0.9999)
    space = SearchSpace([momentum])
    cells = tokenize(space, space.encode([{"momentum": m} for m in (0.9, 0.99, 0.999)])).cells[
        0, :, 0
    ]
    distances = np.diff(cells, axis=0)
    evenly = np.isclose(distances[0], distances[1], atol=1e-4) & (distances[0] > 0.2)
    assert evenly.sum() == 1
