"""What a hypermodel would give to its model's `fit`, as a training that can be done otherwise.

Shapes: n examples.
"""

import inspect
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from keras_metahpo.populations.trainings import (
    FIT_BATCH_SIZE,
    NotCompilable,
    Prepared,
    require_compilable,
)

_FIT = inspect.signature(keras.Model.fit)
# Arguments of `fit` that only `fit` understands, unless they have their defaults.
ONLY_FIT = (
    "class_weight",
    "sample_weight",
    "initial_epoch",
    "steps_per_epoch",
    "validation_steps",
    "validation_freq",
)
# Kinds of NumPy's types that are numbers.
NUMBERS = "biuf"
CALLBACKS = (keras.callbacks.EarlyStopping, keras.callbacks.TerminateOnNaN)


def record_fit(hypermodel, hp, model: keras.Model, args: tuple, kwargs: Mapping) -> dict[str, Any]:
    """All arguments with which a hypermodel calls its model's `fit`, which is not done.

    Raises:
        NotCompilable: if it does not call it once and return what it returns.
    """
    require_compilable(model)
    history = keras.callbacks.History()
    calls: list[dict[str, Any]] = []

    def fit(*args, **kwargs):
        bound = _FIT.bind(model, *args, **kwargs)
        bound.apply_defaults()
        calls.append(dict(bound.arguments))
        return history

    name = type(hypermodel).__name__
    model.__dict__["fit"] = fit
    try:
        result = hypermodel.fit(hp, model, *args, **kwargs)
    except Exception as error:
        raise NotCompilable(f"`fit` of {name} needs what the model's returns ({error!r})") from None
    finally:
        del model.__dict__["fit"]
    if result is not history or len(calls) != 1:
        raise NotCompilable(f"`fit` of {name} does more than call the model's")
    return calls[0]


def prepare_recorded(model: keras.Model, arguments: Mapping[str, Any]) -> Prepared:
    """The training that `fit` would do with such arguments, for all its epochs.

    Raises:
        NotCompilable: if only `fit` itself can do it.
    """
    for name in ONLY_FIT:
        default = _FIT.parameters[name].default
        if arguments[name] is not default and arguments[name] != default:
            raise NotCompilable(f"fit is called with {name}")
    for callback in arguments["callbacks"] or ():
        if type(callback) not in CALLBACKS:
            raise NotCompilable(f"the callback {type(callback).__name__} needs a fit of its own")
    train = (arguments["x"], arguments["y"])
    _require_arrays(train)
    validation = arguments["validation_data"]
    if validation is None and arguments["validation_split"]:
        train, validation = _split(train, arguments["validation_split"])
    if not isinstance(validation, tuple | list) or len(validation) != 2:
        raise NotCompilable("validation_data are not a pair of inputs and labels")
    _require_arrays(validation)
    batch_size = arguments["batch_size"] or FIT_BATCH_SIZE
    validation_batch_size = arguments["validation_batch_size"] or batch_size
    return Prepared(model, train, tuple(validation), batch_size, validation_batch_size)


def _require_arrays(data) -> None:
    for array in keras.tree.flatten(data):
        if not isinstance(array, np.ndarray):
            raise NotCompilable(f"the data are a {type(array).__name__}, not NumPy arrays")
        if array.dtype.kind not in NUMBERS:
            raise NotCompilable(f"the data are {array.dtype}, not numbers")


def _split(train: tuple, share: float) -> tuple[tuple, tuple]:
    """The first examples and, as `fit` takes them for validation, the last ones."""
    num_examples = len(keras.tree.flatten(train)[0])
    first = int(num_examples * (1.0 - share))
    if not 0 < first < num_examples:
        raise NotCompilable(f"validation_split={share} leaves one part without examples")
    parts = (slice(None, first), slice(first, None))
    first_part, last_part = (
        keras.tree.map_structure(lambda array, part=part: array[part], train) for part in parts
    )
    return first_part, last_part
