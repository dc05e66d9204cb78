"""The batches of an epoch, from arrays or from a `keras.utils.PyDataset` (TensorFlow).

Shapes: n examples, b of them in a batch.
"""

from collections.abc import Callable
from typing import Any, Protocol

import keras
import numpy as np
import tensorflow as tf

from keras_metahpo.populations.trainings import example, next_batches, next_rows

# `epoch(arrays, order, size)` works through the rows `order` (n,) of arrays, `size` rows a time.
Epoch = Callable[[Any, tf.Tensor, tf.Tensor], None]


class Batches(Protocol):
    """What an epoch consists of.

    Attributes:
        num_batches: Of an epoch.
    """

    num_batches: int

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
        return _DatasetBatches(data, rng)
    return _ArrayBatches(data, size, rng)


class _ArrayBatches:
    def __init__(self, data: tuple[Any, Any], size: int, rng: np.random.Generator | None):
        self._arrays = keras.tree.map_structure(tf.convert_to_tensor, data)
        self._num_examples = len(keras.tree.flatten(self._arrays)[0])
        self._size = tf.constant(size)
        self._rng = rng
        self.num_batches = -(-self._num_examples // size)

    def trace(self, epoch):
        epoch.get_concrete_function(self._arrays, tf.range(self._num_examples), self._size)

    def run(self, epoch):
        rows = next_rows(self._num_examples, self._rng)
        epoch(self._arrays, tf.convert_to_tensor(rows), self._size)


class _DatasetBatches:
    """Every batch is an epoch of its own to the graph, in the batch's own order."""

    def __init__(self, data: tuple[Any, Any], rng: np.random.Generator | None):
        self._data = data
        self._rng = rng
        self.num_batches = data[0].num_batches

    def trace(self, epoch):
        epoch.get_concrete_function(*self._whole(example(self._data)))

    def run(self, epoch):
        for batch in next_batches(self._data[0], self._rng):
            epoch(*self._whole(batch))

    @staticmethod
    def _whole(batch: tuple) -> tuple:
        arrays = keras.tree.map_structure(tf.convert_to_tensor, batch)
        size = len(keras.tree.flatten(arrays)[0])
        return arrays, tf.range(size), tf.constant(size)
