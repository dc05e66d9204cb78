"""Live tasks that no ranker is trained on: scikit-learn's digits, which ship in its wheel.

metahpo bench run --task benchmarks/tasks/digits.py --trials 10 --seeds 2 --output OUT
"""

from dataclasses import dataclass
from functools import partial

import keras
import numpy as np

from keras_metahpo.tasks import Task, TaskData

SIZE, NUM_CLASSES = 8, 10
NUM_TRAIN, NUM_VALIDATION = 1000, 397


@dataclass(frozen=True)
class DigitsSource:
    """1797 real images of 8 x 8 pixels (Alpaydin and Kaynak 1998), in [0, 1]."""

    num_classes: int = NUM_CLASSES
    dataset: str = "digits"
    size: int = SIZE

    def load(self) -> TaskData:
        from sklearn.datasets import load_digits

        images, labels = load_digits(return_X_y=True)
        order = np.random.default_rng(0).permutation(len(labels))
        images = (images[order] / 16.0).astype("float32").reshape(-1, SIZE, SIZE, 1)
        ends = [NUM_TRAIN, NUM_TRAIN + NUM_VALIDATION]
        return TaskData(*zip(np.split(images, ends), np.split(labels[order], ends), strict=True))

    def fake(self) -> TaskData:
        rng = np.random.default_rng(0)
        splits = [
            (rng.random((32, SIZE, SIZE, 1), dtype="float32"), rng.integers(NUM_CLASSES, size=32))
            for _ in range(3)
        ]
        return TaskData(*splits)


def build_optimizer(hp):
    name = hp.Choice("optimizer", ["adam", "sgd"])
    learning_rate = hp.Float("learning_rate", 1e-5, 1.0, sampling="log", default=1e-3)
    with hp.conditional_scope("optimizer", ["sgd"]):
        momentum = hp.Float("momentum", 0.0, 0.99)
    if name == "sgd":
        return keras.optimizers.SGD(learning_rate, momentum=momentum)
    return keras.optimizers.Adam(learning_rate)


def build(hp, hidden):
    dropout = hp.Float("dropout", 0.0, 0.8)
    model = keras.Sequential([keras.Input((SIZE, SIZE, 1)), *hidden(hp)])
    model.add(keras.layers.Dropout(dropout))
    model.add(keras.layers.Dense(NUM_CLASSES, activation="softmax"))
    model.compile(build_optimizer(hp), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def mlp(hp) -> list:
    units = hp.Int("units", 8, 256, sampling="log", default=64)
    activation = hp.Choice("activation", ["relu", "tanh"])
    layers = [
        keras.layers.Dense(units, activation=activation) for _ in range(hp.Int("num_layers", 1, 4))
    ]
    return [keras.layers.Flatten(), *layers]


def cnn(hp) -> list:
    filters = hp.Int("filters", 4, 32, sampling="log", default=8)
    kernel_size = hp.Choice("kernel_size", [2, 3, 5])
    layers = [
        keras.layers.Conv2D(filters, kernel_size, padding="same", activation="relu")
        for _ in range(hp.Int("num_layers", 1, 3))
    ]
    return [*layers, keras.layers.GlobalAveragePooling2D()]


def fit_arguments(hp) -> dict:
    return {"batch_size": hp.Int("batch_size", 16, 256, step=2, sampling="log", default=32)}


TASKS = [
    Task(
        name=f"digits/{name}",
        build=partial(build, hidden=hidden),
        fit_arguments=fit_arguments,
        data=DigitsSource(),
        max_fidelity=8,
        tags=("digits", name),
        licence="CC BY 4.0",
        citation="Alpaydin and Kaynak 1998",
    )
    for name, hidden in (("mlp", mlp), ("cnn", cnn))
]
