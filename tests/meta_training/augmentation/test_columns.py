"""Hyperparameters that are dropped, added, listed otherwise and renamed."""

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_metahpo.meta_training.augmentation.columns import (
    add_irrelevant,
    drop,
    permute_choices,
    rename,
)
from keras_metahpo.meta_training.augmentation.rebuilding import numbered
from keras_metahpo.meta_training.source_task import SourceTask
from keras_metahpo.meta_training.synthetic.groups import IRRELEVANT
from keras_metahpo.space import Condition, Hyperparameter, SearchSpace, role_of

from .laws import any_task, assert_valid, configurations, same_configuration

SEEDS = st.integers(0, 10**6)
X = Hyperparameter("x", "float", 0.5, low=0.0, high=1.0)


def small_task(*hyperparameters: Hyperparameter) -> SourceTask:
    space = SearchSpace(hyperparameters)
    points = space.sample(20, np.random.default_rng(0))
    return SourceTask("small", "small", space, points, np.arange(20.0))


@settings(max_examples=60, deadline=None)
@given(SEEDS, SEEDS)
def test_a_dropped_hyperparameter_is_gone_and_the_rest_stays(seed, draw):
    task = any_task(seed)
    dropped = drop(task, np.random.default_rng(draw))
    assert_valid(dropped)
    gone = set(task.space.names) - set(dropped.space.names)
    parents = {c.parent for hp in task.space.hyperparameters for c in hp.conditions}
    assert len(gone) <= 1 and not gone & parents
    assert any(hp.num_values > 1 for hp in dropped.space.hyperparameters)
    for before, after in zip(configurations(task), configurations(dropped), strict=True):
        assert same_configuration({n: v for n, v in before.items() if n not in gone}, after)
    np.testing.assert_array_equal(dropped.utilities, task.utilities)


def test_a_parent_and_the_only_one_that_is_searched_are_never_dropped():
    gate = Hyperparameter("gate", "boolean", True, choices=(False, True))
    child = replace(X, conditions=(Condition("gate", (True,)),))
    fixed = Hyperparameter("batch", "fixed", 32, choices=(32,))
    rng = np.random.default_rng(0)
    assert {tuple(drop(small_task(gate, child), rng).space.names) for _ in range(20)} == {("gate",)}
    assert {tuple(drop(small_task(X, fixed), rng).space.names) for _ in range(20)} == {("x",)}
    task = small_task(X)
    assert drop(task, rng) is task


def test_all_of_one_name_are_dropped_together():
    model = Hyperparameter("model", "choice", "a", choices=("a", "b"))
    of_a = replace(X, name="units", conditions=(Condition("model", ("a",)),))
    of_b = replace(of_a, high=2.0, conditions=(Condition("model", ("b",)),))
    dropped = drop(small_task(model, of_a, of_b), np.random.default_rng(0))
    assert dropped.space.names == ["model"]


@settings(max_examples=60, deadline=None)
@given(SEEDS, SEEDS)
def test_added_hyperparameters_are_new_and_the_rest_stays(seed, draw):
    task = any_task(seed)
    added = add_irrelevant(task, np.random.default_rng(draw))
    assert_valid(added)
    new = set(added.space.names) - set(task.space.names)
    assert 1 <= len(new) <= 2
    assert len(added.space) == len(task.space) + len(new)
    for before, after in zip(configurations(task), configurations(added), strict=True):
        assert same_configuration(before, {n: v for n, v in after.items() if n not in new})
    np.testing.assert_array_equal(added.utilities, task.utilities)


def test_added_hyperparameters_know_nothing_of_the_utilities():
    task = any_task(3)
    other = replace(task, utilities=task.utilities[::-1])
    one, two = (add_irrelevant(t, np.random.default_rng(5)) for t in (task, other))
    np.testing.assert_array_equal(one.points.numbers, two.points.numbers)
    names = {
        n for s in range(50) for n in add_irrelevant(task, np.random.default_rng(s)).space.names
    }
    new = names - set(task.space.names)
    assert {name.rstrip("_0123456789") for name in new} == set(IRRELEVANT)
    assert not any(role_of(name) for name in new)


@settings(max_examples=60, deadline=None)
@given(SEEDS, SEEDS)
def test_permuted_choices_decode_to_the_same_configurations(seed, draw):
    task = any_task(seed)
    permuted = permute_choices(task, np.random.default_rng(draw))
    assert_valid(permuted)
    assert permuted.space.default_configuration() == task.space.default_configuration()
    for before, after in zip(configurations(task), configurations(permuted), strict=True):
        assert same_configuration(before, after)
    np.testing.assert_array_equal(permuted.utilities, task.utilities)
    for one, two in zip(task.space.hyperparameters, permuted.space.hyperparameters, strict=True):
        assert set(one.choices) == set(two.choices)
        if one.ordered or one.kind != "choice":
            assert one == two


def test_unordered_choices_are_listed_in_every_order():
    optimizer = Hyperparameter("optimizer", "choice", "adam", choices=("adam", "sgd", "lion"))
    rng = np.random.default_rng(0)
    orders = {
        permute_choices(small_task(optimizer), rng).space.hyperparameters[0].choices
        for _ in range(60)
    }
    assert len(orders) == 6


@settings(max_examples=60, deadline=None)
@given(SEEDS, SEEDS)
def test_renamed_hyperparameters_keep_their_roles_and_conditions(seed, draw):
    task = any_task(seed)
    renamed = rename(task, np.random.default_rng(draw))
    assert_valid(renamed)
    assert [role_of(n) for n in renamed.space.names] == [role_of(n) for n in task.space.names]


def test_taken_names_are_numbered_as_people_do():
    assert numbered("lr", {"units"}) == "lr"
    assert numbered("lr", {"lr"}) == "lr_1"
    assert numbered("lr", {"lr", "lr_1"}) == "lr_2"
    assert numbered("units_0", {"units_0", "units_1"}) == "units_2"
    assert numbered("_0", {"_0"}) == "_0_1"
