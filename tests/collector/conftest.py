"""Small tasks on random data, written as a task definition, as a user would."""

import pytest

DEFINITION = '''
"""Blobs: perceptrons with everything that can be exchanged between compiled trainings."""

from dataclasses import dataclass

import keras
import numpy as np

from keras_metahpo.tasks import SmoothedCrossEntropy, Task, TaskData


@dataclass(frozen=True)
class Blobs:
    num_classes: int = 3

    def load(self):
        rng = np.random.default_rng(0)
        labels = np.arange(150) % 3
        inputs = rng.normal(size=(150, 4)) + 2 * np.eye(3, 4)[labels]
        parts = [(inputs[i : i + 50].astype("float32"), labels[i : i + 50]) for i in (0, 50, 100)]
        return TaskData(*parts)

    fake = load


def build(hp):
    activation = hp.Choice("activation", ["relu", "tanh", "broken"])
    if activation == "broken":
        raise RuntimeError("no such activation")
    regularizer = keras.regularizers.L2(hp.Float("l2", 1e-5, 1e-1, sampling="log"))
    model = keras.Sequential([keras.Input((4,))])
    model.add(keras.layers.Dense(hp.Int("units", 2, 8), activation, kernel_regularizer=regularizer))
    model.add(keras.layers.BatchNormalization())
    model.add(keras.layers.Dropout(hp.Float("dropout", 0.1, 0.6)))
    model.add(keras.layers.Dense(3))
    loss = SmoothedCrossEntropy(hp.Float("smoothing", 0.01, 0.3))
    model.compile(optimizer(hp), loss, metrics=["accuracy"])
    return model


def optimizer(hp):
    name = hp.Choice("optimizer", ["sgd", "adam", "nadam", "rmsprop", "adamw"])
    rate = hp.Float("learning_rate", 1e-3, 1e-1, sampling="log")
    with hp.conditional_scope("optimizer", ["sgd"]):
        momentum = hp.Float("momentum", 0.1, 0.9)
    with hp.conditional_scope("optimizer", ["adam", "nadam"]):
        beta_1 = hp.Float("beta_1", 0.5, 0.99)
    with hp.conditional_scope("optimizer", ["rmsprop"]):
        rho = hp.Float("rho", 0.5, 0.99)
    with hp.conditional_scope("optimizer", ["adamw"]):
        weight_decay = hp.Float("weight_decay", 1e-3, 1e-1, sampling="log")
    if name == "sgd":
        return keras.optimizers.SGD(rate, momentum=momentum, nesterov=True, clipnorm=1.0)
    if name == "adam":
        return keras.optimizers.Adam(rate, beta_1=beta_1)
    if name == "nadam":
        return keras.optimizers.Nadam(rate, beta_1=beta_1)
    if name == "rmsprop":
        return keras.optimizers.RMSprop(rate, rho=rho)
    schedule = keras.optimizers.schedules.CosineDecay(rate, 12)
    return keras.optimizers.AdamW(schedule, weight_decay=weight_decay)


def fit_arguments(hp):
    return {"batch_size": hp.Int("batch_size", 8, 32)}


class Shuffled(keras.utils.PyDataset):
    """Batches of 10 examples."""

    def __init__(self, inputs, labels):
        super().__init__()
        self.inputs, self.labels = inputs, labels

    @property
    def num_batches(self):
        return len(self.inputs) // 10

    def __getitem__(self, index):
        rows = slice(10 * index, 10 * index + 10)
        return self.inputs[rows], self.labels[rows]


def as_batches(hp, data):
    return TaskData((Shuffled(*data.train), None), data.validation, data.test)


TASKS = [
    Task(
        "blobs/arrays",
        build,
        Blobs(),
        max_fidelity=2,
        fit_arguments=fit_arguments,
        tags=("blobs", "dense"),
        licence="CC0",
        features={"num_classes": 3},
    ),
    Task("blobs/batches", build, Blobs(), max_fidelity=2, prepare=as_batches),
]
'''


@pytest.fixture(scope="session")
def blobs_file(tmp_path_factory) -> str:
    """A file of task definitions."""
    file = tmp_path_factory.mktemp("definitions") / "blobs.py"
    file.write_text(DEFINITION)
    return str(file)


@pytest.fixture(scope="session")
def blobs(blobs_file):
    """The task on arrays."""
    from keras_metahpo.tasks import get_task

    return get_task(f"{blobs_file}:blobs/arrays")
