"""A multilayer perceptron and a convolutional network on small image sets."""

import dataclasses

import keras

from keras_metahpo.tasks import ImageSource, Inverted, OmniglotAlphabetSource, Task

SOURCES = {
    "mnist": (ImageSource("mnist:3.0.1", 10), "CC BY-SA 3.0", "LeCun et al. 1998"),
    "fashion_mnist": (ImageSource("fashion_mnist:3.0.1", 10), "MIT", "Xiao et al. 2017"),
    "cmaterdb_bangla": (
        ImageSource("cmaterdb/bangla:1.0.0", 10),
        "Apache-2.0",
        "Das et al. 2012",
    ),
    "cmaterdb_devanagari": (
        ImageSource("cmaterdb/devanagari:1.0.0", 10, 1800, 700, num_test=500),
        "Apache-2.0",
        "Das et al. 2012",
    ),
    "omniglot_katakana": (OmniglotAlphabetSource(27, 47), "MIT", "Lake et al. 2015"),
}


def build_optimizer(hp):
    name = hp.Choice("optimizer", ["adam", "sgd", "rmsprop"])
    learning_rate = hp.Float("learning_rate", 1e-5, 0.3, sampling="log", default=1e-3)
    weight_decay = hp.Float("weight_decay", 1e-7, 1e-2, sampling="log")
    with hp.conditional_scope("optimizer", ["sgd"]):
        momentum = hp.Float("momentum", 0.0, 0.99)
    if name == "sgd":
        return keras.optimizers.SGD(learning_rate, momentum=momentum, weight_decay=weight_decay)
    if name == "rmsprop":
        return keras.optimizers.RMSprop(learning_rate, weight_decay=weight_decay)
    return keras.optimizers.Adam(learning_rate, weight_decay=weight_decay)


def build_mlp(hp, source):
    activation = hp.Choice("activation", ["relu", "tanh", "elu"])
    units = hp.Int("units", 16, 512, sampling="log", default=64)
    batch_norm = hp.Boolean("batch_norm")
    dropout = hp.Float("dropout", 0.0, 0.7)
    model = keras.Sequential([keras.Input(source.input_shape), keras.layers.Flatten()])
    for _ in range(hp.Int("num_layers", 1, 4)):
        model.add(keras.layers.Dense(units))
        if batch_norm:
            model.add(keras.layers.BatchNormalization())
        model.add(keras.layers.Activation(activation))
        model.add(keras.layers.Dropout(dropout))
    model.add(keras.layers.Dense(source.num_classes, activation="softmax"))
    model.compile(build_optimizer(hp), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def fit_arguments_mlp(hp):
    return {"batch_size": hp.Int("batch_size", 16, 256, step=2, sampling="log", default=32)}


def build_cnn(hp, source):
    filters = hp.Int("filters", 4, 24, sampling="log", default=8)
    kernel_size = hp.Choice("kernel_size", [3, 5])
    batch_norm = hp.Boolean("use_batch_norm")
    model = keras.Sequential([keras.Input(source.input_shape)])
    for block in range(hp.Int("num_blocks", 1, 3)):
        model.add(keras.layers.Conv2D(filters * 2**block, kernel_size, padding="same"))
        if batch_norm:
            model.add(keras.layers.BatchNormalization())
        model.add(keras.layers.Activation("relu"))
        model.add(keras.layers.MaxPooling2D())
    model.add(keras.layers.Flatten())
    model.add(keras.layers.Dropout(hp.Float("dropout_rate", 0.0, 0.8)))
    model.add(keras.layers.Dense(hp.Int("dense_units", 16, 128, step=16), activation="relu"))
    model.add(keras.layers.Dense(source.num_classes))
    learning_rate = hp.Float("lr", 1e-5, 0.1, sampling="log", default=1e-3)
    momentum = hp.Float("momentum", 0.0, 0.99, default=0.9)
    if hp.Boolean("nesterov_sgd"):
        optimizer = keras.optimizers.SGD(learning_rate, momentum=momentum, nesterov=True)
    else:
        optimizer = keras.optimizers.Adam(learning_rate, beta_1=momentum)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer, loss, metrics=["accuracy"])
    return model


def fit_arguments_cnn(hp):
    return {"batch_size": hp.Choice("batch_size", [16, 32, 64, 128])}


# An alphabet has a third of the other sets' images and learns nothing in their number of epochs,
# nor from black strokes on white.
FEW_EXAMPLES_EPOCHS = 20
# Build function, fit arguments, epochs, image size: a trial takes seconds on one core.
HYPERMODELS = {
    "mlp": (build_mlp, fit_arguments_mlp, 8, 28),
    "cnn": (build_cnn, fit_arguments_cnn, 6, 16),
}


def _task(hypermodel, variant):
    build, fit_arguments, max_fidelity, size = HYPERMODELS[hypermodel]
    source, licence, citation = SOURCES[variant]
    source = dataclasses.replace(source, size=size)
    version = "1"
    if variant == "omniglot_katakana":
        source, max_fidelity, version = source.with_(Inverted()), FEW_EXAMPLES_EPOCHS, "2"
    return Task(
        name=f"image/{hypermodel}_{variant}",
        build=lambda hp: build(hp, source),
        data=source,
        max_fidelity=max_fidelity,
        fit_arguments=fit_arguments,
        tags=("image", hypermodel, variant),
        licence=licence,
        citation=citation,
        version=version,
    )


TASKS = [_task(hypermodel, variant) for hypermodel in HYPERMODELS for variant in SOURCES]
