"""The data of a population of configurations, epoch after epoch (JAX).

Shapes: k configurations, n examples, b of them in a batch, m batches in an epoch, r left over.
"""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import keras
import numpy as np

from keras_metahpo.populations.trainings import NotCompilable, next_batches, next_rows

ALL, EACH = None, 0  # Axes: arrays for all configurations, or some for each.


class Epochs:
    """The arrays and rows of one epoch after another, for all configurations.

    Args:
        data: k pairs of inputs and labels, or of a `PyDataset` and `None`.
        size: Of a batch; a `PyDataset` has its own.
        rngs: k generators of orders, or `None` for the order that they have.

    Attributes:
        axis: Whether all configurations share the arrays.
        num_batches: Of an epoch, a last smaller one included.
    """

    def __init__(self, data: Sequence[tuple], size: int, rngs: Sequence):
        self._data, self._size, self._rngs = data, size, rngs
        self._is_dataset = isinstance(data[0][0], keras.utils.PyDataset)
        identities = {tuple(id(array) for array in keras.tree.flatten(pair)) for pair in data}
        self.axis = ALL if len(identities) == 1 and not self._is_dataset else EACH
        self._arrays: Any = None
        if self._is_dataset:
            self.num_batches = data[0][0].num_batches
            return
        # One copy where all configurations share it.
        self._arrays = (
            stacked(data) if self.axis is EACH else keras.tree.map_structure(jnp.asarray, data[0])
        )
        self._num_examples = len(keras.tree.flatten(data[0])[0])
        self.num_batches = -(-self._num_examples // size)

    def next(self) -> tuple:
        """Arrays (n, ...) or (k, n, ...), rows of full batches (k, m, b), and the rest (k, r)."""
        if self._is_dataset:
            return self._next_of_datasets()
        num_full = self._num_examples // self._size * self._size
        rows = np.stack([next_rows(self._num_examples, rng) for rng in self._rngs])
        full = rows[:, :num_full].reshape(len(rows), -1, self._size)
        return self._arrays, jnp.asarray(full), jnp.asarray(rows[:, num_full:])

    def _next_of_datasets(self) -> tuple:
        epochs, shape = [], None
        for (dataset, _), rng in zip(self._data, self._rngs, strict=True):
            batches = list(next_batches(dataset, rng))
            shapes = {str(keras.tree.map_structure(lambda a: a.shape, b)) for b in batches}
            if len(shapes) > 1 or shape not in (None, shapes):
                raise NotCompilable("its batches differ in shape")
            shape = shapes
            epochs.append(
                keras.tree.map_structure(lambda *arrays: np.concatenate(arrays), *batches)
            )
        num_rows = len(keras.tree.flatten(epochs[0])[0])
        rows = jnp.arange(num_rows).reshape(self.num_batches, -1)
        full = jnp.broadcast_to(rows, (len(epochs), *rows.shape))
        return stacked(epochs), full, jnp.zeros((len(epochs), 0), jnp.int32)


def stacked(trees: Sequence):
    """Trees of arrays as one tree of arrays with one more axis, the first."""
    return jax.tree.map(lambda *leaves: jnp.stack([jnp.asarray(leaf) for leaf in leaves]), *trees)
