"""Trials that lie close together count as one."""

import numpy as np
import pytest

from keras_metahpo.acquisition import normal_scores
from keras_metahpo.gaussian_process import Inputs
from keras_metahpo.policies.declustering import declustered_scores, solitude

DIMENSIONS = 6
RNG = np.random.default_rng(3)
# Corners of a cube: as far from each other as can be.
NUMBERS = np.arange(0, 64, 7)
CORNERS = NUMBERS[:, None] >> np.arange(DIMENSIONS) & 1
VALUES = RNG.permutation(len(CORNERS)).astype(float)


def inputs_of(units, categorical=False):
    units = np.asarray(units, dtype=float)
    return Inputs.of(units, np.ones(units.shape, bool), np.full(units.shape[1], categorical))


def crowd(size, spread=0.01):
    """Neighbours of the first corner."""
    return np.clip(CORNERS[:1] + spread * RNG.normal(size=(size, DIMENSIONS)), 0, 1)


@pytest.mark.parametrize("categorical", [False, True])
def test_trials_far_apart_have_normal_scores(categorical):
    scores = declustered_scores(inputs_of(CORNERS, categorical), VALUES)
    np.testing.assert_allclose(scores, normal_scores(VALUES), atol=0.03)


def test_a_crowd_counts_as_one_trial():
    weights = solitude(inputs_of(np.concatenate([CORNERS, crowd(29)])))
    np.testing.assert_allclose(weights[1:10], 1.0, atol=0.02)
    np.testing.assert_allclose(weights[10:], 1 / 30, rtol=0.05)


def test_small_gains_of_a_crowd_stay_small():
    """Ranked among each other, thirty neighbours would spread over all normal scores."""
    values = np.concatenate([VALUES, VALUES.max() + 1 + 0.001 * np.arange(29)])
    points = inputs_of(np.concatenate([CORNERS, crowd(29)]))
    scores, ranks = declustered_scores(points, values), normal_scores(values)
    assert np.ptp(scores[10:]) < 0.3 * np.ptp(ranks[10:])
    assert (np.diff(scores[10:]) > 0).all()
    # What lies elsewhere is where it was without the crowd.
    alone = declustered_scores(inputs_of(CORNERS), VALUES)
    assert np.abs(scores[1:10] - alone[1:10]).max() < 0.5
    assert np.abs(ranks[1:10] - alone[1:10]).max() > 0.7


@pytest.mark.parametrize("size", [0, 1, 2, 3, 30])
def test_copies_of_one_trial_spread_as_three(size):
    """Their differences are noise, but of the first trials of a search they are all there is."""
    points = inputs_of(np.full((size, DIMENSIONS), 0.4))
    scores = declustered_scores(points, np.arange(size))
    few = normal_scores(np.arange(min(size, 3)))
    assert scores.max(initial=0.0) == pytest.approx(few.max(initial=0.0))
    assert (np.diff(scores) > 0).all()
