"""Averaged embeddings and a convolutional network on short texts."""

import keras

from keras_metahpo.tasks import MaskedMean, Task, TextSource

SOURCES = {
    "trec": (
        TextSource("trec:1.0.0", "text", "label-coarse", 6),
        "unknown",
        "Li and Roth 2002",
    ),
    "sst2": (
        TextSource("glue/sst2:2.0.0", "sentence", "label", 2, test_split="validation"),
        "unknown",
        "Socher et al. 2013",
    ),
}


def build_average(hp, source):
    words = keras.Input((source.length,), dtype="int32")
    embedding_dim = hp.Int("embedding_dim", 8, 128, sampling="log", default=32)
    vectors = keras.layers.Embedding(source.vocabulary_size, embedding_dim)(words)
    x = MaskedMean()(vectors, words)
    x = keras.layers.Dropout(hp.Float("dropout", 0.0, 0.8))(x)
    if hp.Boolean("hidden_layer"):
        with hp.conditional_scope("hidden_layer", [True]):
            x = keras.layers.Dense(hp.Int("hidden_units", 16, 256, sampling="log"), "relu")(x)
    return _compile(hp, source, words, x)


def build_cnn(hp, source):
    words = keras.Input((source.length,), dtype="int32")
    embedding_dim = hp.Int("embedding_dim", 8, 128, sampling="log", default=32)
    vectors = keras.layers.Embedding(source.vocabulary_size, embedding_dim)(words)
    x = keras.layers.SpatialDropout1D(hp.Float("embedding_dropout", 0.0, 0.6))(vectors)
    filters = hp.Int("num_filters", 8, 128, sampling="log")
    x = keras.layers.Conv1D(filters, hp.Int("kernel_size", 1, 7), activation="relu")(x)
    x = keras.layers.GlobalMaxPooling1D()(x)
    x = keras.layers.Dropout(hp.Float("dropout", 0.0, 0.8))(x)
    return _compile(hp, source, words, x)


def _compile(hp, source, words, x):
    outputs = keras.layers.Dense(source.num_classes, activation="softmax")(x)
    model = keras.Model(words, outputs)
    learning_rate = hp.Float("learning_rate", 1e-5, 0.1, sampling="log", default=1e-3)
    optimizer = {
        "adam": keras.optimizers.Adam,
        "adamw": keras.optimizers.AdamW,
        "sgd": keras.optimizers.SGD,
        "adagrad": keras.optimizers.Adagrad,
    }[hp.Choice("optimizer", ["adam", "adamw", "sgd", "adagrad"])]
    clip = hp.Float("clipnorm", 0.1, 10.0, sampling="log", default=1.0)
    model.compile(
        optimizer(learning_rate, clipnorm=clip),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model


def fit_arguments(hp):
    return {"batch_size": hp.Choice("batch_size", [16, 32, 64, 128, 256], default=32)}


def _task(variant, hypermodel, build):
    source, licence, citation = SOURCES[variant]
    return Task(
        name=f"text/{hypermodel}_{variant}",
        build=lambda hp: build(hp, source),
        data=source,
        max_fidelity=8,
        fit_arguments=fit_arguments,
        tags=("text", hypermodel, variant),
        licence=licence,
        citation=citation,
    )


TASKS = [
    _task(variant, hypermodel, build)
    for variant in SOURCES
    for hypermodel, build in (("average", build_average), ("cnn", build_cnn))
]
