"""A multilayer perceptron on images whose layers each have a width of their own."""

import keras

from keras_metahpo.tasks import (
    IMAGE_SETS,
    FewExamples,
    Imbalanced,
    Inverted,
    Noisy,
    PermutedPixels,
    Rotated,
)

VARIANTS = {
    "mnist_rotated": IMAGE_SETS["mnist"].with_(Rotated()),
    "mnist_250": IMAGE_SETS["mnist"].with_(FewExamples(250)),
    "mnist_permuted": IMAGE_SETS["mnist"].with_(PermutedPixels()),
    "fashion_mnist_noisy": IMAGE_SETS["fashion_mnist"].with_(Noisy()),
    "fashion_mnist_imbalanced": IMAGE_SETS["fashion_mnist"].with_(Imbalanced()),
    "omniglot_tifinagh": IMAGE_SETS["omniglot_tifinagh"],
    "cmaterdb_devanagari_inverted": IMAGE_SETS["cmaterdb_devanagari"].with_(Inverted()),
    "digits": IMAGE_SETS["digits"],
    "kmnist": IMAGE_SETS["kmnist"],
    "emnist_letters": IMAGE_SETS["emnist_letters"],
}
MAX_LAYERS = 4


def build(hp, source):
    num_layers = hp.Int("n_layers", 1, MAX_LAYERS, default=2)
    activation = hp.Choice("act", ["relu", "gelu", "tanh", "sigmoid"])
    regularizer = keras.regularizers.L2(hp.Float("l2", 1e-7, 1e-1, sampling="log"))
    dropout_rate = hp.Float("dropout_rate", 0.0, 0.6, step=0.1)
    model = keras.Sequential([keras.Input(source.input_shape), keras.layers.Flatten()])
    for layer in range(MAX_LAYERS):
        with hp.conditional_scope("n_layers", list(range(layer + 1, MAX_LAYERS + 1))):
            units = hp.Int(f"units_{layer}", 16, 272, step=32, default=80)
        if layer < num_layers:
            model.add(keras.layers.Dense(units, activation, kernel_regularizer=regularizer))
            model.add(keras.layers.Dropout(dropout_rate))
    model.add(keras.layers.Dense(source.num_classes))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(build_optimizer(hp), loss, metrics=["accuracy"])
    return model


def build_optimizer(hp):
    name = hp.Choice("opt", ["sgd", "adam", "nadam"], default="adam")
    learning_rate = hp.Float("lr", 1e-5, 1.0, sampling="log", default=1e-3)
    with hp.conditional_scope("opt", ["sgd"]):
        momentum = hp.Float("momentum", 0.0, 0.99, default=0.9)
    with hp.conditional_scope("opt", ["adam", "nadam"]):
        beta_1 = hp.Float("beta_1", 0.5, 0.99, default=0.9)
    if name == "sgd":
        return keras.optimizers.SGD(learning_rate, momentum=momentum, nesterov=True)
    if name == "adam":
        return keras.optimizers.Adam(learning_rate, beta_1=beta_1)
    return keras.optimizers.Nadam(learning_rate, beta_1=beta_1)


def fit_arguments(hp):
    return {"batch_size": hp.Choice("batch_size", [16, 32, 64, 128, 256], default=32)}


TASKS = [
    entry.task(f"image_dense/{variant}", build, fit_arguments, ("image", "dense", variant))
    for variant, entry in VARIANTS.items()
]
