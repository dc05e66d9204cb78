"""Normal scores and expected improvement."""

import hypothesis.extra.numpy as arrays
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats

from keras_metahpo.acquisition import (
    expected_improvement,
    log_expected_improvement,
    normal_scores,
    weighted_normal_scores,
)

# Ties and failures among them.
UTILITIES = arrays.arrays(
    float, st.integers(0, 30), elements=st.sampled_from([np.nan, -np.inf, *range(9)])
)


def test_normal_scores_are_quantiles_of_the_ranks():
    scores = normal_scores(np.array([10.0, -3.0, 0.5]))
    np.testing.assert_allclose(scores, stats.norm.ppf([5 / 6, 1 / 6, 0.5]))


def test_normal_scores_ignore_monotone_transformations():
    utilities = np.random.default_rng(0).normal(size=30)
    np.testing.assert_array_equal(normal_scores(utilities), normal_scores(np.exp(utilities)))


@pytest.mark.parametrize("failure", [-np.inf, np.inf, np.nan])
def test_failures_share_the_worst_rank(failure):
    scores = normal_scores(np.array([failure, 1.0, failure, -1e9]))
    np.testing.assert_allclose(scores, stats.norm.ppf([0.25, 0.875, 0.25, 0.625]))


@pytest.mark.parametrize("utilities", [[], [3.0], [np.nan], [2.0, 2.0], [-np.inf] * 5])
def test_uninformative_utilities_score_zero(utilities):
    np.testing.assert_allclose(normal_scores(np.array(utilities)), np.zeros(len(utilities)))


@given(UTILITIES)
def test_weights_of_one_change_no_score(utilities):
    weighted = weighted_normal_scores(utilities, np.ones(len(utilities)))
    np.testing.assert_allclose(weighted, normal_scores(utilities), atol=1e-9)


@given(UTILITIES, st.integers(2, 5))
def test_trials_that_share_a_weight_score_as_one(utilities, times):
    """But for the best and the worst, the halves of which are smaller ones."""
    copies = weighted_normal_scores(
        np.repeat(utilities, times), np.full(times * len(utilities), 1 / times)
    )[::times]
    alone = normal_scores(utilities)
    inner = np.isfinite(utilities) & (np.abs(alone) < np.abs(alone).max(initial=0.0) - 1e-9)
    assert np.isfinite(copies).all()
    np.testing.assert_allclose(copies[inner], alone[inner], atol=0.5)
    assert (np.diff(copies[np.argsort(alone, kind="stable")]) >= -1e-12).all()


@pytest.mark.parametrize("mean, std, best", [(0.3, 1.0, 0.0), (-2.0, 0.7, 0.5), (1.0, 0.2, 3.0)])
def test_expected_improvement_is_the_integral(mean, std, best):
    density = stats.norm(mean, std).pdf
    integral, _ = integrate.quad(
        lambda y: (y - best) * density(y), best, best + 20 * std, epsabs=0, epsrel=1e-10
    )
    value = expected_improvement(np.array([mean]), np.array([std]), best)
    np.testing.assert_allclose(value, integral, rtol=1e-6)


@pytest.mark.filterwarnings("error")
def test_no_spread_leaves_the_certain_improvement():
    value = expected_improvement(np.array([1.5, 0.5, 1.0]), np.zeros(3), 1.0)
    np.testing.assert_allclose(value, [0.5, 0.0, 0.0], atol=1e-12)


@pytest.mark.filterwarnings("error")
def test_hopeless_candidates_are_still_ranked():
    z = -np.concatenate([np.linspace(0.9, 1.1, 20), np.geomspace(1.2, 1e8, 500)])
    log_value = log_expected_improvement(z, np.ones_like(z), 0.0)
    assert np.isfinite(log_value).all()
    assert (np.diff(log_value) < 0).all()


def test_larger_spread_improves_more():
    std = np.geomspace(1e-6, 10.0, 50)
    value = log_expected_improvement(np.zeros(50), std, 0.5)
    assert (np.diff(value) > 0).all()
