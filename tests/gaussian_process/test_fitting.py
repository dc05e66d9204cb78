"""The most probable parameters of a process, and the trust in a prior mean."""

import numpy as np
import pytest
from scipy.optimize import check_grad

from keras_metahpo.gaussian_process.fitting import (
    MOST_FITTED,
    fit_gaussian_process,
    negative_log_posterior,
)
from keras_metahpo.gaussian_process.kernels import (
    CORRELATIONS,
    Inputs,
)
from keras_metahpo.gaussian_process.model import (
    BELIEF,
    DOUBT,
)

from .data import mixed_data, numbers


@pytest.mark.parametrize("with_prior", [False, True])
@pytest.mark.parametrize("correlation", sorted(CORRELATIONS))
def test_gradient_agrees_with_finite_differences(rng, correlation, with_prior):
    units, active, categorical = mixed_data(rng)
    prior_mean = rng.normal(size=25) if with_prior else None
    inputs = Inputs.of(units, active, categorical, prior_mean)
    objective = negative_log_posterior(inputs, rng.normal(size=25), correlation)
    for parameters in (np.zeros(5), np.array([-1.0, 0.5, 0.2, -0.3, -3.0])):
        error = check_grad(lambda x: objective(x)[0], lambda x: objective(x)[1], parameters)
        assert error < 1e-4 * np.linalg.norm(objective(parameters)[1])


def test_interpolates_a_smooth_function(rng):
    units = rng.random((40, 2))
    targets = np.sin(4 * units[:, 0]) + units[:, 1]
    process = fit_gaussian_process(numbers(units), targets)
    mean, std = process.predict(numbers(units))
    np.testing.assert_allclose(mean, targets, atol=0.02)
    query = rng.random((200, 2))
    mean, query_std = process.predict(numbers(query))
    np.testing.assert_allclose(mean, np.sin(4 * query[:, 0]) + query[:, 1], atol=0.15)
    assert query_std.mean() > std.mean()


def test_many_observations_all_count(rng):
    units = rng.random((3 * MOST_FITTED, 2))
    targets = np.sin(4 * units[:, 0]) + units[:, 1]
    inputs = numbers(units, rng.normal(size=len(units)))
    process = fit_gaussian_process(inputs, targets)
    mean, _ = process.predict(inputs)
    np.testing.assert_allclose(mean, targets, atol=0.02)
    assert process.trust == pytest.approx(0.0, abs=0.05)


def test_irrelevant_dimensions_get_longer_length_scales(rng):
    units = rng.random((60, 3))
    targets = np.sin(6 * units[:, 0])
    process = fit_gaussian_process(numbers(units), targets)
    assert process.kernel.length_scales[0] < 0.5 * process.kernel.length_scales[1:].min()


def test_inactive_cells_do_not_matter(rng):
    units, active, categorical = mixed_data(rng)
    targets = rng.normal(size=25)
    garbage = np.where(active, units, rng.random(units.shape))
    inputs, other_inputs = (Inputs.of(u, active, categorical) for u in (units, garbage))
    expected = fit_gaussian_process(inputs, targets).predict(inputs)
    other = fit_gaussian_process(other_inputs, targets).predict(inputs)
    np.testing.assert_allclose(other, expected)


def test_categories_are_interchangeable(rng):
    units, active, categorical = mixed_data(rng)
    targets = rng.normal(size=25)
    renamed = units.copy()
    renamed[:, 2] = (units[:, 2] + 1 / 3) % 1
    renamed[:, 2] = (np.floor(renamed[:, 2] * 3) + 0.5) / 3
    inputs, other_inputs = (Inputs.of(u, active, categorical) for u in (units, renamed))
    expected = fit_gaussian_process(inputs, targets).predict(inputs)
    other = fit_gaussian_process(other_inputs, targets).predict(other_inputs)
    np.testing.assert_allclose(other, expected, rtol=1e-5)


def test_trust_follows_the_prior_mean_s_success(rng):
    units, active, categorical = mixed_data(rng, size=60)
    prior_mean = rng.normal(size=60)

    def trust(targets):
        inputs = Inputs.of(units, active, categorical, prior_mean)
        return fit_gaussian_process(inputs, targets).trust

    assert trust(prior_mean) == pytest.approx(1.0, abs=0.1)
    assert trust(rng.normal(size=60)) < 0.4
    assert trust(-prior_mean) < 0.0


def test_a_prior_mean_that_misleads_is_doubted(rng):
    units, active, categorical = mixed_data(rng, size=16)
    prior_mean = rng.normal(size=16)

    def fitted(slope):
        targets = slope * prior_mean + 0.2 * rng.normal(size=16)
        return fit_gaussian_process(Inputs.of(units, active, categorical, prior_mean), targets)

    misled, well_advised = fitted(-1.0), fitted(BELIEF.mean)
    assert misled.trust_prior == DOUBT
    assert misled.trust == pytest.approx(-1.0, abs=0.3)
    assert well_advised.trust_prior == BELIEF


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("size, dimension", [(1, 2), (3, 0), (8, 1), (30, 2)])
@pytest.mark.parametrize("kind", ["constant", "random"])
def test_degenerate_data_give_finite_predictions(rng, size, dimension, kind):
    units = np.repeat(rng.random((1, dimension)), size, axis=0)
    targets = np.zeros(size) if kind == "constant" else rng.normal(size=size)
    mean, std = fit_gaussian_process(numbers(units), targets).predict(numbers(units))
    assert np.isfinite(mean).all()
    assert (std > 0).all()
