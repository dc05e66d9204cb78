"""Processes of which the parameters are drawn: as sure as the posterior, and no surer."""

import numpy as np
import pytest
from scipy.stats import norm

from keras_metahpo.gaussian_process import (
    GaussianProcess,
    draw_gaussian_processes,
    fit_gaussian_process,
)
from keras_metahpo.gaussian_process.fitting import (
    kernel_of,
    log_parameters,
    negative_log_posterior,
    parameter_priors,
)
from keras_metahpo.gaussian_process.mixture import MOST_UNSURE, NUM_DRAWS

from .data import numbers


def waves(rng, size, dimension=2):
    units = rng.random((size, dimension))
    return numbers(units, rng.normal(size=size)), np.sin(6 * units[:, 0])


def test_weights_are_probabilities_and_no_draw_has_them_all(rng):
    for size in (2, 8, 30):
        mixture = draw_gaussian_processes(*waves(rng, size))
        assert len(mixture.processes) == len(mixture.weights) == NUM_DRAWS
        assert mixture.weights.sum() == pytest.approx(1.0)
        assert 0 < mixture.weights.max() < 0.9


def test_drawn_parameters_are_about_as_probable_as_the_best(rng):
    inputs, targets = waves(rng, 12)
    objective = negative_log_posterior(inputs, targets)
    best = objective(log_parameters(fit_gaussian_process(inputs, targets).kernel))[0]
    mixture = draw_gaussian_processes(inputs, targets)
    worse = [objective(log_parameters(p.kernel))[0] - best for p in mixture.processes]
    # Half the square of a normal vector's length has its mean at half the dimension.
    assert mixture.weights @ worse < 4
    assert max(worse) > 0.1


def test_few_observations_leave_length_scales_open_and_many_do_not(rng):
    def spread(size):
        mixture = draw_gaussian_processes(*waves(rng, size))
        return np.std([np.log(p.kernel.length_scales[0]) for p in mixture.processes])

    assert spread(4) > 3 * spread(MOST_UNSURE)
    assert spread(4) <= 1.5 * parameter_priors(2)[1].max()


def test_what_the_prior_draws_is_predicted_better_than_by_one_process(rng):
    locations, scales = parameter_priors(3)
    gains = []
    for _ in range(60):
        inputs = numbers(rng.random((26, 3)))
        kernel = kernel_of(locations + scales * rng.normal(size=5))
        factor = GaussianProcess(kernel, inputs, np.zeros(26))._factor
        targets = factor @ rng.normal(size=26)
        known, asked = inputs[:8], inputs[8:]
        one = fit_gaussian_process(known, targets[:8]).predict(asked)
        mixture = draw_gaussian_processes(known, targets[:8])
        means, deviations = mixture.predict(asked)
        density = mixture.weights @ norm.pdf(targets[8:], means, deviations)
        gains.append((np.log(density) - norm.logpdf(targets[8:], *one)).mean())
    assert np.mean(gains) > 0


@pytest.mark.parametrize("size", [0, MOST_UNSURE + 1])
def test_nothing_is_drawn_where_nothing_is_gained(rng, size):
    inputs, targets = waves(rng, size)
    mixture = draw_gaussian_processes(inputs, targets)
    fitted = fit_gaussian_process(inputs, targets)
    query, _ = waves(rng, 9)
    assert len(mixture.processes) == 1
    np.testing.assert_allclose(mixture.predict(query), np.array(fitted.predict(query))[:, None])
    assert mixture.trust == fitted.trust


def test_fantasies_keep_the_means(rng):
    mixture = draw_gaussian_processes(*waves(rng, 10))
    query, _ = waves(rng, 5)
    before, after = mixture.predict(query), mixture.fantasise(query[:2]).predict(query)
    np.testing.assert_allclose(after[0], before[0], atol=1e-6)
    assert (after[1] <= before[1] + 1e-9).all()


def test_the_same_observations_draw_the_same(rng):
    inputs, targets = waves(rng, 10)
    first, second = (draw_gaussian_processes(inputs, targets) for _ in range(2))
    np.testing.assert_array_equal(first.predict(inputs), second.predict(inputs))


def test_log_parameters_are_those_of_their_kernel(rng):
    parameters = rng.normal(size=5)
    np.testing.assert_allclose(log_parameters(kernel_of(parameters)), parameters)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("size, dimension", [(1, 2), (3, 0), (8, 1), (30, 2)])
@pytest.mark.parametrize("kind", ["constant", "random"])
def test_degenerate_data_give_finite_predictions(rng, size, dimension, kind):
    inputs = numbers(np.repeat(rng.random((1, dimension)), size, axis=0))
    targets = np.zeros(size) if kind == "constant" else rng.normal(size=size)
    means, deviations = draw_gaussian_processes(inputs, targets).predict(inputs)
    assert np.isfinite(means).all()
    assert (deviations > 0).all()
