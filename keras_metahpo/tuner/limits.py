"""What cannot be frozen and thawed, or trained in a population, and why."""

from collections.abc import Sequence

import keras

from keras_metahpo.tuner.curves import CurveTuner

# Callbacks of Keras that remember nothing from one epoch to the next, or nothing that matters.
HARMLESS_CALLBACKS = (
    "CSVLogger",
    "LearningRateScheduler",
    "ModelCheckpoint",
    "RemoteMonitor",
    "TensorBoard",
    "TerminateOnNaN",
)

# What a tuner may do of its own in the middle of a training.
HOOKS = ("on_epoch_begin", "on_epoch_end", "on_batch_begin", "on_batch_end")


def why_not_freezable(callbacks: Sequence) -> str | None:
    """Why every trial has to be trained in one go; `None` if it need not.

    Args:
        callbacks: Given to `search`.
    """
    for callback in callbacks:
        kind = type(callback)
        if kind.__module__.split(".")[0] != "keras" or kind.__name__ not in HARMLESS_CALLBACKS:
            return (
                f"the callback {kind.__name__} may remember earlier epochs, and would begin anew "
                "whenever a training goes on"
            )
    return None


def why_no_populations(tuner) -> str | None:
    """Why a tuner's trials are trained one at a time; `None` if they need not be."""
    if keras.backend.backend() != "jax":
        return f"the backend is {keras.backend.backend()}, not jax (set KERAS_BACKEND=jax)"
    if tuner.is_distributed():
        return "the search is distributed"
    if tuner.executions_per_trial > 1:
        return "executions_per_trial is above 1"
    if tuner.distribution_strategy is not None:
        return "there is a distribution_strategy"
    for hook in HOOKS:
        if getattr(type(tuner), hook) is not getattr(CurveTuner, hook):
            return f"{type(tuner).__name__} defines {hook}"
    return None
