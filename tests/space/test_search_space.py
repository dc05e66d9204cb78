"""Search spaces: conditions, completion, growth, order, counting and errors."""

import itertools
import random

import keras_tuner
import numpy as np
import pytest

from keras_metahpo.errors import SearchSpaceError
from keras_metahpo.space import Condition, Hyperparameter, SearchSpace, concatenate


def optimizer_space() -> keras_tuner.HyperParameters:
    hp = keras_tuner.HyperParameters()
    hp.Float("learning_rate", 1e-4, 1e-1, sampling="log", default=1e-3)
    hp.Choice("optimizer", ["adam", "sgd"])
    with hp.conditional_scope("optimizer", ["sgd"]):
        hp.Boolean("use_momentum")
        with hp.conditional_scope("use_momentum", [True]):
            hp.Float("momentum", 0.5, 0.99)
    return hp


def branched_units() -> keras_tuner.HyperParameters:
    """One name under two conditions, with different ranges."""
    hp = keras_tuner.HyperParameters()
    hp.Choice("model", ["mlp", "cnn"])
    with hp.conditional_scope("model", ["mlp"]):
        hp.Int("units", 100, 200, default=150)
    with hp.conditional_scope("model", ["cnn"]):
        hp.Int("units", 4, 8)
    return hp


@pytest.fixture
def space() -> SearchSpace:
    return SearchSpace.from_keras_tuner(optimizer_space())


def through_proto(hp: keras_tuner.HyperParameters) -> keras_tuner.HyperParameters:
    return keras_tuner.HyperParameters.from_proto(hp.to_proto())


def assert_parents_first(space: SearchSpace) -> None:
    seen = set()
    for hp in space.hyperparameters:
        assert {c.parent for c in hp.conditions} <= seen
        seen.add(hp.name)


def test_completion_fills_active_values_only(space):
    assert space.complete({}) == {"learning_rate": 1e-3, "optimizer": "adam"}
    assert space.complete({"optimizer": "sgd", "use_momentum": True}) == {
        "learning_rate": 1e-3,
        "optimizer": "sgd",
        "use_momentum": True,
        "momentum": 0.5,
    }
    assert space.complete({"optimizer": "adam", "momentum": 0.9}) == space.complete({})


def test_completion_leaves_its_argument_alone(space):
    given = {"optimizer": "sgd"}
    space.complete(given)
    assert given == {"optimizer": "sgd"}


def test_completion_returns_plain_values_of_the_hyperparameters_own_type():
    hp = keras_tuner.HyperParameters()
    hp.Int("units", 1, 9)
    hp.Float("rate", 0.0, 1.0)
    hp.Boolean("bias")
    given = {"units": np.float64(4.0), "rate": np.int64(1), "bias": 1}
    completed = SearchSpace.from_keras_tuner(hp).complete(given)
    assert [type(v) for v in completed.values()] == [int, float, bool]
    assert completed == {"units": 4, "rate": 1.0, "bias": True}


def test_unknown_name_is_refused_with_the_known_ones(space):
    with pytest.raises(SearchSpaceError) as caught:
        space.complete({"lr": 0.1})
    assert "Received: ['lr']" in str(caught.value)
    assert "'learning_rate'" in str(caught.value)


@pytest.mark.parametrize(
    ("configuration", "name", "legal", "received"),
    [
        ({"learning_rate": 1.0}, "learning_rate", "from 0.0001 to 0.1", "1.0"),
        ({"optimizer": "lion"}, "optimizer", "('adam', 'sgd')", "'lion'"),
        ({"optimizer": "sgd", "use_momentum": 2}, "use_momentum", "(False, True)", "2"),
    ],
)
def test_illegal_value_names_hyperparameter_range_and_value(
    space, configuration, name, legal, received
):
    with pytest.raises(SearchSpaceError) as caught:
        space.complete(configuration)
    for part in (repr(name), legal, f"Received: {received}."):
        assert part in str(caught.value)


def test_inactive_cells_are_marked(space):
    points = space.encode([{"optimizer": "adam"}, {"optimizer": "sgd", "use_momentum": True}])
    momentum = space.names.index("momentum")
    assert points.active[:, momentum].tolist() == [False, True]
    assert points.units[0, momentum] == 0.5
    assert np.isnan(points.numbers[0, momentum])


def test_keys_ignore_what_is_inactive(space):
    same = [{"optimizer": "adam", "momentum": 0.9}, {"optimizer": "adam", "momentum": 0.6}]
    other = [{"optimizer": "adam", "learning_rate": 1e-2}]
    first, second, third = space.encode(same + other).keys()
    assert first == second != third


def test_one_name_under_two_conditions_has_two_ranges():
    space = SearchSpace.from_keras_tuner(branched_units())
    assert space.names == ["model", "units"]
    assert len(space) == 3
    configurations = space.decode(space.sample(300, np.random.default_rng(0)))
    by_model = {
        model: {c["units"] for c in configurations if c["model"] == model}
        for model in ("mlp", "cnn")
    }
    assert by_model["cnn"] == {4, 5, 6, 7, 8}
    assert min(by_model["mlp"]) >= 100
    assert len(by_model["mlp"]) > 50
    assert space.complete({"model": "mlp"})["units"] == 150
    assert space.complete({"model": "cnn"})["units"] == 4
    with pytest.raises(SearchSpaceError, match="from 4 to 8"):
        space.complete({"model": "cnn", "units": 150})


def test_where_two_namesakes_are_active_the_first_counts_everywhere():
    hp = keras_tuner.HyperParameters()
    hp.Int("units", 1, 4)
    hp.Boolean("wide")
    with hp.conditional_scope("wide", [True]):
        hp.Int("units", 50, 60)
    with hp.conditional_scope("units", [3]):
        hp.Boolean("odd")
    space = SearchSpace.from_keras_tuner(hp)
    points = space.sample(100, np.random.default_rng(0))
    configurations = space.decode(points)
    assert {c["units"] for c in configurations} == {1, 2, 3, 4}
    assert all(("odd" in c) == (c["units"] == 3) for c in configurations)
    assert space.encode(configurations).keys() == points.keys()
    assert space.encode([{"wide": True, "units": 3}]).active.sum() == 3


def test_condition_on_a_fraction_is_met_exactly_or_not_at_all():
    hp = keras_tuner.HyperParameters()
    hp.Float("rate", 0.0, 0.7, step=0.1)
    with hp.conditional_scope("rate", [0.7, 0.5]):
        hp.Fixed("met", 1)
    with hp.conditional_scope("rate", [0.7000000000000001]):
        hp.Fixed("missed_by_rounding", 1)
    space = SearchSpace.from_keras_tuner(hp)
    points = space.snap(np.ones((1, 3)))
    assert space.decode(points) == [{"rate": 0.7, "met": 1}]
    assert space.encode(space.decode(points)).keys() == points.keys()
    assert space.complete({"rate": 0.7}) == {"rate": 0.7, "met": 1}


def test_default_is_kerastuners_default(space):
    assert space.default_configuration() == optimizer_space().values


@pytest.mark.parametrize("make", [optimizer_space, branched_units])
def test_config_round_trips_through_kerastuner(make):
    space = SearchSpace.from_keras_tuner(make())
    returned = keras_tuner.HyperParameters.from_config(space.get_config())
    assert SearchSpace.from_keras_tuner(returned) == space
    assert len(returned.space) == len(space)


@pytest.mark.parametrize("make", [optimizer_space, branched_units])
def test_grpc_order_changes_nothing_but_the_columns(make, capsys):
    original = SearchSpace.from_keras_tuner(make())
    received = SearchSpace.from_keras_tuner(through_proto(make()))
    assert [hp.name for hp in make().space] != [hp.name for hp in through_proto(make()).space]
    assert_parents_first(received)
    assert received == original
    assert hash(received) == hash(original)
    configurations = original.decode(original.sample(50, np.random.default_rng(0)))
    assert received.decode(received.encode(configurations)) == configurations


def test_any_shuffle_puts_parents_first(space):
    shuffler = random.Random(0)
    configurations = space.decode(space.sample(20, np.random.default_rng(0)))
    for _ in range(30):
        shuffled = list(space.hyperparameters)
        shuffler.shuffle(shuffled)
        again = SearchSpace(shuffled)
        assert_parents_first(again)
        assert again == space
        assert again.decode(again.encode(configurations)) == configurations


def test_cycle_is_refused_by_name():
    first = Hyperparameter("a", "boolean", False, choices=(False, True))
    loop = [
        Hyperparameter(
            name, "boolean", False, choices=(False, True), conditions=(Condition(parent, (True,)),)
        )
        for name, parent in (("b", "c"), ("c", "b"))
    ]
    with pytest.raises(SearchSpaceError, match=r"cycle.*'b', 'c'"):
        SearchSpace([first, *loop])


def test_condition_on_an_unknown_parent_is_never_met():
    orphan = Hyperparameter("x", "fixed", 1, choices=(1,), conditions=(Condition("gone", (1,)),))
    space = SearchSpace([orphan])
    assert space.default_configuration() == {}
    assert not space.sample(3, np.random.default_rng(0)).active.any()


def test_old_configurations_take_the_defaults_of_a_grown_space(space):
    old = [{"learning_rate": 0.01, "optimizer": "sgd", "use_momentum": False}]
    grown = optimizer_space()
    grown.Int("num_layers", 1, 5, default=2)
    points = SearchSpace.from_keras_tuner(grown).encode(old)
    (decoded,) = SearchSpace.from_keras_tuner(grown).decode(points)
    assert decoded == old[0] | {"num_layers": 2}


def test_values_that_became_illegal_move_to_the_nearest_legal_ones():
    hp = keras_tuner.HyperParameters()
    hp.Int("units", 10, 20)
    hp.Float("rate", 0.1, 0.5)
    hp.Choice("activation", ["relu", "tanh"], default="tanh")
    with hp.conditional_scope("activation", ["tanh"]):
        hp.Fixed("gain", 2)
    space = SearchSpace.from_keras_tuner(hp)
    points = space.encode([{"units": 64, "rate": 0.0, "activation": "gelu", "gone": 1}])
    (decoded,) = space.decode(points)
    assert decoded == {"units": 20, "rate": 0.1, "activation": "tanh", "gain": 2}
    assert space.encode([decoded]).keys() == points.keys()


def brute_force(hp: keras_tuner.HyperParameters) -> set[frozenset]:
    """Distinct active configurations, from KerasTuner's own values and activity."""
    names = list(dict.fromkeys(p.name for p in hp.space))
    legal = {n: {v for p in hp.space if p.name == n for v in p.values} for n in names}
    found = set()
    for values in itertools.product(*legal.values()):
        trial = hp.copy()
        trial.values = {}
        candidate = dict(zip(names, values, strict=True))
        for p in trial.space:
            if trial.is_active(p) and p.name not in trial.values:
                if candidate[p.name] not in set(p.values):
                    break
                trial.values[p.name] = candidate[p.name]
        else:
            found.add(frozenset(trial.values.items()))
    return found


def discrete_space() -> keras_tuner.HyperParameters:
    hp = optimizer_space()
    discrete = keras_tuner.HyperParameters()
    discrete.Choice("optimizer", ["adam", "sgd", "adam"])
    with discrete.conditional_scope("optimizer", ["sgd"]):
        discrete.Boolean("use_momentum")
        with discrete.conditional_scope("use_momentum", [True]):
            discrete.Float("momentum", 0.5, 1.0, step=0.25)
    discrete.Int("batch_size", 16, 64, step=2, sampling="log")
    assert len(hp.space) == len(discrete.space)
    return discrete


def small_branched_units() -> keras_tuner.HyperParameters:
    hp = keras_tuner.HyperParameters()
    hp.Choice("model", ["mlp", "cnn", "none"])
    with hp.conditional_scope("model", ["mlp"]):
        hp.Int("units", 1, 3)
    with hp.conditional_scope("model", ["cnn"]):
        hp.Int("units", 10, 40, step=10)
    return hp


@pytest.mark.parametrize(
    ("make", "count"), [(discrete_space, 3 * (1 + 1 + 3)), (small_branched_units, 3 + 4 + 1)]
)
def test_configurations_agree_with_brute_force(make, count):
    space = SearchSpace.from_keras_tuner(make())
    listed = list(space.configurations())
    assert len(listed) == space.num_configurations == count
    assert {frozenset(c.items()) for c in listed} == brute_force(make())
    assert len(set(space.encode(listed).keys())) == count
    assert all(space.complete(c) == c for c in listed)


def test_continuous_space_is_infinite_and_cannot_be_listed(space):
    assert space.num_configurations == float("inf")
    with pytest.raises(SearchSpaceError, match=r"'learning_rate', 'momentum'.*step"):
        space.configurations()


def test_huge_discrete_space_is_counted_without_listing():
    hp = keras_tuner.HyperParameters()
    for i in range(12):
        hp.Int(f"units_{i}", 1, 100)
    assert SearchSpace.from_keras_tuner(hp).num_configurations == 100**12


def test_empty_space_has_one_configuration():
    space = SearchSpace([])
    assert space.default_configuration() == {}
    assert space.num_configurations == 1
    assert space.decode(space.sample(2, np.random.default_rng(0))) == [{}, {}]


@pytest.mark.parametrize("config", [{}, {"space": [{"class_name": "Int"}]}, [], {"space": None}])
def test_what_is_no_space_is_refused(config):
    with pytest.raises(SearchSpaceError, match="get_config"):
        SearchSpace.from_config(config)


def test_points_are_indexed_and_stacked_by_row(space):
    points = space.sample(5, np.random.default_rng(0))
    parts = concatenate([points[:2], points[np.array([2, 3, 4])]])
    assert len(parts) == 5
    assert parts.keys() == points.keys()
    assert np.array_equal(parts.units, points.units)


def test_sampling_is_a_function_of_the_generator(space):
    first, again, other = (space.sample(8, np.random.default_rng(s)).keys() for s in (3, 3, 4))
    assert first == again != other
