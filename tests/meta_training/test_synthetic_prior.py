"""Tests of the synthetic prior."""

import itertools

import keras_tuner
import numpy as np
import pytest

from keras_metahpo.meta_training.synthetic import architecture, optimization, quantities
from keras_metahpo.meta_training.synthetic.draft import Draft, SyntheticSpace
from keras_metahpo.meta_training.synthetic.effect import Setting
from keras_metahpo.meta_training.synthetic.response import EFFECTS, deep_learning_response
from keras_metahpo.meta_training.synthetic.space import (
    POPULARITY,
    draw_space,
    draw_unnamed_space,
)
from keras_metahpo.meta_training.synthetic_prior import synthetic_task
from keras_metahpo.space import Condition, Hyperparameter, Points, SearchSpace, role_of

NUM_TASKS = 300


@pytest.fixture(scope="module")
def tasks():
    rng = np.random.default_rng(20)
    return [synthetic_task(rng, num_configurations=64) for _ in range(NUM_TASKS)]


def _rate_space(optimizer: str, *others: Hyperparameter) -> SyntheticSpace:
    rate = Hyperparameter("lr", "float", 1e-3, 1e-6, 10.0, sampling="log", ordered=True)
    space = SearchSpace([rate, *others])
    roles = tuple(role_of(hp.name) for hp in space.hyperparameters)
    return SyntheticSpace(space, roles, (0,) * len(roles), optimizer)


def _best_log_rates(optimizer: str) -> np.ndarray:
    synthetic = _rate_space(optimizer)
    points = synthetic.space.sample(400, np.random.default_rng(0))
    log_rates = np.log10(points.numbers[:, 0])
    return np.array(
        [
            log_rates[deep_learning_response(synthetic, points, rng).loss.argmin()]
            for rng in np.random.default_rng(1).spawn(100)
        ]
    )


def test_the_same_seed_gives_the_same_task():
    first, second = (synthetic_task(np.random.default_rng(7)) for _ in range(2))
    assert first.name == second.name
    assert first.space == second.space
    np.testing.assert_array_equal(first.points.units, second.points.units)
    np.testing.assert_array_equal(first.utilities, second.utilities)


def test_tasks_of_one_generator_differ(tasks):
    assert len({task.name for task in tasks}) == NUM_TASKS


def test_spaces_are_valid(tasks):
    for task in tasks:
        assert task.family == "synthetic"
        assert 1 <= len(task.space) <= 16
        assert SearchSpace.from_config(task.space.get_config()) == task.space
        assert len(task.space.names) == len(task.space)
        task.space.default_configuration()
        for hp in task.space.hyperparameters:
            assert not hp.is_numeric or hp.low < hp.high
            number = hp.number(hp.default)
            assert hp.numbers(hp.units(number)) == pytest.approx(number, rel=1e-9)


def test_keras_tuner_accepts_the_spaces(tasks):
    for task in tasks:
        accepted = keras_tuner.HyperParameters.from_config(task.space.get_config())
        assert SearchSpace.from_keras_tuner(accepted) == task.space


def test_utilities_vary_and_at_most_half_of_the_trials_fail(tasks):
    for task in tasks:
        assert task.utilities.shape == (64,)
        assert not np.isnan(task.utilities).any()
        assert not np.isposinf(task.utilities).any()
        assert np.isneginf(task.utilities).mean() <= 0.5
        assert np.ptp(task.utilities[np.isfinite(task.utilities)]) > 0
    with_failures = [np.isneginf(task.utilities).any() for task in tasks]
    assert 0.05 < np.mean(with_failures) < 0.5


def test_all_kinds_samplings_steps_and_conditions_occur(tasks):
    hps = list(itertools.chain(*(task.space.hyperparameters for task in tasks)))
    assert {hp.kind for hp in hps} == {"int", "float", "choice", "boolean", "fixed"}
    assert {hp.sampling for hp in hps} == {"linear", "log", "reverse_log"}
    assert {hp.ordered for hp in hps if hp.kind == "choice"} == {True, False}
    assert any(hp.step is not None for hp in hps if hp.kind == "float")
    assert any(hp.conditions for hp in hps)
    assert any(not task.points.active.all() for task in tasks)


def test_most_names_tell_their_role_and_a_part_says_nothing(tasks):
    known = [any(role_of(name) for name in task.space.names) for task in tasks]
    assert 0.65 < np.mean(known) < 0.9


def test_uninformative_names_have_no_role():
    rng = np.random.default_rng(3)
    spaces = [draw_unnamed_space(rng).space for _ in range(100)]
    assert not {name for space in spaces for name in space.names if role_of(name)}


def test_drawn_names_have_the_role_they_act_by():
    rng = np.random.default_rng(4)
    finer = {alias: role_of(alias) for alias in quantities.FINER_ROLES}
    coarse = {quantities.FINER_ROLES[alias]: role for alias, role in finer.items()}
    nameless = {None, "gate", "branch", "model"}
    unrecognised = []
    for synthetic in (draw_space(rng) for _ in range(200)):
        for name, role in zip(synthetic.space.names, synthetic.roles, strict=True):
            if role not in nameless:
                assert role_of(name) in (None, coarse.get(role, role)), name
                unrecognised.append(role_of(name) is None)
    assert np.mean(unrecognised) < 0.02


def test_every_role_can_be_drawn_and_acts():
    rng = np.random.default_rng(0)
    drawn = quantities.QUANTITIES | quantities.LABELS | quantities.SWITCHES
    assert POPULARITY.keys() - {"irrelevant"} <= drawn.keys() | {"pooling", "augmentation"}
    assert drawn.keys() - {"learning_rate", "gate"} == EFFECTS.keys()
    for role, labels in quantities.LABELS.items():
        EFFECTS[role](Setting(np.arange(len(labels)), labels), rng)


def test_adam_prefers_about_a_thousandth_and_sgd_larger_rates():
    adam, sgd = np.median(_best_log_rates("adam")), np.median(_best_log_rates("sgd"))
    assert -3.6 < adam < -2.2
    assert -2.0 < sgd < -0.8
    assert np.median(_best_log_rates("lion")) < adam - 0.5


def test_far_too_large_rates_diverge_and_far_too_small_ones_undertrain():
    synthetic = _rate_space("adam")
    numbers = np.array([[1e-6], [1e-3], [10.0]])
    points = Points(synthetic.space.hyperparameters[0].units(numbers), numbers, numbers > 0)
    for rng in np.random.default_rng(5).spawn(30):
        response = deep_learning_response(synthetic, points, rng)
        assert response.beyond[0] < response.beyond[1] < response.beyond[2]
        assert response.beyond[2] > 0


def test_high_learning_rates_fail_more(tasks):
    upper, lower = [], []
    for task in tasks:
        for column, hp in enumerate(task.space.hyperparameters):
            # Of an optimizer searched along, the best rate would decide instead.
            if role_of(hp.name) == "learning_rate" and not hp.conditions:
                failed = np.isneginf(task.utilities)
                high = task.points.numbers[:, column] > np.median(task.points.numbers[:, column])
                descending = hp.kind == "choice" and hp.choices[0] > hp.choices[-1]
                high = ~high if descending else high
                upper.append(failed[high].sum())
                lower.append(failed[~high].sum())
    assert sum(upper) > 2 * sum(lower)


def test_more_momentum_asks_for_smaller_rates():
    values = np.array([0.0, 0.9, 0.99])
    shift = optimization.momentum(Setting(values), np.random.default_rng(0)).best_rate
    assert shift[0] == 0
    assert -1.0 <= shift[1] <= -0.7
    assert -2.0 <= shift[2] <= -1.4


def test_larger_batches_ask_for_larger_rates_and_wider_layers_for_smaller_ones():
    setting, rng = Setting(np.array([16.0, 64.0, 256.0])), np.random.default_rng(0)
    assert np.all(np.diff(optimization.batch_size(setting, rng).best_rate) > 0)
    assert np.all(np.diff(architecture.width(setting, rng).best_rate) < 0)
    assert np.all(np.diff(architecture.width(setting, rng).capacity) > 0)


def _losses(synthetic: SyntheticSpace, points: Points) -> np.ndarray:
    return deep_learning_response(synthetic, points, np.random.default_rng(11)).loss


def test_layers_beyond_the_depth_have_no_effect():
    depth = Hyperparameter("num_layers", "int", 1, 1, 2, 1, ordered=True)
    units = [
        Hyperparameter(f"units_{i}", "int", 8, 8, 512, sampling="log", ordered=True)
        for i in range(2)
    ]
    synthetic = SyntheticSpace(
        SearchSpace([depth, *units]), ("depth", "width", "width"), (0, 0, 1), "adam"
    )
    rng = np.random.default_rng(0)
    shallow, deep = np.full(50, 0.2), np.full(50, 0.8)
    first, second = np.full(50, 0.4), rng.random(50)
    one_layer = synthetic.space.snap(np.stack([shallow, first, second], axis=1))
    two_layers = synthetic.space.snap(np.stack([deep, first, second], axis=1))
    assert np.ptp(_losses(synthetic, one_layer)) == 0
    assert np.ptp(_losses(synthetic, two_layers)) > 0


def test_momentum_has_no_effect_on_adam():
    momentum = Hyperparameter("momentum", "float", 0.0, 0.0, 0.99, ordered=True)
    units = np.stack([np.full(50, 0.5), np.linspace(0, 1, 50)], axis=1)
    for optimizer, matters in (("adam", False), ("sgd", True)):
        synthetic = _rate_space(optimizer, momentum)
        losses = _losses(synthetic, synthetic.space.snap(units))
        assert (np.ptp(losses) > 0) == matters


def test_configurations_equal_where_active_have_equal_losses():
    optimizer = Hyperparameter("optimizer", "choice", "adam", choices=("adam", "sgd"))
    momentum = Hyperparameter(
        *("momentum", "float", 0.0, 0.0, 0.99),
        ordered=True,
        conditions=(Condition("optimizer", ("sgd",)),),
    )
    synthetic = _rate_space("adam", optimizer, momentum)
    column = synthetic.space.names.index("momentum")
    units = np.random.default_rng(0).random((40, 3))
    other = units.copy()
    other[:, column] = 1 - other[:, column]
    points, moved = synthetic.space.snap(units), synthetic.space.snap(other)
    inactive = ~points.active[:, column]
    same = _losses(synthetic, points) == _losses(synthetic, moved)
    assert 0 < inactive.sum() < 40
    # The unexplained part is standardized over all points, so inactive ones are compared alone.
    np.testing.assert_array_equal(
        _losses(synthetic, points[inactive]), _losses(synthetic, moved[inactive])
    )
    assert not same[~inactive].any()


def test_a_draft_numbers_names_that_are_taken():
    draft = Draft(4, "adam", np.random.default_rng(0))
    names = [draft.add("dropout", name="dropout").name for _ in range(3)]
    assert names == ["dropout", "dropout_2", "dropout_3"]


def test_some_searches_go_far_beyond_the_usual_ranges(tasks):
    rates = [
        hp
        for task in tasks
        for hp in task.space.hyperparameters
        if role_of(hp.name) == "learning_rate" and hp.is_numeric
    ]
    decades = np.log10([hp.high / hp.low for hp in rates])
    usual = quantities.QUANTITIES["learning_rate"]
    assert 0.02 < np.mean([hp.low < min(usual.lows) / 10 for hp in rates]) < 0.3
    assert np.median(decades) < 5 < decades.max()


def test_some_lists_are_as_fine_as_a_grid(tasks):
    lists = [len(hp.choices) for t in tasks for hp in t.space.hyperparameters if hp.ordered]
    assert max(lists) > 6


def test_each_of_several_lists_of_labels_acts():
    edges = [
        Hyperparameter(f"op_{i}", "choice", "none", choices=("none", "conv_3x3", "skip_connect"))
        for i in range(3)
    ]
    synthetic = SyntheticSpace(SearchSpace(edges), ("operation",) * 3, (0,) * 3, "adam")
    points = synthetic.space.encode(list(synthetic.space.configurations()))
    better = np.zeros(3)
    for rng in np.random.default_rng(2).spawn(60):
        loss = deep_learning_response(synthetic, points, rng).loss
        for column in range(3):
            code = points.numbers[:, column]
            better[column] += loss[code == 1].mean() < loss[code == 0].mean()
    # Of all three edges, on most tasks, a convolution is better than nothing.
    assert np.all(better > 40)
