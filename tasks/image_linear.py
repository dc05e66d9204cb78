"""Softmax regression on images with plain stochastic gradient descent: the smallest space."""

import keras

from keras_metahpo.tasks import IMAGE_SETS, FewExamples, Noisy, Rotated

VARIANTS = {
    "mnist_rotated": IMAGE_SETS["mnist"].with_(Rotated()),
    "fashion_mnist": IMAGE_SETS["fashion_mnist"],
    "fashion_mnist_250": IMAGE_SETS["fashion_mnist"].with_(FewExamples(250)),
    "omniglot_korean": IMAGE_SETS["omniglot_korean"],
    "cmaterdb_bangla": IMAGE_SETS["cmaterdb_bangla"],
    "cmaterdb_devanagari_noisy": IMAGE_SETS["cmaterdb_devanagari"].with_(Noisy(0.5)),
    "digits": IMAGE_SETS["digits"],
}


def build(hp, source):
    l1 = hp.Float("l1", 1e-8, 1e-1, sampling="log", default=1e-6)
    l2 = hp.Float("l2_reg", 1e-8, 1e-1, sampling="log", default=1e-6)
    init_std = hp.Float("init_std", 1e-4, 1.0, sampling="log", default=1e-2)
    outputs = keras.layers.Dense(
        source.num_classes,
        kernel_initializer=keras.initializers.RandomNormal(stddev=init_std),
        kernel_regularizer=keras.regularizers.L1L2(l1, l2),
    )
    model = keras.Sequential([keras.Input(source.input_shape), keras.layers.Flatten(), outputs])
    optimizer = keras.optimizers.SGD(
        hp.Float("step_size", 1e-4, 10.0, sampling="log", default=1e-2),
        momentum=hp.Choice("sgd_momentum", [0.0, 0.5, 0.9, 0.99]),
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer, loss, metrics=["accuracy"])
    return model


def fit_arguments(hp):
    return {"batch_size": hp.Int("minibatch_size", 8, 256, step=2, sampling="log", default=32)}


TASKS = [
    entry.task(f"image_linear/{variant}", build, fit_arguments, ("image", "linear", variant))
    for variant, entry in VARIANTS.items()
]
