"""Trials as arrays."""

import numpy as np

from keras_metahpo.data.trials import read_trials

from .conftest import drawn, log_of


def test_equal_configurations_are_one_and_its_first_seed_counts():
    first, second = drawn(2)
    trials = read_trials(log_of([(first, [3.0]), (second, [5.0]), (dict(first), [4.0])]))
    assert trials.configuration_of.tolist() == [0, 1, 0]
    assert trials.first_utilities.tolist() == [3.0, 5.0]
    assert trials.configurations == [first, second]


def test_curves_are_the_best_so_far_and_go_on_where_a_trial_ended():
    first, second = drawn(2)
    log = log_of([(first, [3.0, 1.0, 5.0, 4.0]), (second, [2.0, np.nan])], direction="min")
    trials = read_trials(log)
    assert trials.curves.tolist() == [[-3.0, -1.0, -1.0, -1.0], [-2.0, -2.0, -2.0, -2.0]]
    assert trials.utilities.tolist() == [-1.0, -2.0]
    assert trials.seconds.tolist() == [8.0, 4.0]


def test_failed_trials_have_no_utility_and_no_seconds():
    trials = read_trials(log_of([(drawn(1)[0], None)]))
    assert trials.utilities.tolist() == [-np.inf]
    assert np.isnan(trials.seconds).all()
