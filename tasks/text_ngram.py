"""A convolutional network with several filter widths on short texts (Kim 2014)."""

import keras

from keras_metahpo.tasks import TEXT_SETS, CappedVocabulary, FewExamples

VARIANTS = {
    "imdb": TEXT_SETS["imdb"],
    "sst2": TEXT_SETS["sst2"],
    "trec_500": TEXT_SETS["trec"].with_(FewExamples(500)),
    "trec_fine": TEXT_SETS["trec_fine"],
    "clinc_domains": TEXT_SETS["clinc_domains"],
    "goemotions_groups": TEXT_SETS["goemotions_groups"],
}


def build(hp, source):
    words = keras.Input(source.input_shape, dtype="int32")
    kept = CappedVocabulary(hp.Int("vocab_size", 300, 5000, sampling="log", default=3000))(words)
    size = hp.Int("embed_dim", 8, 64, step=8, default=32)
    vectors = keras.layers.Embedding(source.vocabulary_size, size)(kept)
    vectors = keras.layers.SpatialDropout1D(hp.Float("word_dropout", 0.0, 0.5))(vectors)
    filters = hp.Int("n_filters", 8, 64, sampling="log", default=24)
    widths = hp.Choice("filter_widths", ["1", "3", "2-3", "2-3-4"], default="2-3")
    pooled = [
        keras.layers.GlobalMaxPooling1D()(
            keras.layers.Conv1D(filters, int(width), activation="relu")(vectors)
        )
        for width in widths.split("-")
    ]
    x = keras.layers.Concatenate()(pooled) if len(pooled) > 1 else pooled[0]
    x = keras.layers.Dropout(hp.Float("hidden_dropout", 0.0, 0.8, default=0.5))(x)
    constraint = keras.constraints.MaxNorm(hp.Float("max_norm", 0.3, 10.0, sampling="log"))
    outputs = keras.layers.Dense(source.num_classes, kernel_constraint=constraint)(x)
    model = keras.Model(words, outputs)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(build_optimizer(hp), loss, metrics=["accuracy"])
    return model


def build_optimizer(hp):
    name = hp.Choice("algorithm", ["adam", "sgd", "adamax"])
    learning_rate = hp.Float("initial_learning_rate", 1e-4, 1.0, sampling="log", default=2e-3)
    with hp.conditional_scope("algorithm", ["sgd"]):
        momentum = hp.Choice("momentum", [0.0, 0.9, 0.97])
    with hp.conditional_scope("algorithm", ["adam", "adamax"]):
        beta_2 = hp.Choice("beta_2", [0.9, 0.99, 0.999], default=0.999)
    if name == "sgd":
        return keras.optimizers.SGD(learning_rate, momentum=momentum, nesterov=momentum > 0)
    if name == "adam":
        return keras.optimizers.Adam(learning_rate, beta_2=beta_2)
    return keras.optimizers.Adamax(learning_rate, beta_2=beta_2)


def fit_arguments(hp):
    return {"batch_size": hp.Int("batch_size", 16, 128, step=16, default=48)}


TASKS = [
    entry.task(f"text_ngram/{variant}", build, fit_arguments, ("text", "ngram", variant))
    for variant, entry in VARIANTS.items()
]
