"""What a training begins with, on any backend: the built model and its data.

Shapes: n examples, b of them in a batch.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from keras_metahpo.space import SearchSpace, Value
from keras_metahpo.tasks import Task, TaskData
from keras_metahpo.tasks.training import build_configuration

FIT_ARGUMENTS = {"batch_size", "validation_batch_size"}
FIT_BATCH_SIZE = 32


class NotCompilable(Exception):
    """Why only `fit` itself can do a training."""


@dataclass(frozen=True)
class Prepared:
    """A training that can begin.

    Attributes:
        model: Compiled, with its initial weights.
        train, validation: Inputs and labels, or a `keras.utils.PyDataset` and `None`.
        batch_size, validation_batch_size: Of arrays; a `PyDataset` has its own.
    """

    model: keras.Model
    train: tuple[Any, Any]
    validation: tuple[Any, Any]
    batch_size: int
    validation_batch_size: int


def prepare(
    task: Task,
    space: SearchSpace,
    configuration: Mapping[str, Value],
    data: TaskData,
    seed: int,
) -> Prepared:
    """Builds the model of a configuration, with the weights that `fit` would find.

    Raises:
        NotCompilable: if only `fit` itself can train it.
    """
    # Layers are named as in a fresh process, or no two structures would be equal.
    keras.utils.clear_session(free_memory=False)
    keras.utils.set_random_seed(seed)
    hp, model = build_configuration(task, space, configuration)
    arguments = dict(task.fit_arguments(hp))
    _require_compilable(model, arguments)
    prepared = task.prepared_data(hp, data.train, data.validation)
    batch_size = arguments.get("batch_size") or FIT_BATCH_SIZE
    validation_batch_size = arguments.get("validation_batch_size") or batch_size
    return Prepared(model, prepared.train, prepared.validation, batch_size, validation_batch_size)


def _require_compilable(model: keras.Model, arguments: Mapping[str, Any]) -> None:
    others = sorted(set(arguments) - FIT_ARGUMENTS)
    if others:
        raise NotCompilable(f"fit is called with {', '.join(others)}")
    if type(model).fit is not keras.Model.fit:
        raise NotCompilable(f"{type(model).__name__} has a fit of its own")
    if not model.compiled:
        raise NotCompilable("the model is not compiled before fit")
    if model.run_eagerly:
        raise NotCompilable("the model runs eagerly")


def example(data: tuple[Any, Any]) -> tuple:
    """Some rows of the data, as a batch."""
    if isinstance(data[0], keras.utils.PyDataset):
        return tuple(data[0][0])
    return keras.tree.map_structure(lambda array: array[:1], data)


def signature(data: tuple[Any, Any]) -> str:
    """Shapes without n or b, and types, as text."""
    return str(
        keras.tree.map_structure(
            lambda array: (tuple(array.shape[1:]), np.dtype(array.dtype).name), example(data)
        )
    )


def next_rows(num_examples: int, rng: np.random.Generator | None) -> np.ndarray:
    """Numbers of the examples in the order of an epoch: int array (n,).

    Args:
        num_examples: n.
        rng: Draws the order; `None` for the order that they have.
    """
    rows = np.arange(num_examples, dtype="int32")
    if rng is not None:
        rng.shuffle(rows)
    return rows


def next_batches(
    dataset: keras.utils.PyDataset, rng: np.random.Generator | None
) -> Iterator[tuple]:
    """The batches of an epoch.

    Args:
        dataset: Where they come from.
        rng: Draws their order; `None` for the order that they have.
    """
    dataset.on_epoch_begin()
    for number in next_rows(dataset.num_batches, rng):
        yield tuple(dataset[int(number)])
    dataset.on_epoch_end()
