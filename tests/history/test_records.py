"""Utilities and histories."""

import dataclasses
import math

import numpy as np
import pytest

from keras_metahpo.history import FAILED_UTILITY, History, utility


def test_higher_utility_is_better_in_both_directions():
    assert utility(0.9, "max") > utility(0.1, "max")
    assert utility(0.1, "min") > utility(0.9, "min")
    assert utility(0.25, "max") == 0.25
    assert utility(0.25, "min") == -0.25


@pytest.mark.parametrize("direction", ["min", "max"])
@pytest.mark.parametrize("value", [None, math.nan, math.inf, -math.inf, np.float32("nan")])
def test_non_finite_objective_ranks_last_and_is_never_repaired(value, direction):
    assert utility(value, direction) == FAILED_UTILITY
    assert utility(value, direction) < utility(1e300 if direction == "min" else -1e300, direction)


def test_utility_is_a_plain_float():
    assert type(utility(np.float32(0.5), "min")) is float


def test_unknown_direction_is_refused():
    with pytest.raises(ValueError, match=r"'min' or 'max'\. Received: direction='up'"):
        utility(0.5, "up")


def test_history_needs_a_utility_a_configuration():
    with pytest.raises(ValueError, match="2 configurations"):
        History([{"x": 1}, {"x": 2}], np.array([0.5]))
    with pytest.raises(ValueError, match=r"'utilities': \(1, 1\)"):
        History([{"x": 1}], np.array([[0.5]]))


def test_empty_history():
    history = History()
    assert len(history) == 0
    assert history.utilities.shape == (0,)
    assert history.best_first() == []


def test_best_first_keeps_the_order_of_equals_and_puts_failures_last():
    history = History([{"x": i} for i in range(5)], [0.1, FAILED_UTILITY, 0.3, 0.1, 0.3])
    assert history.best_first() == [2, 4, 0, 3, 1]
    assert history.failed.tolist() == [False, True, False, False, False]


def test_history_cannot_be_reassigned():
    with pytest.raises(dataclasses.FrozenInstanceError):
        History().utilities = np.zeros(1)


def test_some_trials_of_a_history_keep_all_that_is_known_of_them():
    configurations = [{"x": n} for n in range(4)]
    numbers = np.arange(4.0)
    history = History(configurations, numbers, numbers / 10, numbers * 10)
    some = history.take([3, 1])
    assert some.configurations == [{"x": 3}, {"x": 1}]
    assert some.utilities.tolist() == [3.0, 1.0]
    assert some.variances.tolist() == pytest.approx([0.3, 0.1])
    assert some.costs.tolist() == [30.0, 10.0]
    unknown = History(configurations, numbers).take([0])
    assert unknown.variances.tolist() == [0.0] and np.isnan(unknown.costs).all()
