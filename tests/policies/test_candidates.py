"""Candidates, mutations and refinement."""

import numpy as np
import pytest

from keras_metahpo.policies.candidates import (
    all_points,
    candidates,
    fresh_mutations,
    mutations,
    refine,
)
from keras_metahpo.space import Condition, Hyperparameter, SearchSpace

MIXED = SearchSpace(
    [
        Hyperparameter("learning_rate", "float", 0.1, 1e-4, 1.0, sampling="log"),
        Hyperparameter("n", "int", 3, 1, 500),
        Hyperparameter("optimizer", "choice", "adam", choices=("adam", "sgd")),
        Hyperparameter("once", "fixed", 1, choices=(1,)),
        Hyperparameter(
            "momentum", "float", 0.9, 0.0, 1.0, conditions=(Condition("optimizer", ("sgd",)),)
        ),
    ]
)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_candidates_are_distinct_legal_and_hold_the_defaults(rng):
    points = candidates(MIXED, rng, MIXED.sample(3, rng), 200)
    assert len(set(points.keys())) == len(points) > 150
    configurations = MIXED.decode(points)
    assert MIXED.default_configuration() in configurations
    assert points.keys() == MIXED.encode(configurations).keys()


def test_a_small_space_is_its_own_candidates(rng):
    space = SearchSpace([Hyperparameter("n", "int", 0, 0, 1999)])
    assert len(candidates(space, rng, space.encode([]), 10)) == 2000
    assert all_points((Hyperparameter("n", "int", 0, 0, 2000),)) is None


def test_candidates_of_equal_spaces_follow_the_order_of_their_columns(rng):
    first = Hyperparameter("a", "int", 0, 0, 1)
    second = Hyperparameter("b", "int", 0, 0, 4)
    for hyperparameters in ([first, second], [second, first]):
        space = SearchSpace(hyperparameters)
        points = candidates(space, rng, space.encode([]), 10)
        assert {c["b"] for c in space.decode(points)} == set(range(5))


def test_mutations_change_one_to_three_active_coordinates(rng):
    parent = MIXED.encode([{"optimizer": "adam", "n": 250}])
    mutants = mutations(MIXED, rng, parent, 300, (0.01,))
    changed = mutants.numbers[:, :4] != parent.numbers[:, :4]
    assert changed.sum(axis=1).max() == 3
    assert not changed[:, 3].any()
    # A category drawn anew may be the old one; a step on an ordered axis always leads elsewhere.
    assert (changed.any(axis=1)).mean() > 0.8
    assert np.abs(mutants.units[:, 0] - parent.units[:, 0]).max() < 0.05


def test_mutations_of_nothing_are_nothing(rng):
    assert len(mutations(MIXED, rng, MIXED.encode([]), 5, (0.1,))) == 0


def test_refinement_climbs_and_adds_nothing_tried(rng):
    space = SearchSpace([Hyperparameter(name, "int", 0, 0, 99) for name in "xy"])
    points = space.sample(30, rng)
    best = {"x": 30, "y": 30}
    tried = set(space.encode([best]).keys())

    def score(points):
        return -((points.numbers - 30) ** 2).sum(axis=1, keepdims=True)

    refined, facts = refine(space, rng, points, score, tried)
    np.testing.assert_array_equal(facts, score(refined))
    assert score(points).max() < -20
    assert facts.max() == -1
    assert len(set(refined.keys())) == len(refined)
    assert best not in space.decode(refined)


def test_mutations_of_a_grid_are_new_distinct_and_as_many_as_there_are():
    space = SearchSpace([Hyperparameter(n, "int", 3, low=0, high=9) for n in "abcd"])
    rng = np.random.default_rng(0)
    parents = space.sample(2, rng)
    known = set(space.sample(500, rng).keys())
    found = fresh_mutations(space, rng, parents, 200, (0.3, 0.1), known)
    keys = found.keys()
    assert len(set(keys)) == len(keys) == 200
    assert not known.intersection(keys)
    few = SearchSpace([Hyperparameter("a", "int", 3, low=0, high=4)])
    parent = few.encode([{"a": 2}])
    found = fresh_mutations(few, rng, parent, 50, (0.3,), {*parent.keys()})
    assert sorted(c["a"] for c in few.decode(found)) == [0, 1, 3, 4]


def test_fresh_mutations_of_nothing_are_nothing():
    space = SearchSpace([Hyperparameter("a", "int", 3, low=0, high=9)])
    rng = np.random.default_rng(0)
    assert len(fresh_mutations(space, rng, space.encode([]), 5, (0.3,), set())) == 0
