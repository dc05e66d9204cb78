"""What a look at a configuration is worth a second."""

import numpy as np
import pytest

from keras_metahpo.acquisition import expected_improvement
from keras_metahpo.policies.freeze_thaw.costs import Costs
from keras_metahpo.policies.freeze_thaw.extrapolation import Outlook
from keras_metahpo.policies.freeze_thaw.looks import log_values

OUTLOOK = Outlook(np.zeros(0), 0.2, 16)


def values(mean, std, ages, milestones, best=0.5, startup=0.0, outlook=OUTLOOK):
    mean, std, ages = (np.atleast_1d(np.asarray(a, dtype=float)) for a in (mean, std, ages))
    costs = Costs(np.ones(len(mean)), startup)
    return log_values(mean, std, best, ages.astype(int), np.array(milestones), outlook, costs)


def test_a_full_training_is_worth_its_expected_improvement_a_second():
    mean, std = np.array([0.0, 0.6, -2.0]), np.array([0.5, 0.1, 1.0])
    found = np.exp(values(mean, std, [0, 0, 0], [16]))[:, 0]
    assert found == pytest.approx(expected_improvement(mean, std, 0.5) / 16)


def test_a_look_is_worth_what_simulation_says():
    """The mean after four epochs is drawn, and only those above the best are trained on."""
    mean, std, best = -0.2, 0.7, 0.5
    noise = OUTLOOK.variance(np.array([4]))[0]
    rng = np.random.default_rng(0)
    final = mean + std * rng.standard_normal(400_000)
    measured = final + np.sqrt(noise) * rng.standard_normal(400_000)
    after = mean + std**2 / (std**2 + noise) * (measured - mean)
    gain = np.maximum(after - best, 0).mean()
    cost = 4 + (after > best).mean() * 12
    found = np.exp(values(mean, std, 0, [4, 16], best))[0, 0]
    assert found == pytest.approx(gain / cost, rel=0.02)


def test_an_own_measurement_is_replaced_and_not_counted_twice():
    """After four epochs, four more tell less than the same ones tell of a new configuration."""
    std = 0.5
    new, old = values([0.0, 0.0], [std, std], [0, 4], [4, 8, 16])[:, 1]
    noise = OUTLOOK.variance(np.array([4, 8]))
    precision = 1 / std**2 - 1 / noise[0] + 1 / noise[1]
    moved = np.sqrt(std**2 - 1 / precision)
    gain = expected_improvement(np.zeros(1), np.array([moved]), 0.5)[0]
    from scipy.special import ndtr

    assert np.exp(old) == pytest.approx(gain / (4 + ndtr(-0.5 / moved) * 8))
    assert np.isfinite(new)


def test_what_has_been_reached_is_no_choice():
    table = values([0.0, 0.0], [0.5, 0.5], [4, 16], [4, 8, 16])
    assert np.isneginf(table).tolist() == [[True, False, False], [True, True, True]]


def test_where_beginning_costs_much_a_look_is_not_worth_it():
    cheap = values(-0.5, 0.8, 0, [2, 4, 8, 16])
    costly = values(-0.5, 0.8, 0, [2, 4, 8, 16], startup=40.0)
    assert cheap.argmax() < 3 and costly.argmax() == 3
