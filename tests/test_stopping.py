"""A search says when it has become unpromising, and ends there if it may."""

import logging

import keras_tuner
import numpy as np
import pytest

from keras_metahpo import MetaOracle
from keras_metahpo.acquisition import in_objective_units, normal_scores
from keras_metahpo.oracle.stopping import (
    PATIENCE,
    SMALL_SHARE,
    is_unpromising,
    small_gain_of,
)

SMALL, TINY, LARGE = 1e-3, 1e-4, 1e-2


def test_unpromising_is_a_row_of_small_gains():
    row = [TINY] * PATIENCE
    assert is_unpromising([LARGE, *row], SMALL)
    assert is_unpromising([*row[1:], None, TINY, None], SMALL)
    assert not is_unpromising([*row, LARGE], SMALL)
    assert not is_unpromising(row[1:], SMALL)
    assert not is_unpromising([None] * 20, SMALL)


@pytest.mark.parametrize("scale, shift", [(1.0, 0.0), (1e-3, 0.9), (-100.0, 5.0)])
def test_gains_are_told_in_units_of_the_objective(scale, shift):
    """Normally distributed utilities have their deviation as the unit."""
    utilities = shift + abs(scale) * np.random.default_rng(0).normal(size=400)
    utilities[:3] = -np.inf
    gain = in_objective_units(0.5, normal_scores(utilities), utilities)
    assert gain == pytest.approx(0.5 * abs(scale), rel=0.15)
    share = (utilities.max() - np.median(utilities[3:])) * SMALL_SHARE
    assert small_gain_of(utilities) == pytest.approx(share)


@pytest.mark.parametrize("utilities", [[], [0.3] * 9, [-np.inf] * 9, [0.1, 0.2]])
def test_no_gain_is_known_where_trials_do_not_differ(utilities):
    assert in_objective_units(0.5, normal_scores(utilities), np.array(utilities)) is None
    assert 0 <= small_gain_of(np.array(utilities)) < 0.001


def test_trials_that_do_not_differ_may_yet_be_improved():
    assert not is_unpromising([0.0] * PATIENCE, small_gain_of(np.full(9, 0.1)))


def search(folder, num_trials, verbose=1, **arguments):
    """Trials of a smooth function, which is known well after a few of them."""
    hp = keras_tuner.HyperParameters()
    hp.Float("x", 0.0, 1.0)
    hp.Float("y", 0.0, 1.0)
    objective = keras_tuner.Objective("loss", "min")
    fixed = {"max_trials": num_trials, "hyperparameters": hp, "ranker": None, "seed": 3}
    oracle = MetaOracle(objective, **fixed, **arguments)
    oracle._set_project_dir(folder, "search")
    oracle.verbose = verbose
    while (trial := oracle.create_trial("tuner0")).status == "RUNNING":
        values = trial.hyperparameters.values
        loss = (values["x"] - 0.3) ** 2 + (values["y"] - 0.6) ** 2
        oracle.update_trial(trial.trial_id, {"loss": loss})
        trial.status = "COMPLETED"
        oracle.end_trial(trial)
    return oracle


def test_a_search_ends_when_nothing_is_expected_of_it(tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        oracle = search(tmp_path, 80, verbose=0, stop_when_unpromising=True)
    assert 10 < len(oracle.trials) < 80
    assert oracle.get_best_trials()[0].score < 0.01
    assert 0 <= oracle.expected_gain < 0.01
    assert sum("There are no more new trials" in message for message in caplog.messages) == 1
    assert oracle.create_trial("tuner0").status == "STOPPED"  # It stays ended.


def test_otherwise_it_says_so_once_and_goes_on(tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        oracle = search(tmp_path, 80)
    assert len(oracle.trials) == 80
    assert sum("`stop_when_unpromising=True`" in message for message in caplog.messages) == 1


def test_a_quiet_search_gives_no_advice(tmp_path, caplog):
    oracle = search(tmp_path, 80, verbose=0)
    assert len(oracle.trials) == 80
    assert not caplog.messages


def test_nothing_is_said_while_trials_are_random(tmp_path, caplog):
    oracle = search(tmp_path, 4)
    assert oracle.expected_gain is None
    assert not caplog.messages
