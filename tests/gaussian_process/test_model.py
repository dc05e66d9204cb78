"""The Gaussian process: agreement with scikit-learn, gradients and the trust in a prior mean."""

import numpy as np
import pytest
from scipy.optimize import check_grad
from scipy.stats import multivariate_normal

from keras_metahpo.gaussian_process.fitting import (
    MOST_FITTED,
    fit_gaussian_process,
    negative_log_posterior,
)
from keras_metahpo.gaussian_process.kernels import (
    CORRELATIONS,
    Inputs,
    cross_distances,
    pairwise_distances,
)
from keras_metahpo.gaussian_process.model import (
    BELIEF,
    DOUBT,
    GaussianProcess,
    Kernel,
)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def all_active(units):
    return np.ones(units.shape, dtype=bool)


def mixed_data(rng, size=25):
    """Two numbers, the second sometimes inactive, and a categorical with three values."""
    units = rng.random((size, 3))
    units[:, 2] = (rng.integers(3, size=size) + 0.5) / 3
    active = all_active(units)
    active[:, 1] = rng.random(size) < 0.6
    return units, active, np.array([False, False, True])


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
    inputs = Inputs.of(units, all_active(units), np.zeros(3, dtype=bool))
    process = GaussianProcess(kernel, inputs, targets)
    mean, std = process.predict(query, all_active(query))

    expected_mean, expected_std = expected.predict(query, return_std=True)
    np.testing.assert_allclose(mean, expected_mean, atol=1e-5)
    np.testing.assert_allclose(std, expected_std, atol=1e-5)


def test_prior_mean_is_a_linear_feature_with_a_gaussian_weight(rng):
    units, targets, prior_mean = rng.random((6, 1)), rng.normal(size=6), rng.normal(size=6)
    kernel = Kernel(np.array([0.5]), 1e-12, 0.1, 0.0)
    inputs = Inputs.of(units, all_active(units), np.array([False]))
    process = GaussianProcess(kernel, inputs, targets, prior_mean)
    precision = 1 / 0.35**2 + prior_mean @ prior_mean / 0.1
    slope = (0.7 / 0.35**2 + prior_mean @ targets / 0.1) / precision
    mean, std = process.predict(units[:1], all_active(units[:1]), np.array([2.0]))
    np.testing.assert_allclose(process.trust, slope, rtol=1e-6)
    np.testing.assert_allclose(mean, 2 * slope, rtol=1e-5)
    np.testing.assert_allclose(std, 2 / np.sqrt(precision), rtol=1e-4)


@pytest.mark.parametrize("with_prior_mean", [False, True])
@pytest.mark.parametrize("correlation", sorted(CORRELATIONS))
def test_gradient_agrees_with_finite_differences(rng, correlation, with_prior_mean):
    units, active, categorical = mixed_data(rng)
    prior_mean = rng.normal(size=25) if with_prior_mean else None
    inputs = Inputs.of(units, active, categorical)
    objective = negative_log_posterior(inputs, rng.normal(size=25), prior_mean, correlation)
    for parameters in (np.zeros(5), np.array([-1.0, 0.5, 0.2, -0.3, -3.0])):
        error = check_grad(lambda x: objective(x)[0], lambda x: objective(x)[1], parameters)
        assert error < 1e-4 * np.linalg.norm(objective(parameters)[1])


def test_pairwise_and_cross_distances_agree(rng):
    inputs = Inputs.of(*mixed_data(rng))
    weights = rng.random(3)
    square = cross_distances(inputs, inputs, weights)
    condensed = square[np.triu_indices(25, 1)]
    np.testing.assert_allclose(weights @ pairwise_distances(inputs), condensed, atol=1e-12)


def test_distances_are_euclidean(rng):
    """Otherwise the kernel is not positive definite (Schoenberg)."""
    inputs = Inputs.of(*mixed_data(rng, size=60))
    square = cross_distances(inputs, inputs, np.ones(3))
    centring = np.eye(60) - 1 / 60
    assert np.linalg.eigvalsh(-centring @ square @ centring).min() > -1e-9


def test_interpolates_a_smooth_function(rng):
    units = rng.random((40, 2))
    targets = np.sin(4 * units[:, 0]) + units[:, 1]
    process = fit_gaussian_process(units, all_active(units), np.zeros(2, bool), targets)
    mean, std = process.predict(units, all_active(units))
    np.testing.assert_allclose(mean, targets, atol=0.02)
    query = rng.random((200, 2))
    mean, query_std = process.predict(query, all_active(query))
    np.testing.assert_allclose(mean, np.sin(4 * query[:, 0]) + query[:, 1], atol=0.15)
    assert query_std.mean() > std.mean()


def test_many_observations_all_count(rng):
    units = rng.random((3 * MOST_FITTED, 2))
    targets = np.sin(4 * units[:, 0]) + units[:, 1]
    prior_mean = rng.normal(size=len(units))
    process = fit_gaussian_process(units, all_active(units), np.zeros(2, bool), targets, prior_mean)
    mean, _ = process.predict(units, all_active(units), prior_mean)
    np.testing.assert_allclose(mean, targets, atol=0.02)
    assert process.trust == pytest.approx(0.0, abs=0.05)


def test_irrelevant_dimensions_get_longer_length_scales(rng):
    units = rng.random((60, 3))
    targets = np.sin(6 * units[:, 0])
    process = fit_gaussian_process(units, all_active(units), np.zeros(3, bool), targets)
    assert process.kernel.length_scales[0] < 0.5 * process.kernel.length_scales[1:].min()


def test_inactive_cells_do_not_matter(rng):
    units, active, categorical = mixed_data(rng)
    targets = rng.normal(size=25)
    garbage = np.where(active, units, rng.random(units.shape))
    expected = fit_gaussian_process(units, active, categorical, targets).predict(units, active)
    other = fit_gaussian_process(garbage, active, categorical, targets).predict(units, active)
    np.testing.assert_allclose(other, expected)


def test_categories_are_interchangeable(rng):
    units, active, categorical = mixed_data(rng)
    targets = rng.normal(size=25)
    renamed = units.copy()
    renamed[:, 2] = (units[:, 2] + 1 / 3) % 1
    renamed[:, 2] = (np.floor(renamed[:, 2] * 3) + 0.5) / 3
    expected = fit_gaussian_process(units, active, categorical, targets).predict(units, active)
    other = fit_gaussian_process(renamed, active, categorical, targets).predict(renamed, active)
    np.testing.assert_allclose(other, expected, rtol=1e-5)


def test_trust_follows_the_prior_mean_s_success(rng):
    units, active, categorical = mixed_data(rng, size=60)
    prior_mean = rng.normal(size=60)

    def trust(targets):
        return fit_gaussian_process(units, active, categorical, targets, prior_mean).trust

    assert trust(prior_mean) == pytest.approx(1.0, abs=0.1)
    assert trust(rng.normal(size=60)) < 0.4
    assert trust(-prior_mean) < 0.0
    assert fit_gaussian_process(units, active, categorical, prior_mean).trust is None


def test_a_prior_mean_that_misleads_is_doubted(rng):
    units, active, categorical = mixed_data(rng, size=16)
    prior_mean = rng.normal(size=16)

    def fitted(slope):
        targets = slope * prior_mean + 0.2 * rng.normal(size=16)
        return fit_gaussian_process(units, active, categorical, targets, prior_mean)

    misled, well_advised = fitted(-1.0), fitted(BELIEF.mean)
    assert misled.trust_prior == DOUBT
    assert misled.trust == pytest.approx(-1.0, abs=0.3)
    assert well_advised.trust_prior == BELIEF


def test_log_evidence_is_that_of_a_normal_distribution(rng):
    units, active, categorical = mixed_data(rng, size=9)
    prior_mean, targets = rng.normal(size=(2, 9))
    process = fit_gaussian_process(units, active, categorical, targets, prior_mean)
    covariance = process._factor @ process._factor.T
    expected = multivariate_normal.logpdf(
        targets, process.trust_prior.mean * prior_mean, covariance
    )
    constant = 9 / 2 * np.log(2 * np.pi)
    assert process.log_evidence == pytest.approx(expected + constant)


def test_without_observations_the_prior_speaks():
    empty = np.zeros((0, 2))
    process = fit_gaussian_process(
        empty, all_active(empty), np.zeros(2, bool), np.zeros(0), np.zeros(0)
    )
    query = np.array([[0.1, 0.9], [0.4, 0.5]])
    mean, std = process.predict(query, all_active(query), np.array([1.0, -2.0]))
    np.testing.assert_allclose(mean, [BELIEF.mean, -2 * BELIEF.mean])
    assert (std > 1.0).all()
    assert process.trust == BELIEF.mean


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("size, dimension", [(1, 2), (3, 0), (8, 1), (30, 2)])
@pytest.mark.parametrize("kind", ["constant", "random"])
def test_degenerate_data_give_finite_predictions(rng, size, dimension, kind):
    units = np.repeat(rng.random((1, dimension)), size, axis=0)
    targets = np.zeros(size) if kind == "constant" else rng.normal(size=size)
    process = fit_gaussian_process(units, all_active(units), np.zeros(dimension, bool), targets)
    mean, std = process.predict(units, all_active(units))
    assert np.isfinite(mean).all()
    assert (std > 0).all()


def test_a_singular_covariance_gets_jitter(rng):
    units = np.repeat(rng.random((1, 2)), 20, axis=0)
    inputs = Inputs.of(units, all_active(units), np.zeros(2, bool))
    process = GaussianProcess(Kernel(np.ones(2), 1.0, 0.0), inputs, np.ones(20))
    mean, _ = process.predict(units, all_active(units))
    np.testing.assert_allclose(mean, 1.0, atol=1e-3)


def test_fantasies_keep_the_mean_and_shrink_the_spread(rng):
    units, active, categorical = mixed_data(rng)
    prior_mean = rng.normal(size=25)
    process = fit_gaussian_process(units, active, categorical, rng.normal(size=25), prior_mean)
    query, query_active, _ = mixed_data(rng, size=10)
    query_prior = rng.normal(size=10)
    before = process.predict(query, query_active, query_prior)
    fantasised = process.fantasise(query[:3], query_active[:3], query_prior[:3])
    after = fantasised.predict(query, query_active, query_prior)
    np.testing.assert_allclose(after[0], before[0], atol=1e-8)
    assert (after[1] <= before[1] + 1e-9).all()
    assert (after[1][:3] < 0.7 * before[1][:3]).all()
