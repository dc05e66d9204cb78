"""The Gaussian process: agreement with scikit-learn, its evidence, fantasies."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from keras_metahpo.gaussian_process.fitting import (
    fit_gaussian_process,
)
from keras_metahpo.gaussian_process.kernels import (
    CORRELATIONS,
    Inputs,
)
from keras_metahpo.gaussian_process.model import (
    BELIEF,
    GaussianProcess,
    Kernel,
)

from .data import mixed_data, numbers


@pytest.mark.parametrize("offset_variance", [0.0, 1.0])
@pytest.mark.parametrize("correlation", sorted(CORRELATIONS))
def test_predictions_agree_with_scikit_learn(rng, correlation, offset_variance):
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import RBF, ConstantKernel, Matern

    units, query = rng.random((40, 3)), rng.random((15, 3))
    targets = rng.normal(size=40)
    length_scales, signal, noise = np.array([0.3, 0.8, 2.0]), 0.7, 0.05
    stationary = {
        "rbf": RBF(length_scales),
        "matern_12": Matern(length_scales, nu=0.5),
        "matern_32": Matern(length_scales, nu=1.5),
        "matern_52": Matern(length_scales, nu=2.5),
    }
    theirs = ConstantKernel(signal) * stationary[correlation]
    if offset_variance:
        theirs = theirs + ConstantKernel(offset_variance)
    expected = GaussianProcessRegressor(theirs, alpha=noise, optimizer=None).fit(units, targets)

    kernel = Kernel(length_scales, signal, noise, offset_variance, correlation)
    process = GaussianProcess(kernel, numbers(units), targets)
    mean, std = process.predict(numbers(query))

    expected_mean, expected_std = expected.predict(query, return_std=True)
    np.testing.assert_allclose(mean, expected_mean, atol=1e-5)
    np.testing.assert_allclose(std, expected_std, atol=1e-5)


def test_prior_mean_is_a_linear_feature_with_a_gaussian_weight(rng):
    units, targets, prior_mean = rng.random((6, 1)), rng.normal(size=6), rng.normal(size=6)
    kernel = Kernel(np.array([0.5]), 1e-12, 0.1, 0.0)
    process = GaussianProcess(kernel, numbers(units, prior_mean), targets)
    precision = 1 / 0.35**2 + prior_mean @ prior_mean / 0.1
    slope = (0.7 / 0.35**2 + prior_mean @ targets / 0.1) / precision
    mean, std = process.predict(numbers(units[:1], np.array([2.0])))
    np.testing.assert_allclose(process.trust, slope, rtol=1e-6)
    np.testing.assert_allclose(mean, 2 * slope, rtol=1e-5)
    np.testing.assert_allclose(std, 2 / np.sqrt(precision), rtol=1e-4)


def test_log_evidence_is_that_of_a_normal_distribution(rng):
    units, active, categorical = mixed_data(rng, size=9)
    prior_mean, targets = rng.normal(size=(2, 9))
    process = fit_gaussian_process(Inputs.of(units, active, categorical, prior_mean), targets)
    covariance = process._factor @ process._factor.T
    expected = multivariate_normal.logpdf(
        targets, process.trust_prior.mean * prior_mean, covariance
    )
    constant = 9 / 2 * np.log(2 * np.pi)
    assert process.log_evidence == pytest.approx(expected + constant)


def test_without_observations_the_prior_speaks():
    empty = np.zeros((0, 2))
    process = fit_gaussian_process(numbers(empty), np.zeros(0))
    query = np.array([[0.1, 0.9], [0.4, 0.5]])
    mean, std = process.predict(numbers(query, np.array([1.0, -2.0])))
    np.testing.assert_allclose(mean, [BELIEF.mean, -2 * BELIEF.mean])
    assert (std > 1.0).all()
    assert process.trust == BELIEF.mean


def test_a_singular_covariance_gets_jitter(rng):
    units = np.repeat(rng.random((1, 2)), 20, axis=0)
    process = GaussianProcess(Kernel(np.ones(2), 1.0, 0.0), numbers(units), np.ones(20))
    mean, _ = process.predict(numbers(units))
    np.testing.assert_allclose(mean, 1.0, atol=1e-3)


def test_fantasies_keep_the_mean_and_shrink_the_spread(rng):
    inputs, query = (Inputs.of(*mixed_data(rng, size), rng.normal(size=size)) for size in (25, 10))
    process = fit_gaussian_process(inputs, rng.normal(size=25))
    before = process.predict(query)
    after = process.fantasise(query[:3]).predict(query)
    np.testing.assert_allclose(after[0], before[0], atol=1e-8)
    assert (after[1] <= before[1] + 1e-9).all()
    assert (after[1][:3] < 0.7 * before[1][:3]).all()
