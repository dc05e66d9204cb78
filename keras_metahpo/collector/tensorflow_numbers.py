"""Numbers and learning rates of a model as variables of TensorFlow, which a trace only reads.

A `VariableFloat` in place of a constant is a float to Python, which decides by it what to trace,
and a variable to TensorFlow.
"""

from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf


class VariableFloat(float):
    """A float whose value in a TensorFlow graph is that of a variable.

    What Python makes of it with other numbers, such as `1.0 - rate`, is a variable float again: it
    is computed in double precision and rounded once, as the constant in its place would be.

    Args:
        value: What Python sees: whether it is 0 must never change.
    """

    variable: tf.Variable
    _read: Callable[[], tf.Tensor]
    # Keras decides by it what an operation with other numbers yields.
    dtype = "float32"

    def __new__(cls, value: float):
        number = super().__new__(cls, value)
        number.variable = tf.Variable(float(value), dtype=tf.float64, trainable=False)
        number._read = number.variable.read_value
        return number

    @classmethod
    def _computed(cls, value: float, read: Callable[[], tf.Tensor]) -> "VariableFloat":
        number = super().__new__(cls, value)
        number._read = read
        return number

    def __tf_tensor__(self, dtype=None, name=None):
        return tf.cast(self._read(), dtype or tf.float32)

    def __deepcopy__(self, memo):
        return self


def _operator(name: str):
    of_floats = getattr(float, name)

    def operate(self, other):
        if not isinstance(other, int | float):
            return getattr(self.__tf_tensor__(), name)(other)
        read_other = getattr(other, "_read", lambda: tf.constant(float(other), tf.float64))
        return VariableFloat._computed(
            of_floats(self, float(other)), lambda: getattr(self._read(), name)(read_other())
        )

    return operate


for _name in ("add", "sub", "mul", "truediv", "pow"):
    for _prefix in ("", "r"):
        setattr(VariableFloat, f"__{_prefix}{_name}__", _operator(f"__{_prefix}{_name}__"))


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
