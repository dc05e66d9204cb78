"""Live tasks that no ranker is trained on: scikit-learn's digits, which ship in its wheel.

metahpo bench run --task benchmarks/tasks/digits.py --trials 10 --seeds 2 --output OUT
"""

from functools import partial

import keras

from keras_metahpo.tasks import DigitsSource, Task

SOURCE = DigitsSource()


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
    model = keras.Sequential([keras.Input(SOURCE.input_shape), *hidden(hp)])
    model.add(keras.layers.Dropout(dropout))
    model.add(keras.layers.Dense(SOURCE.num_classes, activation="softmax"))
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
        data=SOURCE,
        max_fidelity=8,
        tags=("digits", name),
        licence="CC BY 4.0",
        citation="Alpaydin and Kaynak 1998",
    )
    for name, hidden in (("mlp", mlp), ("cnn", cnn))
]
