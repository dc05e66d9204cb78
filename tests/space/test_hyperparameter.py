"""Every KerasTuner hyperparameter type: legal values, unit positions and their round trips."""

import json
import math

import keras_tuner
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from keras_metahpo.errors import SearchSpaceError
from keras_metahpo.space import Hyperparameter

PLAIN_TYPES = (bool, int, float, str)
UNITS = np.linspace(0.0, 1.0, 257)


def kerastuner_pair(kind: str, *args, **kwargs):
    """KerasTuner's hyperparameter `x` and ours."""
    hp = keras_tuner.HyperParameters()
    getattr(hp, kind)("x", *args, **kwargs)
    (entry,) = hp.get_config()["space"]
    return hp.space[0], Hyperparameter.from_config(entry["class_name"], entry["config"])


def ours(kind: str, *args, **kwargs) -> Hyperparameter:
    return kerastuner_pair(kind, *args, **kwargs)[1]


DISCRETE = {
    "int": (("Int", 3, 9), range(3, 10)),
    "negative int": (("Int", -3, 2), range(-3, 3)),
    "int with step": (("Int", 6, 13, 3), [6, 9, 12]),
    "log int with step": (("Int", 2, 32, 2, "log"), [2, 4, 8, 16, 32]),
    "log int off the grid": (("Int", 10, 95, 3, "log"), [10, 30, 90]),
    "reverse log int with step": (("Int", 2, 32, 2, "reverse_log"), [32, 30, 26, 18, 2]),
    "step beyond the range": (("Int", 4, 6, 5), [4]),
    "int of one value": (("Int", 5, 5), [5]),
    "log int of one value": (("Int", 5, 5, None, "log"), [5]),
    "float of one value": (("Float", 0.5, 0.5), [0.5]),
    "log float of one value": (("Float", 0.5, 0.5, 2, "log"), [0.5]),
    "float with step": (("Float", 0.0, 1.0, 0.25), [0, 0.25, 0.5, 0.75, 1.0]),
    "decades": (("Float", 1e-4, 10, 10, "log"), [1e-4, 1e-3, 1e-2, 0.1, 1, 10]),
    "strings": (("Choice", ["relu", "tanh", "elu"]), ["relu", "tanh", "elu"]),
    "numeric choice": (("Choice", [64, 16, 32]), [64, 16, 32]),
    "float choice": (("Choice", [0.1, 0.01]), [0.1, 0.01]),
    "unordered numeric choice": (("Choice", [3, 5], False), [3, 5]),
    "bool choice": (("Choice", [True, False]), [True, False]),
    "choice of duplicates": (("Choice", ["a", "b", "a", "b", "c"]), ["a", "b", "c"]),
    "single choice": (("Choice", [7]), [7]),
    "boolean": (("Boolean",), [False, True]),
    "fixed int": (("Fixed", 3), [3]),
    "fixed string": (("Fixed", "adam"), ["adam"]),
    "fixed bool": (("Fixed", True), [True]),
}


@pytest.mark.parametrize(("args", "legal"), DISCRETE.values(), ids=DISCRETE)
def test_discrete_values_are_all_found_and_encode_exactly(args, legal):
    hp = ours(*args)
    legal = list(legal)
    assert hp.num_values == len(legal)
    assert hp.values() == pytest.approx(legal) if hp.is_numeric else hp.values() == legal
    values = hp.values()
    numbers = np.array([hp.number(value) for value in values])
    units = hp.units(numbers)
    assert np.all((units >= 0) & (units <= 1))
    assert [hp.value(n) for n in hp.numbers(units)] == values


@pytest.mark.parametrize(("args", "legal"), DISCRETE.values(), ids=DISCRETE)
def test_discrete_values_are_equally_likely_where_positions_are_buckets(args, legal):
    hp = ours(*args)
    num_draws = 1000 * int(hp.num_values)
    numbers = hp.numbers((np.arange(num_draws) + 0.5) / num_draws)
    _, counts = np.unique(numbers, return_counts=True)
    assert counts.tolist() == [1000] * len(list(legal))


@pytest.mark.parametrize(("args", "legal"), DISCRETE.values(), ids=DISCRETE)
def test_values_are_plain_python_and_of_kerastuners_type(args, legal):
    theirs, hp = kerastuner_pair(*args)
    expected = type(theirs.prob_to_value(0.3)) if hp.kind != "boolean" else bool
    for value in hp.values():
        assert type(value) in PLAIN_TYPES
        assert type(value) is expected
        assert json.loads(json.dumps(value)) == value


def test_tenths_reach_one_and_a_half_encodes_exactly():
    hp = ours("Float", 0, 1, step=0.1)
    assert hp.num_values == 11
    assert hp.values()[-1] == 1.0
    assert hp.value(hp.numbers(np.array([1.0]))[0]) == 1.0
    (unit,) = hp.units(np.array([hp.number(0.5)]))
    assert unit == pytest.approx(5.5 / 11)
    assert hp.value(hp.numbers(np.array([unit]))[0]) == 0.5


def test_grid_never_leaves_the_range_by_rounding():
    hp = ours("Float", 0.0, 0.7, step=0.1)
    assert max(hp.values()) == 0.7
    assert hp.num_values == 8


@pytest.mark.parametrize("sampling", ["linear", "log", "reverse_log"])
@pytest.mark.parametrize(("low", "high"), [(8, 512), (1, 2), (1, 100_000), (1000, 1000_000_000)])
def test_int_stays_within_bounds_and_round_trips(low, high, sampling):
    hp = ours("Int", low, high, sampling=sampling)
    edges = hp.numbers(np.array([0.0, np.nextafter(1.0, 0.0), 1.0]))
    assert [hp.value(n) for n in edges] == [low, high, high]
    rng = np.random.default_rng(0)
    values = np.unique(np.r_[low, high, low + 1, high - 1, rng.integers(low, high + 1, 2000)])
    units = hp.units(values.astype(float))
    assert np.all((units > 0) & (units < 1))
    assert hp.numbers(units).tolist() == values.tolist()


def test_log_int_is_uniform_in_the_logarithm():
    hp = ours("Int", 8, 512, sampling="log")
    numbers = hp.numbers(np.random.default_rng(0).random(40_000))
    share = np.mean(numbers < 64)
    assert share == pytest.approx(math.log(64 / 8) / math.log(513 / 8), abs=0.01)


@pytest.mark.parametrize("sampling", ["linear", "log", "reverse_log"])
@given(data=st.data())
@settings(deadline=None, max_examples=50)
def test_float_round_trips(sampling, data):
    low = data.draw(st.floats(1e-8, 1e3), label="low")
    high = data.draw(st.floats(low, 1e4), label="high")
    value = data.draw(st.floats(low, high), label="value")
    hp = ours("Float", low, high, sampling=sampling)
    (unit,) = hp.units(np.array([hp.number(value)]))
    assert 0.0 <= unit <= 1.0
    (number,) = hp.numbers(np.array([unit]))
    assert low <= number <= high
    if high > low * 1.001:  # Within a narrower range, a unit position has few digits to lose.
        assert number == pytest.approx(value, rel=1e-9, abs=1e-9 * high)


@given(
    low=st.integers(1, 50),
    width=st.integers(0, 5000),
    step=st.none() | st.integers(2, 9),
    sampling=st.sampled_from(["linear", "log", "reverse_log"]),
    position=st.floats(0.0, 1.0),
)
@settings(deadline=None, max_examples=100)
def test_any_int_round_trips(low, width, step, sampling, position):
    theirs, hp = kerastuner_pair("Int", low, low + width, step, sampling)
    (number,) = hp.numbers(np.array([position]))
    value = hp.value(number)
    assert type(value) is int
    assert low <= value <= low + width
    (unit,) = hp.units(np.array([number]))
    assert 0.0 <= unit <= 1.0
    assert hp.value(hp.numbers(np.array([unit]))[0]) == value
    if theirs.step:
        assert value in {int(v) for v in theirs.values}


EXACT_IN_KERASTUNER = [
    ("Int", 3, 9),
    ("Int", 6, 13, 3),
    ("Int", 8, 512, None, "log"),
    ("Int", 8, 512, None, "reverse_log"),
    ("Int", 2, 32, 2, "log"),
    ("Int", 2, 32, 2, "reverse_log"),
    ("Float", 0.0, 0.7),
    ("Float", 1e-5, 0.3, None, "log"),
    ("Float", 1e-2, 10.0, None, "reverse_log"),
    ("Float", 0.0, 1.0, 0.25),
    ("Float", 1e-3, 10.0, 10, "log"),
    ("Float", 1e-3, 10.0, 10, "reverse_log"),
    ("Choice", ["a", "b", "c"]),
    ("Choice", [16, 32, 64, 128]),
    ("Boolean",),
    ("Fixed", 3),
]


@pytest.mark.parametrize("args", EXACT_IN_KERASTUNER, ids=str)
def test_unit_positions_mean_what_kerastuner_means(args):
    theirs, hp = kerastuner_pair(*args)
    units = np.random.default_rng(1).random(500)
    expected = [theirs.prob_to_value(float(unit)) for unit in units]
    decoded = [hp.value(n) for n in hp.numbers(units)]
    assert decoded == (pytest.approx(expected, rel=1e-12) if hp.is_numeric else expected)
    if "step" not in dir(theirs) or theirs.step is None or theirs.sampling == "linear":
        back = hp.units(np.array([hp.number(v) for v in decoded]))
        assert back == pytest.approx([theirs.value_to_prob(v) for v in decoded], abs=1e-9)


@pytest.mark.parametrize("position", [-0.5, 1.5])
def test_positions_outside_the_unit_interval_are_clipped(position):
    for args in EXACT_IN_KERASTUNER:
        hp = ours(*args)
        clipped = hp.numbers(np.array([min(max(position, 0.0), 1.0)]))
        assert hp.numbers(np.array([position])) == clipped


def test_units_take_any_shape_and_leave_their_input_alone():
    hp = ours("Int", 2, 32, 2, "log")
    units = np.linspace(-0.1, 1.1, 12).reshape(3, 4)
    copy = units.copy()
    numbers = hp.numbers(units)
    assert numbers.shape == hp.units(numbers).shape == (3, 4)
    assert np.array_equal(units, copy)


def test_value_off_the_grid_is_kept_and_stands_at_its_nearest_neighbour():
    hp = ours("Int", 10, 100, step=20, default=64)
    assert hp.value(hp.number(64)) == 64
    (unit,) = hp.units(np.array([64.0]))
    assert hp.value(hp.numbers(np.array([unit]))[0]) == 70


ILLEGAL = [
    (("Int", 1, 4), 5, "from 1 to 4"),
    (("Int", 1, 4), 2.5, "whole number"),
    (("Int", 1, 4), "2", "from 1 to 4"),
    (("Int", 1, 4), None, "from 1 to 4"),
    (("Float", 0.0, 0.5), -0.01, "from 0.0 to 0.5"),
    (("Float", 0.0, 0.5), math.nan, "from 0.0 to 0.5"),
    (("Float", 0.0, 0.5), math.inf, "from 0.0 to 0.5"),
    (("Choice", ["relu", "tanh"]), "gelu", "('relu', 'tanh')"),
    (("Boolean",), "yes", "(False, True)"),
    (("Fixed", 3), 4, "(3,)"),
]


@pytest.mark.parametrize(("args", "value", "legal"), ILLEGAL, ids=str)
def test_illegal_value_is_refused_by_name_range_and_value(args, value, legal):
    with pytest.raises(SearchSpaceError) as caught:
        ours(*args).number(value)
    message = str(caught.value)
    assert "'x'" in message
    assert legal in message
    assert f"Received: {value!r}" in message


def test_unknown_class_is_refused():
    with pytest.raises(SearchSpaceError, match="Ordinal"):
        Hyperparameter.from_config("Ordinal", {"name": "x"})


def test_physical_values_of_numeric_choices_are_the_choices():
    indices = np.array([2.0, 0.0])
    assert ours("Choice", [64, 16, 32]).physical(indices).tolist() == [32, 64]
    assert ours("Choice", ["a", "b", "c"]).physical(indices).tolist() == [2, 0]
    assert ours("Float", 0.0, 9.0).physical(indices).tolist() == [2, 0]


@pytest.mark.parametrize(
    ("args", "is_categorical"),
    [
        (("Choice", ["a", "b"]), True),
        (("Choice", [1, 2]), False),
        (("Choice", [1, 2], False), True),
        (("Boolean",), True),
        (("Int", 1, 2), False),
    ],
    ids=str,
)
def test_only_ordered_values_are_neighbours(args, is_categorical):
    assert ours(*args).is_categorical is is_categorical


@given(
    choices=st.one_of(
        st.lists(st.text(max_size=4), min_size=1, max_size=6),
        st.lists(st.integers(-50, 50), min_size=1, max_size=6),
        st.lists(st.floats(-9, 9), min_size=1, max_size=6),
        st.lists(st.booleans(), min_size=1, max_size=4),
    ),
    data=st.data(),
)
@settings(deadline=None, max_examples=100)
def test_any_choice_round_trips(choices, data):
    default = data.draw(st.none() | st.sampled_from(choices), label="default")
    theirs, hp = kerastuner_pair("Choice", choices, default=default)
    assert len(hp.choices) == len(set(choices))
    assert hp.default == theirs.default
    for choice in theirs.values:
        (unit,) = hp.units(np.array([hp.number(choice)]))
        assert 0.0 < unit < 1.0
        decoded = hp.value(hp.numbers(np.array([unit]))[0])
        assert decoded == choice
        assert type(decoded) is type(choice)


@given(step=st.floats(0.01, 2.0), num_steps=st.integers(1, 60), low=st.floats(-5.0, 5.0))
@settings(deadline=None, max_examples=100)
def test_any_float_grid_has_its_last_value(step, num_steps, low):
    high = low + num_steps * step
    assume(high > low)
    hp = ours("Float", low, high, step=step)
    assert hp.num_values == num_steps + 1
    assert hp.values()[-1] == pytest.approx(high, rel=1e-12)
    assert all(low <= value <= high for value in hp.values())
