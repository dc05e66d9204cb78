"""What a traced training depends on besides variables (TensorFlow)."""

import json

import keras
import numpy as np
import tensorflow as tf

from keras_metahpo.collector.variable_floats import exchangeable_floats, set_float

PLAIN_TYPES = (bool, int, float, str, tuple)
# In place of an exchangeable number where structures are compared.
ANY_VALUE = 0.123456789


@keras.saving.register_keras_serializable("keras_metahpo")
class LearningRates(keras.optimizers.schedules.LearningRateSchedule):
    """A learning-rate schedule as the list of its values, which can be exchanged.

    Args:
        values: Float array (steps,).
    """

    def __init__(self, values):
        self.values = tf.Variable(values, dtype=tf.float32, trainable=False, shape=(None,))

    def __call__(self, step):
        last = tf.shape(self.values, out_type=tf.int64)[0] - 1
        return tf.gather(self.values, tf.minimum(tf.cast(step, tf.int64), last))

    def get_config(self):
        return {"values": self.values.numpy().tolist()}


def structure(model: keras.Model) -> str:
    """Everything about a compiled model that its traced training depends on, as text.

    Two models share a trace if their structures are equal, whatever their weights, exchangeable
    numbers and learning rates.
    """
    numbers = exchangeable_floats(model)
    values = [getattr(part, name) for part, name in numbers]
    for part, name in numbers:
        set_float(part, name, ANY_VALUE)
    try:
        compiled = model.get_compile_config()
        compiled["optimizer"]["config"].pop("learning_rate", None)
        own = [_own_attributes(layer) for layer in model._flatten_layers()]
        parts = [model.get_config(), compiled, is_scheduled(model.optimizer), own, len(numbers)]
        return json.dumps(parts, default=str)
    finally:
        for (part, name), value in zip(numbers, values, strict=True):
            set_float(part, name, value)


def _own_attributes(layer: keras.Layer) -> dict:
    """Plain attributes of a layer of the user's, whose `get_config` may say less."""
    if type(layer).__module__.startswith("keras."):
        return {}
    return {
        name: value
        for name, value in vars(layer).items()
        if isinstance(value, PLAIN_TYPES) and not name.startswith("_")
    }


def is_scheduled(optimizer: keras.optimizers.Optimizer) -> bool:
    return not isinstance(optimizer._learning_rate, keras.Variable)


def scheduled_rates(optimizer: keras.optimizers.Optimizer, num_steps: int) -> np.ndarray:
    """The values of its schedule at each step: float array (num_steps,)."""

    @tf.function(autograph=False)
    def all_rates():
        return tf.map_fn(
            lambda step: tf.cast(optimizer._learning_rate(step), tf.float32),
            tf.range(num_steps, dtype=tf.int64),
            fn_output_signature=tf.float32,
        )

    return all_rates().numpy()
