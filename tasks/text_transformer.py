"""A small transformer encoder (Vaswani et al. 2017) on short texts; padding is masked."""

import math

import keras
from keras import ops

from keras_metahpo.tasks import TEXT_SETS, CappedVocabulary, FewExamples, MaskedMean

VARIANTS = {
    "imdb_1000": TEXT_SETS["imdb"].with_(FewExamples(1000)),
    "sst2": TEXT_SETS["sst2"],
    "trec": TEXT_SETS["trec"],
    "trec_fine": TEXT_SETS["trec_fine"],
    "clinc_domains": TEXT_SETS["clinc_domains"],
    "goemotions_groups_1500": TEXT_SETS["goemotions_groups"].with_(FewExamples(1500)),
}
# The dearest hypermodel of the library.
MAX_EPOCHS = 6


@keras.saving.register_keras_serializable("keras_metahpo_tasks")
class PositionEmbedding(keras.layers.Layer):
    """Adds a learnt vector for each place of a text: (n, length, d) to (n, length, d)."""

    def build(self, input_shape):
        self.positions = self.add_weight(shape=input_shape[1:], initializer="uniform")

    def call(self, vectors):
        return vectors + self.positions


def build(hp, source):
    words = keras.Input(source.input_shape, dtype="int32")
    kept = CappedVocabulary(hp.Int("vocabulary_size", 500, 5000, step=500, default=2000))(words)
    num_heads = hp.Choice("heads", [1, 2, 4], default=2)
    d_model = hp.Choice("d_model", [16, 32, 48], default=32)
    x = keras.layers.Embedding(source.vocabulary_size, d_model)(kept)
    x = PositionEmbedding()(x)
    mask = ops.expand_dims(kept != 0, 1)
    dropout = hp.Float("dropout", 0.0, 0.5, default=0.1)
    attention_dropout = hp.Float("attention_dropout", 0.0, 0.5)
    hidden = d_model * hp.Int("ff_multiplier", 1, 4, default=2)
    for _ in range(hp.Int("encoder_layers", 1, 2)):
        y = keras.layers.LayerNormalization()(x)
        attention = keras.layers.MultiHeadAttention(
            num_heads, d_model // num_heads, dropout=attention_dropout
        )
        x = keras.layers.Add()([x, attention(y, y, attention_mask=mask)])
        y = keras.layers.Dense(hidden, "gelu")(keras.layers.LayerNormalization()(x))
        x = keras.layers.Add()([x, keras.layers.Dropout(dropout)(keras.layers.Dense(d_model)(y))])
    x = MaskedMean()(keras.layers.LayerNormalization()(x), kept)
    model = keras.Model(words, keras.layers.Dense(source.num_classes)(x))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(build_optimizer(hp, source), loss, metrics=["accuracy"])
    return model


def build_optimizer(hp, source):
    max_lr = hp.Float("max_lr", 1e-5, 0.1, sampling="log", default=2e-3)
    warmup_ratio = hp.Float("warmup_ratio", 0.01, 0.5, sampling="log", default=0.1)
    num_steps = NUM_EPOCHS[source] * math.ceil(source.num_train / batch_size(hp))
    num_warmup = max(1, round(warmup_ratio * num_steps))
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0, num_steps - num_warmup, warmup_target=max_lr, warmup_steps=num_warmup
    )
    return keras.optimizers.AdamW(
        schedule,
        weight_decay=hp.Float("weight_decay", 1e-5, 1.0, sampling="log", default=1e-2),
        beta_2=hp.Choice("adam_beta_2", [0.95, 0.98, 0.999], default=0.999),
    )


def batch_size(hp):
    return hp.Int("batch_size", 16, 128, step=2, sampling="log", default=32)


def fit_arguments(hp):
    return {"batch_size": batch_size(hp)}


NUM_EPOCHS = {entry.source: min(MAX_EPOCHS, entry.num_epochs) for entry in VARIANTS.values()}
TASKS = [
    entry.task(
        f"text_transformer/{variant}",
        build,
        fit_arguments,
        ("text", "transformer", variant),
        max_fidelity=NUM_EPOCHS[entry.source],
    )
    for variant, entry in VARIANTS.items()
]
