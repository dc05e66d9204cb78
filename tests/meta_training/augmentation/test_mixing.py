"""Mixtures of two recorded tasks."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from keras_metahpo.meta_training.augmentation.mixing import (
    MOST_MIXED,
    join,
    joinable,
    mix,
    mixable,
    ranks,
)
from keras_metahpo.meta_training.source_task import SourceTask
from keras_metahpo.space import Condition, Hyperparameter, SearchSpace, role_of

from .laws import NUM_CONFIGURATIONS, any_task, assert_valid, configurations

SEEDS = st.integers(0, 10**6)
RATE = Hyperparameter(
    "learning_rate", "float", 1e-3, low=1e-5, high=1.0, sampling="log", ordered=True
)
OPTIMIZER = Hyperparameter("optimizer", "choice", "adam", choices=("adam", "sgd"))
MOMENTUM = Hyperparameter(
    "momentum",
    "float",
    0.9,
    low=0.0,
    high=0.99,
    ordered=True,
    conditions=(Condition("optimizer", ("sgd",)),),
)
SPACE = SearchSpace([RATE, OPTIMIZER, MOMENTUM])


def task_of(space: SearchSpace, seed: int, num_configurations: int = 60) -> SourceTask:
    rng = np.random.default_rng(seed)
    points = space.sample(num_configurations, rng)
    utilities = np.where(
        rng.random(num_configurations) < 0.1, -np.inf, rng.normal(size=len(points))
    )
    return SourceTask(f"task {seed}", "family", space, points, utilities)


def test_ranks_go_from_the_failures_to_the_best():
    np.testing.assert_allclose(
        ranks(np.array([5.0, -np.inf, 7.0, -np.inf])), [2 / 3, 1 / 6, 1, 1 / 6]
    )
    np.testing.assert_allclose(ranks(np.array([3.0])), [0.0])


@settings(max_examples=40, deadline=None)
@given(SEEDS, SEEDS)
def test_a_mixture_lies_between_the_ranks_of_both(seed, draw):
    task = any_task(seed)
    rng = np.random.default_rng(draw)
    other = replace(task, utilities=rng.permutation(task.utilities), name="other")
    mixed = mix(task, other, rng, min_rows=4)
    assert_valid(mixed)
    assert len(mixed.points) == NUM_CONFIGURATIONS  # Nearest to each is itself, or its equal.
    np.testing.assert_array_equal(mixed.points.numbers, task.points.numbers)
    failed = ~np.isfinite(task.utilities)
    np.testing.assert_array_equal(~np.isfinite(mixed.utilities), failed)
    own, theirs = ranks(task.utilities), ranks(other.utilities)
    if len(set(task.points.keys())) == NUM_CONFIGURATIONS:
        apart = ~failed & (np.abs(theirs - own) > 1e-9)
        shares = ((mixed.utilities - own)[apart]) / (theirs - own)[apart]
        assert np.ptp(shares) < 1e-6 and 0 <= shares[0] <= MOST_MIXED


def test_a_task_mixed_with_its_equal_keeps_its_order():
    task = task_of(SPACE, 0)
    mixed = mix(task, replace(task, name="other"), np.random.default_rng(0), 4)
    finite = np.isfinite(task.utilities)
    np.testing.assert_allclose(mixed.utilities[finite], ranks(task.utilities)[finite])


def test_only_configurations_with_a_near_one_are_mixed():
    task = task_of(SPACE, 0, 200)
    left = task.points.units[:, SPACE.names.index("learning_rate")] < 0.5
    other = task.take(left)
    mixed = mix(task, other, np.random.default_rng(0), 4)
    assert left.sum() <= len(mixed.points) < 200
    assert mix(task, other, np.random.default_rng(0), min_rows=190) is task
    adam, sgd = (task.points.numbers[:, SPACE.names.index("optimizer")] == n for n in (0, 1))
    adam, sgd = (task.take(r) for r in (adam, sgd))
    assert mix(adam, sgd, np.random.default_rng(0), 1) is adam


def test_partners_are_found_by_their_search_spaces():
    task, same, rate = task_of(SPACE, 0), task_of(SPACE, 1), task_of(SearchSpace([RATE]), 2)
    assert mixable(task, same) and not mixable(task, task) and not mixable(task, rate)
    assert joinable(task, rate) and not joinable(task, same)
    many = [replace(RATE, name=f"rate_{i}") for i in range(14)]
    assert not joinable(task, task_of(SearchSpace(many), 3))


@settings(max_examples=60, deadline=None)
@given(SEEDS, SEEDS, SEEDS)
def test_joined_configurations_are_pairs_whose_parts_keep_their_utilities(one, two, draw):
    task, other = any_task(one), any_task(two)
    assume(joinable(task, other) and len(set(task.points.keys())) == NUM_CONFIGURATIONS)
    other = other.take(np.arange(20))
    joined = join(task, other, np.random.default_rng(draw))
    assume(joined is not task)
    assert_valid(joined)
    assert len(joined.points) == NUM_CONFIGURATIONS
    assert len(joined.space.names) == len(task.space.names) + len(other.space.names)
    assert joined.space.names != task.space.names
    own = [n for n in joined.space.names if n in task.space.names]
    left = _rows(task, joined, own)
    assert sorted(left) == list(range(NUM_CONFIGURATIONS))
    failed = ~np.isfinite(joined.utilities)
    assert np.all(failed[~np.isfinite(task.utilities[left])])


def _rows(task: SourceTask, joined: SourceTask, names: list[str]) -> list[int]:
    """The row of the task that each joined configuration holds."""
    known = {k: row for row, k in enumerate(map(_key, configurations(task)))}
    return [known[_key({n: c[n] for n in names if n in c})] for c in configurations(joined)]


def _key(configuration: dict) -> tuple:
    return tuple(sorted((n, repr(v)) for n, v in configuration.items()))


def test_joined_utilities_are_weighted_sums_of_both_ranks():
    task, other = (
        task_of(SPACE, 0, 40),
        task_of(SearchSpace([replace(RATE, name="eta_min")]), 1, 40),
    )
    joined = join(task, other, np.random.default_rng(0))
    left = _rows(task, joined, SPACE.names)
    right = _rows(other, joined, ["eta_min"])
    failed = ~np.isfinite(task.utilities[left]) | ~np.isfinite(other.utilities[right])
    np.testing.assert_array_equal(~np.isfinite(joined.utilities), failed)
    table = np.stack([ranks(task.utilities[left]), ranks(other.utilities)[right]], axis=1)[~failed]
    weights, residual, *_ = np.linalg.lstsq(table, joined.utilities[~failed], rcond=None)
    assert weights.sum() == pytest.approx(1) and weights.min() >= 0.2 and residual.max() < 1e-9


def test_colliding_names_are_numbered_or_get_another_alias():
    task, other = task_of(SPACE, 0), task_of(SearchSpace([RATE, OPTIMIZER]), 1)
    seen = set()
    for seed in range(40):
        joined = join(task, other, np.random.default_rng(seed))
        new = sorted(set(joined.space.names) - set(SPACE.names))
        assert [role_of(name) for name in new].count("learning_rate") == 1
        seen |= set(new)
    assert {"learning_rate_1", "optimizer_1", "lr", "optimiser"} <= seen


def test_conditions_follow_their_parents_new_name():
    task, other = task_of(SearchSpace([RATE, OPTIMIZER]), 0), task_of(SPACE, 1)
    joined = join(task, other, np.random.default_rng(0))
    assert_valid(joined)
    (momentum,) = (hp for hp in joined.space.hyperparameters if hp.name == "momentum")
    assert momentum.conditions[0].parent not in ("optimizer", "learning_rate")
    assert role_of(momentum.conditions[0].parent) == "optimizer"
