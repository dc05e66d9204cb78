"""A perceptron with skip connections, trained by AdamW with a learning-rate schedule."""

import math

import keras

from keras_metahpo.tasks import (
    IMAGE_SETS,
    CoarseLabels,
    FewExamples,
    Imbalanced,
    Noisy,
    Occluded,
    Rotated,
    SmoothedCrossEntropy,
)

VARIANTS = {
    "mnist_occluded": IMAGE_SETS["mnist"].with_(Occluded()),
    "mnist_imbalanced": IMAGE_SETS["mnist"].with_(Imbalanced()),
    "fashion_mnist_1000": IMAGE_SETS["fashion_mnist"].with_(FewExamples(1000)),
    "fashion_mnist_coarse_noisy": IMAGE_SETS["fashion_mnist"].with_(CoarseLabels(5), Noisy(0.8)),
    "omniglot_gujarati": IMAGE_SETS["omniglot_gujarati"],
    "omniglot_bengali_rotated": IMAGE_SETS["omniglot_bengali"].with_(Rotated(15.0)),
    "cmaterdb_bangla_noisy": IMAGE_SETS["cmaterdb_bangla"].with_(Noisy()),
    "digits_noisy": IMAGE_SETS["digits"].with_(Noisy()),
}


def build(hp, source):
    width = hp.Int("hidden_size", 32, 256, sampling="log", default=96)
    norm = hp.Choice("norm", ["none", "batch", "layer"])
    inputs = keras.Input(source.input_shape)
    x = keras.layers.Flatten()(inputs)
    x = keras.layers.Dropout(hp.Float("input_dropout", 0.0, 0.5))(x)
    x = keras.layers.Dense(width)(x)
    for _ in range(hp.Int("depth", 1, 5)):
        x = keras.layers.Add()([x, residual(x, width, norm)])
    model = keras.Model(inputs, keras.layers.Dense(source.num_classes)(x))
    optimizer = keras.optimizers.AdamW(
        learning_rate_schedule(hp, source),
        weight_decay=hp.Float("weight_decay", 1e-6, 1.0, sampling="log", default=4e-3),
    )
    loss = SmoothedCrossEntropy(hp.Float("label_smoothing", 0.0, 0.4))
    model.compile(optimizer, loss, metrics=["accuracy"])
    return model


def residual(x, width, norm):
    if norm == "batch":
        x = keras.layers.BatchNormalization()(x)
    elif norm == "layer":
        x = keras.layers.LayerNormalization()(x)
    return keras.layers.Dense(width)(keras.layers.Activation("relu")(x))


def learning_rate_schedule(hp, source):
    peak = hp.Float("peak_lr", 1e-5, 0.3, sampling="log", default=1e-3)
    kind = hp.Choice("lr_schedule", ["constant", "cosine", "exponential"])
    with hp.conditional_scope("lr_schedule", ["cosine"]):
        warmup = hp.Float("warmup_fraction", 0.0, 0.5, default=0.1)
    with hp.conditional_scope("lr_schedule", ["exponential"]):
        final_fraction = hp.Float("final_lr_fraction", 1e-4, 1.0, sampling="log", default=1e-2)
    if kind == "constant":
        return peak
    num_steps = NUM_EPOCHS[source] * math.ceil(source.num_train / batch_size(hp))
    if kind == "exponential":
        return keras.optimizers.schedules.ExponentialDecay(peak, num_steps, final_fraction)
    num_warmup = round(warmup * num_steps)
    return keras.optimizers.schedules.CosineDecay(
        0.0 if num_warmup else peak,
        num_steps - num_warmup,
        warmup_target=peak if num_warmup else None,
        warmup_steps=num_warmup,
    )


def batch_size(hp):
    return hp.Int("batch", 16, 256, step=2, sampling="log", default=32)


def fit_arguments(hp):
    return {"batch_size": batch_size(hp)}


NUM_EPOCHS = {entry.source: entry.num_epochs for entry in VARIANTS.values()}
TASKS = [
    entry.task(f"image_schedule/{variant}", build, fit_arguments, ("image", "skip", variant))
    for variant, entry in VARIANTS.items()
]
