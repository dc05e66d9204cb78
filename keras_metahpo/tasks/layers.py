"""Keras pieces that several task definitions share.

Shapes: n examples, t words, d channels, c classes.
"""

import keras
from keras import ops

from keras_metahpo.words import UNKNOWN

PACKAGE = "keras_metahpo"


@keras.saving.register_keras_serializable(PACKAGE)
class SmoothedCrossEntropy(keras.losses.Loss):
    """Cross-entropy of integer labels (n,) and logits (n, c), with smoothed labels.

    Keras' own sparse cross-entropy cannot smooth (Szegedy et al. 2016, section 7).

    Args:
        smoothing: Probability mass that is spread evenly over all classes.
    """

    exchangeable = ("smoothing",)

    def __init__(self, smoothing: float = 0.0, name="smoothed_cross_entropy", **kwargs):
        super().__init__(name=name, **kwargs)
        self.smoothing = smoothing

    def call(self, y_true, y_pred):
        num_classes = y_pred.shape[-1]
        labels = ops.cast(ops.reshape(y_true, (-1,)), "int32")
        targets = ops.one_hot(labels, num_classes, dtype=y_pred.dtype)
        targets = targets * (1.0 - self.smoothing) + self.smoothing / num_classes
        return -ops.sum(targets * ops.log_softmax(y_pred, axis=-1), axis=-1)

    def get_config(self):
        return {**super().get_config(), "smoothing": self.smoothing}


@keras.saving.register_keras_serializable(PACKAGE)
class CappedVocabulary(keras.layers.Layer):
    """Word numbers (n, t) with those from `size` on made unknown: a smaller vocabulary.

    Args:
        size: Word numbers kept, the two special ones included.
    """

    def __init__(self, size: int, **kwargs):
        super().__init__(**kwargs)
        self.size = size

    def call(self, words):
        return ops.where(words < self.size, words, UNKNOWN)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "size": self.size}


@keras.saving.register_keras_serializable(PACKAGE)
class MaskedMean(keras.layers.Layer):
    """Mean of vectors (n, t, d) over the words (n, t) that are not padding: (n, d)."""

    def call(self, vectors, words):
        mask = ops.cast(ops.expand_dims(words != 0, -1), vectors.dtype)
        return ops.sum(vectors * mask, axis=1) / ops.maximum(ops.sum(mask, axis=1), 1.0)

    def compute_output_shape(self, vectors_shape, words_shape):
        return (vectors_shape[0], vectors_shape[2])
