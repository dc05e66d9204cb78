"""Numbers of a Keras model that may change without tracing its training anew (TensorFlow).

A traced training step holds a dropout rate or an optimizer's momentum as a constant. A
`VariableFloat` in its place is a float to Python, which decides by it what to trace, and a variable
to TensorFlow.
"""

from collections.abc import Callable, Iterator
from typing import Any

import keras
import tensorflow as tf

# Attributes that Keras uses as numbers only, beyond comparing them with 0.
ATTRIBUTES: tuple[tuple[type, tuple[str, ...]], ...] = (
    (keras.layers.Dropout, ("rate",)),
    (keras.layers.GaussianNoise, ("stddev",)),
    (keras.layers.MultiHeadAttention, ("_dropout",)),
    (keras.regularizers.L1, ("l1",)),
    (keras.regularizers.L2, ("l2",)),
    (keras.regularizers.L1L2, ("l1", "l2")),
    (keras.optimizers.Optimizer, ("weight_decay", "momentum", "beta_1", "beta_2", "rho")),
    (keras.optimizers.Optimizer, ("clipnorm", "global_clipnorm", "clipvalue")),
)


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


def exchangeable_floats(model: keras.Model) -> list[tuple[Any, str]]:
    """(object, attribute) of every number of a compiled model that can be a variable, in order.

    Those that are 0 are left out: Keras traces nothing for them. Losses and layers of one's own
    name theirs in a class attribute `exchangeable`.
    """
    found = []
    for part in _parts(model):
        names = [n for kind, names in ATTRIBUTES if isinstance(part, kind) for n in names]
        for name in (*names, *getattr(type(part), "exchangeable", ())):
            if isinstance(getattr(part, name, None), float) and getattr(part, name) != 0.0:
                found.append((part, name))
    return found


def _parts(model: keras.Model) -> Iterator[Any]:
    """The layers, regularizers, loss and optimizer of a compiled model, each once."""
    seen: set[int] = set()
    for layer in model._flatten_layers():
        regularizers = [v for v in vars(layer).values() if isinstance(v, keras.Regularizer)]
        for part in (layer, *regularizers):
            if id(part) not in seen:
                seen.add(id(part))
                yield part
    yield model.optimizer
    if isinstance(model.loss, keras.Loss):
        yield model.loss


def set_float(part: Any, name: str, value: float) -> None:
    """Sets an attribute; Keras's tracking of attributes is not concerned with numbers."""
    object.__setattr__(part, name, value)
