"""What a traced training depends on besides variables."""

import hashlib
import json
import uuid
from collections.abc import Mapping
from types import FunctionType
from typing import Any

import keras
import numpy as np

from keras_metahpo.populations.exchangeable import exchangeable_floats, is_scheduled, set_float

PLAIN_TYPES = (bool, int, float, str)
# In place of an exchangeable number where structures are compared.
ANY_VALUE = 0.123456789


def structure(model: keras.Model) -> str:
    """Everything about a compiled model that its traced training depends on, as text.

    Two models share a trace if their structures are equal, whatever their weights, exchangeable
    numbers and learning rates. What cannot be described is equal to nothing.
    """
    numbers = exchangeable_floats(model)
    values = [getattr(part, name) for part, name in numbers]
    for part, name in numbers:
        set_float(part, name, ANY_VALUE)
    try:
        compiled = model.get_compile_config()
        compiled["optimizer"]["config"].pop("learning_rate", None)
        parts = [model.get_config(), compiled, is_scheduled(model.optimizer), len(numbers)]
        described = [_attributes(part) for part in _parts(model)]
        return json.dumps([parts, described], default=_unlike_anything)
    except (NotImplementedError, TypeError, ValueError):  # Of `get_config`.
        return _unlike_anything(model)
    finally:
        for (part, name), value in zip(numbers, values, strict=True):
            set_float(part, name, value)


def _parts(model: keras.Model) -> list[Any]:
    """Layers, losses, metrics and the optimizer, whose `get_config` may say too little."""
    metrics = getattr(model._compile_metrics, "_user_metrics", None)
    given = keras.tree.flatten([model.loss, metrics])
    return [*model._flatten_layers(), *given, model.optimizer]


def _attributes(part: Any) -> Any:
    """What a part of the user's own has in its attributes, and functions and arrays in Keras's.

    A `Normalization` that was adapted keeps what it found in arrays.
    """
    if not hasattr(part, "__dict__") or isinstance(part, FunctionType):
        return _described(part)
    is_own = not type(part).__module__.startswith("keras.")
    return {
        name: _described(value)
        for name, value in vars(part).items()
        if not name.startswith("_") and (is_own or _is_function_or_array(value))
    }


def _is_function_or_array(value: Any) -> bool:
    return isinstance(value, FunctionType | np.ndarray) or keras.ops.is_tensor(value)


def _described(value: Any) -> Any:
    if value is None or isinstance(value, PLAIN_TYPES):
        return value
    if isinstance(value, Mapping):
        return {str(key): _described(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set):
        return [_described(item) for item in value]
    if isinstance(value, np.ndarray | np.generic) or keras.ops.is_tensor(value):
        value = np.asarray(value)
        return hashlib.sha256(value.tobytes()).hexdigest() + str(value.dtype) + str(value.shape)
    if type(value).__module__.startswith("keras."):
        return type(value).__name__  # Described by its own part, or by `get_config`.
    if isinstance(value, FunctionType) and "<" not in value.__qualname__:
        return f"{value.__module__}.{value.__qualname__}"
    if isinstance(value, keras.Layer | keras.Loss | keras.Metric | keras.Variable):
        return type(value).__name__
    return _unlike_anything(value)


def _unlike_anything(value: Any) -> str:
    """A closure, say, may hold any number; no two are taken for equal."""
    return f"{type(value).__name__} {uuid.uuid4().hex}"
