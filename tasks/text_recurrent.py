"""Recurrent networks on short texts; padding is masked, without which they learn nothing."""

import keras

from keras_metahpo.tasks import TEXT_SETS, CappedVocabulary, FewExamples, SmoothedCrossEntropy

VARIANTS = {
    "sst2": TEXT_SETS["sst2"],
    "trec_1500": TEXT_SETS["trec"].with_(FewExamples(1500)),
    "trec_fine_1500": TEXT_SETS["trec_fine"].with_(FewExamples(1500)),
    "clinc_domains_1000": TEXT_SETS["clinc_domains"].with_(FewExamples(1000)),
    "goemotions_groups_1500": TEXT_SETS["goemotions_groups"].with_(FewExamples(1500)),
}
# A recurrent step costs several times a convolution's.
MAX_EXAMPLES = 12_000  # over all epochs
MAX_EPOCHS = 8


def build(hp, source):
    words = keras.Input(source.input_shape, dtype="int32")
    kept = CappedVocabulary(hp.Choice("max_tokens", [500, 2000, 5000], default=2000))(words)
    size = hp.Int("embedding_dim", 8, 64, sampling="log", default=24)
    x = keras.layers.Embedding(source.vocabulary_size, size, mask_zero=True)(kept)
    x = keras.layers.Dropout(hp.Float("embedding_dropout", 0.0, 0.6))(x)
    hidden_size = hp.Int("hidden_dim", 8, 48, step=8, default=24)
    cell = {"gru": keras.layers.GRU, "lstm": keras.layers.LSTM}[hp.Choice("cell", ["gru", "lstm"])]
    initializer = hp.Choice("recurrent_initializer", ["orthogonal", "glorot_uniform"])
    layer = cell(hidden_size, recurrent_initializer=initializer)
    x = (keras.layers.Bidirectional(layer) if hp.Boolean("bidirectional") else layer)(x)
    x = keras.layers.Dropout(hp.Float("output_dropout", 0.0, 0.6))(x)
    model = keras.Model(words, keras.layers.Dense(source.num_classes)(x))
    optimizer = {"adam": keras.optimizers.Adam, "rmsprop": keras.optimizers.RMSprop}[
        hp.Choice("optim", ["adam", "rmsprop"])
    ]
    model.compile(
        optimizer(
            hp.Float("learning_rate", 1e-4, 0.3, sampling="log", default=5e-3),
            clipnorm=hp.Float("gradient_clip", 0.1, 10.0, sampling="log", default=1.0),
        ),
        SmoothedCrossEntropy(hp.Choice("label_smoothing", [0.0, 0.1, 0.2])),
        metrics=["accuracy"],
    )
    return model


def fit_arguments(hp):
    return {"batch_size": hp.Choice("batch", [32, 64, 128, 256], default=64)}


TASKS = [
    entry.task(
        f"text_recurrent/{variant}",
        build,
        fit_arguments,
        ("text", "recurrent", variant),
        max_fidelity=min(MAX_EPOCHS, MAX_EXAMPLES // entry.source.num_train),
    )
    for variant, entry in VARIANTS.items()
]
