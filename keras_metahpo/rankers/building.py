"""Networks that are built, ready for weights."""

import contextlib
import random
from collections.abc import Callable

import numpy as np

from keras_metahpo.rankers.inputs import NUM_FACTS
from keras_metahpo.rankers.tokens import stack, tokenize
from keras_metahpo.space import SearchSpace


def built(make: Callable, config: dict | None = None):
    """A network that takes tokens and a context, with random weights.

    Args:
        make: The network's class, or a function that makes one.
        config: Its arguments.
    """
    with _python_random_state():
        network = make(**(config or {}))
        space = SearchSpace([])
        tokens = stack([tokenize(space, space.snap(np.zeros((1, 0))))])
        shapes = {name: array.shape for name, array in tokens.as_dict().items()}
        observed = tokens.active.shape[:2]
        context = {"observed": observed, "facts": (*observed, NUM_FACTS)}
        network.build(shapes | context)
    return network


@contextlib.contextmanager
def _python_random_state():
    """Keras draws initialiser seeds from Python's generator; the user's stream must not move."""
    state = random.getstate()
    try:
        yield
    finally:
        random.setstate(state)
