"""A task as a hypermodel: data that depend on hyperparameters."""

import keras
import keras_tuner
import numpy as np
import pytest

from keras_metahpo.tasks import DigitsSource, Task, TaskData
from keras_metahpo.tasks.training import EpochClock, fit_configuration


class Batches(keras.utils.PyDataset):
    """One batch of `size` examples an epoch."""

    def __init__(self, inputs, labels, size):
        super().__init__()
        self.arrays = inputs[:size], labels[:size]

    def __len__(self):
        return 1

    def __getitem__(self, index):
        return self.arrays


def build(hp):
    model = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten()])
    model.add(keras.layers.Dense(10, activation="softmax"))
    learning_rate = hp.Float("learning_rate", 1e-3, 1.0, sampling="log")
    optimizer = keras.optimizers.SGD(learning_rate)
    model.compile(
        optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"], run_eagerly=True
    )
    return model


@pytest.fixture
def prepared() -> list[TaskData]:
    """What `prepare` was given."""
    return []


@pytest.fixture
def task(prepared) -> Task:
    def prepare(hp, data):
        prepared.append(data)
        size = hp.get("size")
        return TaskData(
            (Batches(*data.train, size), None), (Batches(*data.validation, 8), None), data.test
        )

    def declaring_build(hp):
        hp.Int("size", 4, 16, step=4)
        return build(hp)

    return Task("x/y", declaring_build, DigitsSource(), max_fidelity=2, prepare=prepare)


def test_prepared_data_are_trained_on(task, prepared):
    space, clock, sizes = task.search_space(), EpochClock(), []
    data = task.data.fake()
    counter = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: sizes.append(batch)
    )
    configuration = space.complete({"size": 12})
    fit_configuration(task, space, configuration, data, [clock, counter])
    assert len(clock.measurements) == 2
    assert "val_accuracy" in clock.measurements[0]
    assert sizes == [0, 0]  # One batch an epoch.
    (given,) = prepared
    assert given.train[0] is data.train[0]
    assert given.validation[1] is data.validation[1]
    assert all(len(part) == 0 for part in given.test)


def test_prepared_data_serve_kerastuner(task, prepared, tmp_path):
    tuner = keras_tuner.RandomSearch(
        task.hypermodel(), objective="val_accuracy", max_trials=2, directory=tmp_path, seed=1
    )
    data = task.data.fake()
    tuner.search(*data.train, validation_data=data.validation, epochs=1, verbose=0)
    assert len(prepared) == 2
    assert all(trial.status == "COMPLETED" for trial in tuner.oracle.trials.values())


def test_data_are_what_they_were_without_a_prepare():
    task = Task("x/y", build, DigitsSource(), max_fidelity=1)
    data = task.data.fake()
    assert task.prepare(keras_tuner.HyperParameters(), data) is data
    hp, model = keras_tuner.HyperParameters(), None
    model = task.hypermodel().build(hp)
    history = task.hypermodel().fit(hp, model, *data.train, validation_split=0.5, verbose=0)
    assert np.isfinite(history.history["val_accuracy"]).all()


def test_family_is_the_first_tag():
    def named(**kwargs):
        return Task("stem/variant", build, DigitsSource(), max_fidelity=1, **kwargs).family

    assert named(tags=("image", "mlp")) == "image"
    assert named() == "stem"
