"""What a training begins with, on any backend: the built model and its data.

Shapes: n examples, b of them in a batch.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

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


def require_compilable(model: keras.Model) -> None:
    """Raises `NotCompilable` if only `fit` itself can train a model."""
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
