"""A convolutional network on small images, with shifted copies as augmentation."""

import keras

from keras_metahpo.tasks import IMAGE_SETS, FewExamples, Occluded, Rotated, Shrunk

SMALL = Shrunk(14)
VARIANTS = {
    "mnist_rotated": IMAGE_SETS["mnist"].with_(Rotated(), SMALL),
    "mnist_250": IMAGE_SETS["mnist"].with_(FewExamples(250), SMALL),
    "fashion_mnist": IMAGE_SETS["fashion_mnist"].with_(SMALL),
    "fashion_mnist_occluded": IMAGE_SETS["fashion_mnist"].with_(Occluded(), SMALL),
    "omniglot_korean": IMAGE_SETS["omniglot_korean"].with_(SMALL),
    "cmaterdb_bangla": IMAGE_SETS["cmaterdb_bangla"].with_(SMALL),
    "cmaterdb_devanagari_rotated": IMAGE_SETS["cmaterdb_devanagari"].with_(Rotated(), SMALL),
    "digits": IMAGE_SETS["digits"],
    "kmnist": IMAGE_SETS["kmnist"].with_(SMALL),
    "emnist_letters": IMAGE_SETS["emnist_letters"].with_(SMALL),
}


def build(hp, source):
    filters = hp.Int("base_filters", 4, 16, step=4, default=8)
    kernel = hp.Choice("kernel", [2, 3, 5], default=3)
    pool = hp.Choice("pool", ["max", "average"])
    use_bn = hp.Boolean("use_bn")
    model = keras.Sequential([keras.Input(source.input_shape)])
    augment = hp.Boolean("augment")
    with hp.conditional_scope("augment", [True]):
        shift = hp.Float("max_shift", 0.02, 0.3)
    if augment:
        model.add(keras.layers.RandomTranslation(shift, shift, interpolation="nearest"))
    pooling = {"max": keras.layers.MaxPooling2D, "average": keras.layers.AveragePooling2D}[pool]
    for block in range(hp.Int("num_conv_layers", 1, 3, default=2)):
        model.add(keras.layers.Conv2D(filters * 2**block, kernel, padding="same"))
        if use_bn:
            model.add(keras.layers.BatchNormalization())
        model.add(keras.layers.Activation("relu"))
        model.add(pooling(2, padding="same"))
    head = hp.Choice("head", ["flatten", "global_average"])
    pooled = head == "global_average"
    model.add(keras.layers.GlobalAveragePooling2D() if pooled else keras.layers.Flatten())
    model.add(keras.layers.Dropout(hp.Float("drop_rate", 0.0, 0.7)))
    model.add(keras.layers.Dense(source.num_classes))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(build_optimizer(hp), loss, metrics=["accuracy"])
    return model


def build_optimizer(hp):
    name = hp.Choice("solver", ["adam", "sgd", "rmsprop", "adagrad"])
    learning_rate = hp.Float("init_lr", 1e-5, 0.5, sampling="log", default=1e-3)
    with hp.conditional_scope("solver", ["sgd"]):
        momentum = hp.Float("sgd_momentum", 0.0, 0.99, default=0.9)
    with hp.conditional_scope("solver", ["rmsprop"]):
        rho = hp.Float("rho", 0.5, 0.999, default=0.9)
    if name == "sgd":
        return keras.optimizers.SGD(learning_rate, momentum=momentum)
    if name == "rmsprop":
        return keras.optimizers.RMSprop(learning_rate, rho=rho)
    return {"adam": keras.optimizers.Adam, "adagrad": keras.optimizers.Adagrad}[name](learning_rate)


def fit_arguments(hp):
    return {"batch_size": hp.Choice("mini_batch_size", [16, 32, 64, 128], default=32)}


TASKS = [
    entry.task(f"image_convnet/{variant}", build, fit_arguments, ("image", "convnet", variant))
    for variant, entry in VARIANTS.items()
]
