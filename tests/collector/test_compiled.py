"""Compiled epochs do what `fit` does, from the same weights and on the same batches."""

import gc
from dataclasses import replace

import keras
import numpy as np
import pytest

from keras_metahpo.populations.trainings import NotCompilable
from keras_metahpo.tasks import get_task
from keras_metahpo.testing.plain_fit import TOLERANCE, fit_on_the_same_batches, largest_difference

pytestmark = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="compiled epochs are for TensorFlow"
)
if keras.backend.backend() == "tensorflow":
    import tensorflow as tf

    from keras_metahpo.collector import compiled
    from keras_metahpo.collector.compiled import CompiledEpochs, structure_of

OPTIMIZERS = ("sgd", "adam", "nadam", "rmsprop", "adamw")


def train(epochs, task, configuration, seed=0):
    return epochs.train(task, task.search_space(), configuration, task.data.load(), seed)


def configurations(task, count, **fixed):
    """Random configurations with some values given."""
    space = task.search_space()
    drawn = space.decode(space.sample(count, np.random.default_rng(1)))
    return [space.complete({"activation": "relu", **c, "units": 5, **fixed}) for c in drawn]


@pytest.mark.parametrize(
    "variant, optimizer", [*(("arrays", name) for name in OPTIMIZERS), ("batches", "adam")]
)
def test_curves_are_those_of_fit(blobs_file, variant, optimizer):
    task = get_task(f"{blobs_file}:blobs/{variant}")
    configuration = configurations(task, 1, optimizer=optimizer, activation="tanh")[0]
    measured = train(CompiledEpochs(), task, configuration, seed=2)
    expected = fit_on_the_same_batches(task, configuration, seed=2)
    assert largest_difference(measured, expected) <= TOLERANCE


def test_configurations_of_one_structure_share_a_trace(blobs, monkeypatch):
    made = []
    kept_model = compiled._KeptModel
    monkeypatch.setattr(compiled, "_KeptModel", lambda *given: made.append(1) or kept_model(*given))
    epochs = CompiledEpochs()
    first, second, third = configurations(blobs, 3, optimizer="sgd", activation="relu")
    for configuration in (first, second, third):
        train(epochs, blobs, configuration)
    assert len(made) == 1
    train(epochs, blobs, {**third, "units": 6})
    assert len(made) == 2


def test_a_shared_trace_remembers_nothing_of_earlier_trainings(blobs):
    first, second = configurations(blobs, 2, optimizer="adam", activation="relu")
    epochs = CompiledEpochs()
    train(epochs, blobs, first)
    after = train(epochs, blobs, second, seed=3)
    alone = train(CompiledEpochs(), blobs, second, seed=3)
    for measured, expected in zip(after, alone, strict=True):
        assert {**measured, "elapsed_s": 0} == {**expected, "elapsed_s": 0}


def test_nothing_is_kept_of_trainings_that_are_over(blobs):
    epochs = CompiledEpochs()
    (first,) = configurations(blobs, 1, optimizer="adam", activation="relu")
    counts = []
    for units in (3, 4, 5):
        train(epochs, blobs, {**first, "units": units})
        epochs.clear()
        gc.collect()
        counts.append(sum(isinstance(o, tf.Graph) for o in gc.get_objects()))
    assert counts[0] == counts[1] == counts[2]


def test_measurements_hold_all_metrics_the_time_and_the_parameters(blobs):
    measured = train(CompiledEpochs(), blobs, configurations(blobs, 1, activation="relu")[0])
    names = {"loss", "accuracy", "val_loss", "val_accuracy", "elapsed_s", "num_parameters"}
    assert [set(epoch) for epoch in measured] == [names, names]
    assert 0 < measured[0]["elapsed_s"] < measured[1]["elapsed_s"]
    # Dense 4 x 5 + 5, batch normalization 4 x 5, dense 5 x 3 + 3.
    assert measured[0]["num_parameters"] == 25 + 20 + 18


def test_training_ends_with_the_epoch_that_diverged(blobs):
    def build(hp):
        model = blobs.build(hp)
        model.layers[0].kernel.assign(np.full(model.layers[0].kernel.shape, np.nan))
        return model

    task = replace(blobs, build=build, max_fidelity=5)
    measured = train(CompiledEpochs(), task, configurations(blobs, 1, activation="relu")[0])
    assert len(measured) == 1
    assert np.isnan(measured[0]["loss"])


class OwnFit(keras.Sequential):
    def fit(self, *args, **kwargs):
        return super().fit(*args, **kwargs)


def eager(hp):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    model.compile("sgd", "sparse_categorical_crossentropy", run_eagerly=True)
    return model


def own_fit(hp):
    model = OwnFit([keras.Input((4,)), keras.layers.Dense(3)])
    model.compile("sgd", "sparse_categorical_crossentropy")
    return model


@pytest.mark.parametrize(
    "changes, reason",
    [
        ({"build": eager}, "eagerly"),
        ({"build": own_fit}, "OwnFit has a fit of its own"),
        ({"fit_arguments": lambda hp: {"class_weight": {0: 2.0}}}, "class_weight"),
    ],
)
def test_what_cannot_be_compiled_says_why(blobs, changes, reason):
    task = replace(blobs, **changes)
    with pytest.raises(NotCompilable, match=reason):
        train(CompiledEpochs(), task, task.search_space().default_configuration())


def test_structures_differ_where_traces_would(blobs):
    base, other = configurations(blobs, 2, optimizer="adam", activation="relu", batch_size=8)

    def of(configuration):
        return structure_of(blobs, blobs.search_space(), configuration, blobs.data.load())

    assert of(base) == of(other)
    assert of(base) == of({**base, "batch_size": 30})
    assert of(base) != of({**base, "units": 6})
    assert of(base) != of({**base, "activation": "tanh"})
    assert of(base) != of({**base, "optimizer": "nadam"})
