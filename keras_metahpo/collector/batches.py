"""The batches of an epoch, from arrays or from a `keras.utils.PyDataset` (TensorFlow).

Shapes: n examples, b of them in a batch.
"""

from collections.abc import Callable, Iterator
from typing import Any, Protocol

import keras
import numpy as np
import tensorflow as tf

# `epoch(arrays, order, size)` works through the rows `order` (n,) of arrays, `size` rows a time.
Epoch = Callable[[Any, tf.Tensor, tf.Tensor], None]


class Batches(Protocol):
    """What an epoch consists of.

    Attributes:
        num_batches: Of an epoch.
        signature: Shapes and types that a graph is traced for, as text.
    """

    num_batches: int
    signature: str

    def example(self) -> tuple:
        """A batch."""

    def trace(self, epoch: Epoch) -> None:
        """Traces `epoch` without running it."""

    def run(self, epoch: Epoch) -> None:
        """Runs the next epoch."""


def make_batches(data: tuple[Any, Any], size: int, rng: np.random.Generator | None) -> Batches:
    """Batches of pairs (inputs, labels), or of a `PyDataset` in place of the inputs.

    Args:
        data: Inputs and labels; labels are `None` for a `PyDataset`.
        size: Of a batch; a `PyDataset` has its own.
        rng: Draws a new order for each epoch; `None` for the order that they have.
    """
    if isinstance(data[0], keras.utils.PyDataset):
        return _DatasetBatches(data[0], rng)
    return _ArrayBatches(data, size, rng)


class _ArrayBatches:
    def __init__(self, data: tuple[Any, Any], size: int, rng: np.random.Generator | None):
        self._arrays = keras.tree.map_structure(tf.convert_to_tensor, data)
        self._num_examples = len(keras.tree.flatten(self._arrays)[0])
        self._size = tf.constant(size)
        self._rng = rng
        self.num_batches = -(-self._num_examples // size)
        self.signature = _signature(self._arrays)

    def example(self):
        return keras.tree.map_structure(lambda array: array[:1], self._arrays)

    def trace(self, epoch):
        epoch.get_concrete_function(self._arrays, tf.range(self._num_examples), self._size)

    def run(self, epoch):
        rows = np.arange(self._num_examples, dtype="int32")
        if self._rng is not None:
            self._rng.shuffle(rows)
        epoch(self._arrays, tf.convert_to_tensor(rows), self._size)


class _DatasetBatches:
    """Every batch is an epoch of its own to the graph, in the batch's own order."""

    def __init__(self, dataset: keras.utils.PyDataset, rng: np.random.Generator | None):
        self._dataset = dataset
        self._rng = rng
        self.num_batches = dataset.num_batches
        self.signature = _signature(self.example())

    def example(self):
        return self._batch(0)

    def trace(self, epoch):
        epoch.get_concrete_function(*self._whole(self.example()))

    def run(self, epoch):
        self._dataset.on_epoch_begin()
        for batch in self._ordered():
            epoch(*self._whole(batch))
        self._dataset.on_epoch_end()

    def _ordered(self) -> Iterator[tuple]:
        numbers = np.arange(self.num_batches)
        if self._rng is not None:
            self._rng.shuffle(numbers)
        return (self._batch(int(number)) for number in numbers)

    def _batch(self, number: int) -> tuple:
        return keras.tree.map_structure(tf.convert_to_tensor, tuple(self._dataset[number]))

    @staticmethod
    def _whole(batch: tuple) -> tuple:
        size = len(keras.tree.flatten(batch)[0])
        return batch, tf.range(size), tf.constant(size)


def _signature(arrays: Any) -> str:
    return str(keras.tree.map_structure(lambda a: (tuple(a.shape[1:]), a.dtype.name), arrays))
