"""Rank correlations along the epochs and from task to task."""

import math

import numpy as np
import pytest

from keras_metahpo.data.correlation import (
    epoch_correlations,
    rank_correlation,
    ranks,
    task_correlations,
)

from .conftest import SPACE, drawn


def test_ranks_are_from_worst_to_best_and_failures_share_the_worst():
    assert ranks(np.array([3.0, -np.inf, 9.0, -np.inf, 5.0])) == pytest.approx(
        [0.5, 0.125, 1.0, 0.125, 0.75]
    )
    assert ranks(np.array([2.0])) == pytest.approx([0.0])


def test_correlation_is_of_ranks_and_unknown_where_all_are_equal():
    assert rank_correlation(np.array([1, 2, 3]), np.array([1, 10, 1e9])) == pytest.approx(1.0)
    assert math.isnan(rank_correlation(np.ones(3), np.arange(3)))


def test_known_correlations_along_the_epochs():
    final = np.arange(50.0)
    curves = np.stack([np.zeros(50), -final, final**3, final], axis=1)
    found = epoch_correlations(curves, final)
    assert math.isnan(found[0])
    assert found[1:] == pytest.approx([-1.0, 1.0, 1.0])


def test_a_promising_trial_that_failed_lowers_the_correlation():
    final = np.arange(20.0)
    final[19] = -np.inf
    curves = np.arange(20.0)[:, None]
    # The best of 20 becomes the worst: 1 - 6 (19² + 19) / (20 (20² - 1)).
    assert epoch_correlations(curves, final)[0] == pytest.approx(1 - 6 * 380 / (20 * 399))


def test_tasks_that_agree_or_disagree_are_told_apart():
    def task(sign, seed):
        configurations = drawn(60, seed)
        rates = np.array([math.log(c["learning_rate"]) for c in configurations])
        return configurations, ranks(sign * rates)

    fitted = []
    tasks = [task(1, 0), task(1, 1), task(-1, 2)]
    found = task_correlations(SPACE, tasks, lambda: fitted.append(1))
    assert len(fitted) == 3
    assert np.diag(found).min() > 0.8
    assert min(found[0, 1], found[1, 0]) > 0.8
    assert max(found[2, :2].max(), found[:2, 2].max()) < -0.8


def test_the_diagonal_is_not_what_was_learnt_by_heart():
    noise = [(drawn(40), np.random.default_rng(1).random(40))] * 2
    found = task_correlations(SPACE, noise)
    assert found[0, 0] < 0.4
    assert found[0, 1] > 0.8
