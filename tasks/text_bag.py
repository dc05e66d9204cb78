"""Averaged word embeddings below dense layers (Joulin et al. 2017, without n-grams)."""

import keras

from keras_metahpo.tasks import TEXT_SETS, CappedVocabulary, Imbalanced, MaskedMean

VARIANTS = {
    "imdb": TEXT_SETS["imdb"],
    "trec": TEXT_SETS["trec"],
    "trec_fine": TEXT_SETS["trec_fine"],
    "trec_imbalanced": TEXT_SETS["trec"].with_(Imbalanced()),
    "clinc_intents": TEXT_SETS["clinc_intents"],
    "goemotions": TEXT_SETS["goemotions"],
    "goemotions_groups": TEXT_SETS["goemotions_groups"],
}
MAX_DENSE_LAYERS = 2


def build(hp, source):
    length = source.input_shape[0]
    words = keras.Input((length,), dtype="int32")
    maxlen = hp.Choice("maxlen", [length // 4, length // 2, length], default=length)
    kept = CappedVocabulary(hp.Choice("max_features", [300, 1000, 3000, 5000], default=3000))(
        words[:, :maxlen]
    )
    size = hp.Int("embedding_size", 8, 128, sampling="log", default=32)
    vectors = keras.layers.Embedding(source.vocabulary_size, size)(kept)
    x = MaskedMean()(vectors, kept)
    dropout = hp.Float("dropout", 0.0, 0.8, step=0.1, default=0.2)
    num_layers = hp.Int("num_dense_layers", 0, MAX_DENSE_LAYERS)
    with hp.conditional_scope("num_dense_layers", list(range(1, MAX_DENSE_LAYERS + 1))):
        neurons = hp.Int("neurons", 16, 256, sampling="log", default=64)
        activation = hp.Choice("activation_function", ["relu", "tanh", "selu"])
    for _ in range(num_layers):
        x = keras.layers.Dense(neurons, activation)(keras.layers.Dropout(dropout)(x))
    x = keras.layers.Dense(source.num_classes)(keras.layers.Dropout(dropout)(x))
    model = keras.Model(words, x)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(build_optimizer(hp), loss, metrics=["accuracy"])
    return model


def build_optimizer(hp):
    name = hp.Choice("optimiser", ["adam", "rmsprop", "adagrad", "adamw"])
    learning_rate = hp.Float("lr", 1e-4, 1.0, sampling="log", default=3e-3)
    with hp.conditional_scope("optimiser", ["adamw"]):
        decay = hp.Float("weight_decay", 1e-5, 1.0, sampling="log", default=4e-3)
    if name == "adamw":
        return keras.optimizers.AdamW(learning_rate, weight_decay=decay)
    return {
        "adam": keras.optimizers.Adam,
        "rmsprop": keras.optimizers.RMSprop,
        "adagrad": keras.optimizers.Adagrad,
    }[name](learning_rate)


def fit_arguments(hp):
    return {"batch_size": hp.Choice("batch_size", [16, 32, 64, 128], default=32)}


TASKS = [
    entry.task(f"text_bag/{variant}", build, fit_arguments, ("text", "bag", variant))
    for variant, entry in VARIANTS.items()
]
