"""A small residual network (He et al. 2016) on images of 14 x 14 pixels."""

import keras

from keras_metahpo.tasks import (
    IMAGE_SETS,
    FewExamples,
    Imbalanced,
    Noisy,
    Occluded,
    Rotated,
    Shrunk,
    SmoothedCrossEntropy,
)

SMALL = Shrunk(14)
VARIANTS = {
    "mnist_noisy": IMAGE_SETS["mnist"].with_(Noisy(0.6), SMALL),
    "mnist_rotated_1000": IMAGE_SETS["mnist"].with_(Rotated(), FewExamples(1000), SMALL),
    "mnist_occluded": IMAGE_SETS["mnist"].with_(Occluded(), SMALL),
    "fashion_mnist_1000": IMAGE_SETS["fashion_mnist"].with_(FewExamples(1000), SMALL),
    "fashion_mnist_imbalanced": IMAGE_SETS["fashion_mnist"].with_(Imbalanced(), SMALL),
    "cmaterdb_bangla_occluded": IMAGE_SETS["cmaterdb_bangla"].with_(Occluded(), SMALL),
    "cmaterdb_devanagari": IMAGE_SETS["cmaterdb_devanagari"].with_(SMALL),
    "digits_rotated": IMAGE_SETS["digits"].with_(Rotated()),
}
# A convolution costs more than a perceptron's layer, and a residual network converges sooner.
MAX_EPOCHS = 12


def build(hp, source):
    width = hp.Int("channels", 4, 16, sampling="log", default=8)
    nonlinearity = hp.Choice("nonlinearity", ["relu", "swish", "leaky_relu"])
    norm_first = hp.Boolean("norm_first", default=True)
    inputs = keras.Input(source.input_shape)
    x = keras.layers.Conv2D(width, 3, strides=2, padding="same")(inputs)
    for block in range(hp.Int("n_blocks", 1, 3)):
        if block == 1:
            x = keras.layers.Conv2D(2 * width, 1, strides=2)(x)
        y = x
        for _ in range(2):
            y = convolution(y, x.shape[-1], nonlinearity, norm_first)
        x = keras.layers.Add()([x, y])
    x = keras.layers.GlobalAveragePooling2D()(keras.layers.Activation(nonlinearity)(x))
    x = keras.layers.Dropout(hp.Float("keep_drop", 0.0, 0.5))(x)
    model = keras.Model(inputs, keras.layers.Dense(source.num_classes)(x))
    optimizer = keras.optimizers.AdamW(
        hp.Float("base_lr", 1e-5, 0.3, sampling="log", default=3e-3),
        beta_1=hp.Float("beta1", 0.0, 0.99, default=0.9),
        epsilon=hp.Float("eps", 1e-8, 1e-1, sampling="log", default=1e-7),
        weight_decay=hp.Float("decoupled_weight_decay", 1e-6, 1.0, sampling="log", default=4e-3),
        global_clipnorm=hp.Float("grad_clip", 0.1, 10.0, sampling="log", default=1.0),
    )
    model.compile(
        optimizer, SmoothedCrossEntropy(hp.Float("smoothing", 0.0, 0.3)), metrics=["accuracy"]
    )
    return model


def convolution(x, filters, nonlinearity, norm_first):
    steps = [
        keras.layers.BatchNormalization(momentum=0.9),  # Trainings are short.
        keras.layers.Activation(nonlinearity),
        keras.layers.Conv2D(filters, 3, padding="same"),
    ]
    for step in steps if norm_first else (steps[2], steps[0], steps[1]):
        x = step(x)
    return x


def fit_arguments(hp):
    return {"batch_size": hp.Choice("train_batch_size", [16, 32, 64, 128], default=32)}


TASKS = [
    entry.task(
        f"image_residual/{variant}",
        build,
        fit_arguments,
        ("image", "residual", variant),
        max_fidelity=min(MAX_EPOCHS, entry.num_epochs),
    )
    for variant, entry in VARIANTS.items()
]
