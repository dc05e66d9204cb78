"""Spreads of configurations and of seeds."""

import importlib.util
import math
from pathlib import Path

import numpy as np
import pytest

from keras_metahpo.data import spread
from keras_metahpo.data.spread import measure_spread
from keras_metahpo.data.trials import read_trials

from .conftest import drawn, log_of


def measured(trials, direction="max"):
    return measure_spread(read_trials(log_of(trials, direction=direction)), direction)


def test_percentiles_are_those_of_configurations_that_did_not_fail():
    configurations = drawn(12)
    trials = [(c, [value]) for value, c in enumerate(configurations[:11])]
    found = measured([*trials, (configurations[11], None)])
    assert (found.p10, found.median, found.p90, found.best) == (1.0, 5.0, 9.0, 10.0)
    found = measured(trials, "min")
    assert (found.p10, found.median, found.p90, found.best) == (1.0, 5.0, 9.0, 0.0)


def test_seed_deviation_is_pooled_by_degrees_of_freedom_and_failures_left_out():
    a, b, c, d = drawn(4)
    trials = [(a, [1.0]), (a, [3.0]), (b, [10.0]), (b, [10.0]), (b, [16.0]), (c, [50.0])]
    found = measured([*trials, (d, [7.0]), (d, None)])
    # Squares within: 2 with one degree of freedom, and 24 with two.
    assert found.seed_deviation == pytest.approx(math.sqrt(26 / 3))
    assert found.num_repeated == 2
    assert found.ratio == pytest.approx((found.p90 - found.p10) / found.seed_deviation)


def test_known_noise_is_found():
    rng = np.random.default_rng(0)
    trials = [
        (c, [number + 0.5 * rng.normal()]) for number, c in enumerate(drawn(60)) for _ in range(4)
    ]
    assert measured(trials).seed_deviation == pytest.approx(0.5, rel=0.15)


def test_what_cannot_be_said_is_nan():
    found = measured([(c, [1.0]) for c in drawn(3)])
    assert math.isnan(found.seed_deviation)
    assert math.isnan(found.ratio)
    found = measured([(c, None) for c in drawn(3)])
    assert math.isnan(found.best)
    assert found.num_repeated == 0


def test_seeds_without_any_deviation_give_an_infinite_ratio():
    a, b = drawn(2)
    assert measured([(a, [1.0]), (a, [1.0]), (b, [2.0])]).ratio == math.inf


def test_wanted_ratio_is_that_of_the_task_library():
    # Read, since the module loads Keras.
    source = Path(importlib.util.find_spec("keras_metahpo.tasks").origin).with_name("spread.py")
    assert f"\nMIN_RATIO = {spread.MIN_RATIO}\n" in source.read_text()
