"""Whether a training can be stopped and go on as if nothing had happened."""

from collections.abc import Sequence

# Callbacks of Keras that remember nothing from one epoch to the next, or nothing that matters.
HARMLESS_CALLBACKS = (
    "CSVLogger",
    "LearningRateScheduler",
    "ModelCheckpoint",
    "RemoteMonitor",
    "TensorBoard",
    "TerminateOnNaN",
)


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
