"""The latent properties of a training run to which hyperparameters contribute.

Losses are in units of about the difference between a good and a mediocre configuration.
Shapes: n configurations.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np

Array = np.ndarray | float
DOUBLING = np.log10(2.0)  # a doubling, in decades
IGNORED = 0.12  # share of the tasks on which a given hyperparameter's own loss does not matter


@dataclass(frozen=True)
class Effect:
    """Contributions to the latent properties of n configurations; float arrays (n,) or numbers.

    Attributes:
        loss: Added directly.
        best_rate: Shift of log10 of the best learning rate.
        stability: Decades by which the divergence cliff moves away from the best learning rate.
        capacity: How much the network can represent; a unit is about two doublings of its width.
        regularization: How much capacity is held back from overfitting.
        training: log10 of the effective number of updates, relative to the usual.
        memory: log2 of the memory taken, relative to the usual.
        work: log2 of the seconds of an epoch, relative to the usual.
    """

    loss: Array = 0.0
    best_rate: Array = 0.0
    stability: Array = 0.0
    capacity: Array = 0.0
    regularization: Array = 0.0
    training: Array = 0.0
    memory: Array = 0.0
    work: Array = 0.0

    def __add__(self, other: "Effect") -> "Effect":
        return Effect(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    def __mul__(self, part: float) -> "Effect":
        return Effect(*(getattr(self, f.name) * part for f in fields(self)))

    def where(self, heard: np.ndarray) -> "Effect":
        """The effect on the configurations of bool array (n,), and none on the others."""
        if heard.all():
            return self
        return Effect(*(np.where(heard, getattr(self, f.name), 0.0) for f in fields(self)))


@dataclass(frozen=True)
class Setting:
    """How one role is set in n configurations.

    Attributes:
        values: Float array (n,). Physical values; indices into `choices` for labels.
        choices: Lower-case labels or Booleans; empty for a quantity.
    """

    values: np.ndarray
    choices: tuple[str | bool, ...] = ()

    def look_up(self, table: Mapping, noise: float, rng: np.random.Generator) -> np.ndarray:
        """Each configuration's entry of a table by label, blurred by `noise` for each label."""
        entries = np.array([table[choice] for choice in self.choices])
        return (entries + noise * rng.normal(size=len(entries)))[self.values.astype(int)]


def softplus(x: Array) -> Array:
    return np.logaddexp(0.0, x)


def sigmoid(x: Array) -> Array:
    return 0.5 * (1.0 + np.tanh(0.5 * x))


def strength(rng: np.random.Generator, spread: float = 0.6) -> float:
    """How much something matters on this task: log-normal about 1."""
    return float(np.exp(spread * rng.normal()))


def importance(rng: np.random.Generator, spread: float = 0.6) -> float:
    """`strength`, and on some tasks nothing."""
    return 0.0 if rng.random() < IGNORED else strength(rng, spread)
