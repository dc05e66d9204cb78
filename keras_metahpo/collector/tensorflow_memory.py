"""Memory that TensorFlow never gives back by itself."""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def noting_gradients(noted: set[str]) -> Iterator[None]:
    """Notes the names under which functions traced inside are registered for their gradients.

    The registry keeps a function's graphs for as long as the process lives: 4 MB a trial.
    """
    registry = _registry()
    before = set(registry)
    try:
        yield
    finally:
        noted |= set(registry) - before


def forget_gradients(noted: set[str]) -> None:
    """Frees functions of which no gradient will be taken any more."""
    registry = _registry()
    for name in noted:
        registry.pop(name, None)
    noted.clear()


def _registry() -> dict:
    """TensorFlow's own dictionary; empty where a later version keeps none."""
    from tensorflow.python.framework import ops

    return getattr(getattr(ops, "gradient_registry", None), "_registry", {})
