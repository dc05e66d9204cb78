"""The gradient of a ranker's score with respect to unit positions, on TensorFlow or JAX.

The network is differentiated with respect to the cells of its tokens, on whichever backend Keras
has; how cells follow a unit position is told by the cells of the two neighbouring configurations.

Shapes: as in `keras_metahpo.rankers.base`; n configurations, f facts of a cell.
"""

from collections.abc import Callable, Mapping

import numpy as np

from keras_metahpo.rankers.bars import CENTRES
from keras_metahpo.rankers.base import Tokens
from keras_metahpo.space import Hyperparameter, Points, SearchSpace

BACKENDS = ("tensorflow", "jax")
# Neighbours of a continuous position, in units of its range.
SMALLEST_STEP = 0.01

# Inputs of a `RankingNetwork` by name to the gradient of its mean with respect to the cells.
CellGradient = Callable[[Mapping[str, np.ndarray]], np.ndarray]


def checked_backend() -> str:
    """The name of Keras's backend; raises where it is not one that is differentiated here."""
    import keras

    backend = keras.backend.backend()
    if backend not in BACKENDS:
        raise ValueError(
            f"The ranker's gradient needs Keras on one of the backends {list(BACKENDS)}. "
            f"Received: {backend!r}. Set KERAS_BACKEND to one of them before importing keras."
        )
    return backend


def cell_gradient(network) -> CellGradient:
    """A compiled function of the inputs of a `RankingNetwork`.

    Returns:
        Inputs by name to a float array (b, n, d, f): the gradient of the expected normal score,
        averaged over members, with respect to the cells.
    """
    return {"tensorflow": _on_tensorflow, "jax": _on_jax}[checked_backend()](network)


def cell_slopes(
    tokens_of: Callable[[SearchSpace, Points], Tokens], space: SearchSpace, points: Points
) -> np.ndarray:
    """How each cell changes with its hyperparameter's unit position: float array (n, d, f).

    A difference between legal configurations, for cells exist of these only. Categorical
    hyperparameters have no neighbours, and a slope of zero.
    """
    ordered = ~space.categorical
    steps = ordered * np.array([_step(hp) for hp in space.hyperparameters])
    # A cell tells of its own hyperparameter alone, so that all of them may move at once.
    above = space.snap(np.clip(points.units + steps, 0.0, 1.0))
    below = space.snap(np.clip(points.units - steps, 0.0, 1.0))
    distances = np.where(above.active & below.active, above.units - below.units, 0.0)[..., None]
    cells = [tokens_of(space, moved).cells[0, :, : len(space)] for moved in (above, below)]
    moved = distances > 0
    return np.where(moved, (cells[0] - cells[1]) / np.where(moved, distances, 1.0), 0.0)


def _step(hp: Hyperparameter) -> float:
    """Part of the unit interval that leads to another value from every value."""
    if not np.isfinite(hp.num_values):
        return SMALLEST_STEP
    if hp.kind == "int" and hp.step is None and hp.low < hp.high:
        # In log sampling, the values at one of the ends are the widest.
        ends = np.array([[hp.low, hp.low + 1], [hp.high - 1, hp.high]])
        return max(SMALLEST_STEP, float(np.diff(hp.units(ends)).max()))
    return max(SMALLEST_STEP, 1.0 / hp.num_values)


def _total_score(output):
    """Sum over configurations of the expected normal score, of output (b, n, m, 2 + k)."""
    from keras import ops

    probabilities = ops.softmax(output[..., 2:], axis=-1)
    centres = ops.convert_to_tensor(CENTRES.astype(np.float32))
    return ops.sum(ops.mean(ops.sum(probabilities * centres, axis=-1), axis=-1))


def _on_tensorflow(network) -> CellGradient:
    import tensorflow as tf

    @tf.function
    def gradient(inputs):
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(inputs["cells"])
            score = _total_score(network(inputs, training=False))
        return tape.gradient(score, inputs["cells"])

    def evaluate(inputs):
        tensors = {name: tf.convert_to_tensor(array) for name, array in inputs.items()}
        return gradient(tensors).numpy()

    return evaluate


def _on_jax(network) -> CellGradient:
    import jax

    def score(cells, trainable, non_trainable, others):
        inputs = {**others, "cells": cells}
        output, _ = network.stateless_call(trainable, non_trainable, inputs, training=False)
        return _total_score(output)

    gradient = jax.jit(jax.grad(score))

    def evaluate(inputs):
        # Weights are arguments, not constants of the graph: they may be set again.
        trainable = [v.value for v in network.trainable_variables]
        non_trainable = [v.value for v in network.non_trainable_variables]
        others = {name: array for name, array in inputs.items() if name != "cells"}
        return np.asarray(gradient(inputs["cells"], trainable, non_trainable, others))

    return evaluate
