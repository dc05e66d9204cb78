"""A search space in the making, and the names its hyperparameters get."""

from dataclasses import dataclass

import numpy as np

from keras_metahpo.meta_training.synthetic.hyperparameter import (
    draw_hyperparameter,
    draw_labels,
    draw_number,
    pick,
    popular,
)
from keras_metahpo.meta_training.synthetic.quantities import Quantity, finer_role
from keras_metahpo.space import Condition, Hyperparameter, SearchSpace
from keras_metahpo.space.roles import ALIASES

# Shares of habits, guessed from published code.
SCOPED, INDEXED = 0.1, 0.1  # names like "encoder/units", "units_1"
RATE_SCALED = 0.6  # ranges of learning rates that heed the optimizer
WIDE = 0.2  # searches that go far beyond the usual ranges
CONDITIONAL = 0.2  # nameless hyperparameters that hang on a choice
SCOPES = ("encoder/", "decoder/", "head/", "model/", "block/", "backbone/")


@dataclass(frozen=True)
class SyntheticSpace:
    """A search space and what its hyperparameters do.

    Attributes:
        space: The search space.
        roles: What each of `space.hyperparameters` is for; `None` where it does nothing known.
        layers: The layer each belongs to: it matters only if the network is deeper than that.
        optimizer: The optimizer of the model where none is searched.
    """

    space: SearchSpace
    roles: tuple[str | None, ...]
    layers: tuple[int, ...]
    optimizer: str


class Draft:
    """A search space in the making; it refuses nothing, so ask for `room` first."""

    def __init__(self, size: int, optimizer: str, rng: np.random.Generator):
        self.size, self.optimizer, self.rng = size, optimizer, rng
        self.wide = bool(rng.random() < WIDE)
        self.hyperparameters: dict[str, Hyperparameter] = {}
        self.meanings: dict[str, tuple[str | None, int]] = {}

    @property
    def room(self) -> int:
        return self.size - len(self.hyperparameters)

    def chance(self, probability: float) -> bool:
        return self.rng.random() < probability

    def append(self, hp: Hyperparameter, role: str | None, layer: int = 0) -> Hyperparameter:
        self.hyperparameters[hp.name] = hp
        self.meanings[hp.name] = (role, layer)
        return hp

    def add(
        self, role: str, *conditions: Condition, name: str = "", layer: int = 0
    ) -> Hyperparameter:
        """Draws and appends a hyperparameter, under a name of its role if none is given."""
        name = self.unique(name or self.draw_name(role))
        role = finer_role(name, role)
        scale = self.rate_scale() if role == "learning_rate" else 1.0
        hp = draw_hyperparameter(name, role, self.rng, conditions, scale, self.wide)
        return self.append(hp, role, layer)

    def rate_scale(self) -> float:
        """Who uses SGD mostly searches rates ten times those of Adam."""
        return 10.0 if self.optimizer in ("sgd", "adagrad") and self.chance(RATE_SCALED) else 1.0

    def draw_name(self, role: str) -> str:
        name = popular(ALIASES.get(role, (role,)), self.rng)
        if self.chance(INDEXED):
            name = f"{name}_{int(self.rng.integers(3))}"
        return pick(SCOPES, self.rng) + name if self.chance(SCOPED) else name

    def unique(self, name: str) -> str:
        """The name, numbered if it is taken."""
        taken, number = name in self.hyperparameters, 1
        while taken:
            number += 1
            taken = f"{name}_{number}" in self.hyperparameters
        return name if number == 1 else f"{name}_{number}"

    def draw_condition(self) -> tuple[Condition, ...]:
        """Sometimes a condition on an earlier choice or switch."""
        parents = [hp for hp in self.hyperparameters.values() if hp.kind in ("choice", "boolean")]
        if not parents or not self.chance(CONDITIONAL):
            return ()
        parent = pick(parents, self.rng)
        keep = int(self.rng.integers(1, len(parent.choices)))
        return (Condition(parent.name, parent.choices[-keep:]),)

    def finish(self) -> SyntheticSpace:
        space = SearchSpace(list(self.hyperparameters.values()))
        roles, layers = zip(*(self.meanings[hp.name] for hp in space.hyperparameters), strict=True)
        return SyntheticSpace(space, roles, layers, self.optimizer)


def draw_unnamed(name: str, conditions: tuple[Condition, ...], rng) -> Hyperparameter:
    """A hyperparameter of any kind and magnitude."""
    return pick((_labels, _switch, _magnitude, _magnitude, _count, _interval), rng)(
        name, conditions, rng
    )


def _labels(name: str, conditions, rng) -> Hyperparameter:
    labels = [f"{pick('abcdefgh', rng)}{index}" for index in range(5)]
    return draw_labels(name, labels, rng, conditions)


def _switch(name: str, conditions, rng) -> Hyperparameter:
    default = bool(rng.random() < 0.5)
    return Hyperparameter(name, "boolean", default, choices=(False, True), conditions=conditions)


def _magnitude(name: str, conditions, rng) -> Hyperparameter:
    """One to five decades between 1e-6 and 1e5."""
    low = 10.0 ** int(rng.integers(-6, 1))
    high = low * 10.0 ** int(rng.integers(1, 6))
    return draw_number(name, Quantity((low,), (high,), (low,), "decimal", log=0.9), rng, conditions)


def _count(name: str, conditions, rng) -> Hyperparameter:
    low, span = int(rng.integers(0, 20)), int(rng.integers(1, 100))
    quantity = Quantity((low,), (low + span,), (low,), integer=True, log=0.2)
    return draw_number(name, quantity, rng, conditions)


def _interval(name: str, conditions, rng) -> Hyperparameter:
    """An interval about or beside zero."""
    low = round(float(rng.uniform(-10, 10)), 1)
    high = low + pick((1.0, 2.0, 5.0, 10.0, 100.0), rng)
    quantity = Quantity((low,), (high,), (low,), reverse_log=0.1, limits=(-np.inf, np.inf))
    return draw_number(name, quantity, rng, conditions)
