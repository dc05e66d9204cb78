"""Populations on JAX do what `fit` does for each of their members."""

from dataclasses import replace

import keras
import numpy as np
import pytest

from keras_metahpo.collector.training import Trainer
from keras_metahpo.tasks import get_task
from keras_metahpo.testing.plain_fit import TOLERANCE, fit_on_the_same_batches, largest_difference

pytestmark = pytest.mark.skipif(
    keras.backend.backend() != "jax", reason="populations are trained on JAX"
)
if keras.backend.backend() == "jax":
    from keras_metahpo.collector.populations import structure_of, train_populations
    from keras_metahpo.populations.trainer import PopulationTrainer

FIXED = {"units": 5, "batch_size": 16, "activation": "tanh"}


def members(task, count, **fixed):
    """Random configurations of one structure."""
    space = task.search_space()
    drawn = space.decode(space.sample(count, np.random.default_rng(1)))
    given = {name: value for name, value in FIXED.items() if name in space.names} | fixed
    return [space.complete({**c, **given}) for c in drawn]


def train(task, configurations, seeds):
    data = task.data.load()
    trainer = PopulationTrainer()
    results = train_populations(trainer, task, task.search_space(), configurations, data, seeds)
    assert [size for _, size in results] == [len(seeds)] * len(seeds)
    return [curve for curve, _ in results]


@pytest.mark.parametrize(
    "variant, optimizer", [("arrays", "sgd"), ("arrays", "adamw"), ("batches", "adam")]
)
def test_every_curve_is_that_of_fit(blobs_file, variant, optimizer):
    task = get_task(f"{blobs_file}:blobs/{variant}")
    configurations = members(task, 2, optimizer=optimizer)
    curves = train(task, configurations, seeds=(4, 5))
    for configuration, seed, curve in zip(configurations, (4, 5), curves, strict=True):
        expected = fit_on_the_same_batches(task, configuration, seed)
        assert largest_difference(curve, expected) <= TOLERANCE
        assert curve[0]["num_parameters"] == 25 + 20 + 18


def test_members_do_not_depend_on_each_other(blobs):
    configurations = members(blobs, 3, optimizer="adam")
    together = train(blobs, configurations, seeds=(0, 1, 2))
    (alone,) = train(blobs, configurations[2:3], seeds=(2,))
    without_time = [{k: v for k, v in m.items() if k != "elapsed_s"} for m in together[2]]
    assert largest_difference(alone, without_time) <= 1e-6


def test_a_member_that_diverges_ends_alone(blobs):
    def build(hp):
        model = blobs.build(hp)
        if hp.get("dropout") > 0.5:
            kernel = model.layers[0].kernel
            kernel.assign(np.full(kernel.shape, np.nan))
        return model

    task = replace(blobs, build=build)
    base = members(task, 1, optimizer="adam")[0]
    curves = train(task, [{**base, "dropout": 0.55}, {**base, "dropout": 0.3}], seeds=(0, 0))
    assert [len(curve) for curve in curves] == [1, blobs.max_fidelity]
    assert np.isnan(curves[0][0]["loss"])


def test_structures_differ_where_compiled_epochs_would(blobs):
    base, other = members(blobs, 2, optimizer="adam")

    def of(configuration):
        return structure_of(blobs, blobs.search_space(), configuration, blobs.data.load())

    assert of(base) == of(other)
    for changed in ({"batch_size": 30}, {"units": 6}, {"activation": "relu"}):
        assert of(base) != of({**base, **changed})


def test_trials_are_trained_at_once_as_far_as_their_structures_are_equal(blobs):
    space = blobs.search_space()
    alike = members(blobs, 2, optimizer="sgd")
    other = {**alike[0], "units": 3}
    broken = {**alike[0], "activation": "broken"}
    trials = [(c, 0) for c in (alike[0], broken, other, alike[1])]
    trained = Trainer().train_together(blobs, space, trials)
    assert [by for _, by in trained] == [
        "population of 2",
        "fit: no such activation",
        "population of 1",
        "population of 2",
    ]
    assert trained[1][0].message == "RuntimeError: no such activation"
    assert [trial.status == "FAILED" for trial, _ in trained] == [False, True, False, False]
    assert [dict(trial.configuration) for trial, _ in trained] == [c for c, _ in trials]


def test_a_population_that_is_too_large_is_trained_in_halves(blobs, monkeypatch):
    from keras_metahpo.populations import trainer

    original = trainer.Population

    def small(members, *args):
        if len(members) > 1:
            raise MemoryError("RESOURCE_EXHAUSTED")
        return original(members, *args)

    monkeypatch.setattr(trainer, "Population", small)
    trials = [(configuration, 0) for configuration in members(blobs, 2, optimizer="sgd")]
    trained = Trainer().train_together(blobs, blobs.search_space(), trials)
    assert [by for _, by in trained] == ["population of 1"] * 2
    assert all(trial.status == "COMPLETED" for trial, _ in trained)
