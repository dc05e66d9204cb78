"""Accuracy that is not a number where a learner's answer is none."""

import math

import keras
from keras import ops


@keras.saving.register_keras_serializable("keras_metahpo")
class FiniteAccuracy(keras.metrics.MeanMetricWrapper):
    """Share of right answers, and NaN as soon as one logit is not finite.

    The largest of NaNs is the first: to `SparseCategoricalAccuracy` a learner that diverged is as
    good as chance, and a search would go on near it.

    Args:
        name, dtype: As of any metric.
    """

    def __init__(self, name="accuracy", dtype=None):
        super().__init__(finite_accuracies, name=name, dtype=dtype)

    def get_config(self):
        return {"name": self.name, "dtype": self.dtype}


def finite_accuracies(labels, logits):
    """1, 0 or NaN for each of labels (..., m) and logits (..., m, n)."""
    right = ops.equal(ops.cast(labels, "int32"), ops.cast(ops.argmax(logits, axis=-1), "int32"))
    finite = ops.all(ops.isfinite(logits), axis=-1)
    return ops.where(finite, ops.cast(right, logits.dtype), math.nan)
