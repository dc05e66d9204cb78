"""One trial: what trains it, and what is said of failures."""

import json
from dataclasses import replace

import keras
import numpy as np
import pytest

from keras_metahpo.collector.training import COMPILED, Trainer, train_configuration

BY = {"tensorflow": COMPILED, "jax": "population of 1"}[keras.backend.backend()]


@pytest.fixture
def configuration(blobs) -> dict:
    return blobs.search_space().default_configuration()


def trained(task, configuration, seed=0):
    return Trainer().train(task, task.search_space(), configuration, seed)


def eager(task):
    def build(hp):
        model = task.build(hp)
        model.run_eagerly = True
        return model

    return replace(task, build=build)


def test_compiled_where_possible_and_fit_elsewhere(blobs, configuration):
    trial, trained_by = trained(blobs, configuration)
    assert trained_by == BY
    fitted, fitted_by = trained(eager(blobs), configuration)
    assert fitted_by.startswith("fit: ")
    for finished in (trial, fitted):
        assert (finished.status, finished.message) == ("COMPLETED", None)
        assert len(finished.measurements) == blobs.max_fidelity
    assert set(trial.measurements[0]) == set(fitted.measurements[0])


def test_a_build_that_raises_is_a_failed_trial_with_its_message(blobs, configuration):
    trial, _ = trained(blobs, {**configuration, "activation": "broken"})
    assert trial.status == "FAILED"
    assert trial.message == "RuntimeError: no such activation"
    assert trial.measurements == []


@pytest.mark.parametrize("error", [MemoryError("no room"), ValueError("bad labels")])
def test_a_step_that_raises_is_a_failed_trial_and_the_next_one_is_trained(
    blobs, configuration, error
):
    class Failing(keras.layers.Layer):
        def call(self, x):
            if not isinstance(x, keras.KerasTensor):
                raise error
            return x

    def build(hp):
        model = blobs.build(hp)
        model.add(Failing())
        return model

    trainer, space = Trainer(), blobs.search_space()
    failed, _ = trainer.train(replace(blobs, build=build), space, configuration, 0)
    assert failed.status == "FAILED"
    assert str(error) in failed.message
    assert trainer.train(blobs, space, configuration, 0)[0].status == "COMPLETED"


@pytest.mark.parametrize("compile_epochs", [True, False])
def test_a_training_that_diverges_says_in_which_epoch(blobs, configuration, compile_epochs):
    def build(hp):
        model = blobs.build(hp)
        model.layers[0].kernel.assign(np.full(model.layers[0].kernel.shape, np.nan))
        return model

    task = replace(blobs, build=build, objective="val_loss")
    trial, _ = trained(task if compile_epochs else eager(task), configuration)
    assert trial.status == "FAILED"
    assert "diverged in epoch 1" in trial.message
    assert len(trial.measurements) == 1
    json.dumps(trial.measurements)


def test_training_is_a_function_of_the_seed(blobs, configuration):
    for train in (
        lambda seed: trained(blobs, configuration, seed)[0],
        lambda seed: train_configuration(blobs, blobs.search_space(), configuration, seed),
    ):
        losses = [train(seed).measurements[-1]["loss"] for seed in (0, 0, 1)]
        assert losses[0] == losses[1] != losses[2]
