"""Numbers of a compiled Keras model that may change without tracing its training anew.

A traced training step holds a dropout rate or an optimizer's momentum as a constant. Where each
backend puts something else in its place, one trace serves all values.
"""

from collections.abc import Iterator
from typing import Any

import keras

# Attributes that Keras uses as numbers only, beyond comparing them with 0.
ATTRIBUTES: tuple[tuple[type, tuple[str, ...]], ...] = (
    (keras.layers.Dropout, ("rate",)),
    (keras.layers.GaussianNoise, ("stddev",)),
    (keras.layers.MultiHeadAttention, ("_dropout",)),
    (keras.regularizers.L1, ("l1",)),
    (keras.regularizers.L2, ("l2",)),
    (keras.regularizers.L1L2, ("l1", "l2")),
    (keras.optimizers.Optimizer, ("weight_decay", "momentum", "beta_1", "beta_2", "rho")),
    (keras.optimizers.Optimizer, ("clipnorm", "global_clipnorm", "clipvalue")),
)


def exchangeable_floats(model: keras.Model) -> list[tuple[Any, str]]:
    """(object, attribute) of every number of a compiled model that can be a variable, in order.

    Those that are 0 are left out: Keras traces nothing for them. Losses and layers of one's own
    name theirs in a class attribute `exchangeable`.
    """
    found = []
    for part in _parts(model):
        names = [n for kind, names in ATTRIBUTES if isinstance(part, kind) for n in names]
        for name in (*names, *getattr(type(part), "exchangeable", ())):
            if isinstance(getattr(part, name, None), float) and getattr(part, name) != 0.0:
                found.append((part, name))
    return found


def _parts(model: keras.Model) -> Iterator[Any]:
    """The layers, regularizers, loss and optimizer of a compiled model, each once."""
    seen: set[int] = set()
    for layer in model._flatten_layers():
        regularizers = [v for v in vars(layer).values() if isinstance(v, keras.Regularizer)]
        for part in (layer, *regularizers):
            if id(part) not in seen:
                seen.add(id(part))
                yield part
    yield model.optimizer
    if isinstance(model.loss, keras.Loss):
        yield model.loss


def set_float(part: Any, name: str, value: Any) -> None:
    """Sets an attribute to a float or what stands for one; Keras tracks no numbers."""
    object.__setattr__(part, name, value)


def is_scheduled(optimizer: keras.optimizers.Optimizer) -> bool:
    """Whether its learning rate is a schedule."""
    return not isinstance(optimizer._learning_rate, keras.Variable)
