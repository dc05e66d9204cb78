"""Draws search spaces: which hyperparameters, under which names and conditions.

Shapes: d hyperparameters.
"""

from dataclasses import dataclass

import numpy as np

from keras_metahpo.meta_training.synthetic_hyperparameter import (
    Quantity,
    draw_hyperparameter,
    draw_labels,
    draw_number,
    pick,
    popular,
)
from keras_metahpo.space import Condition, Hyperparameter, SearchSpace
from keras_metahpo.space.roles import ALIASES

MAX_HYPERPARAMETERS = 12
# How often a role is searched, relative to the others.
POPULARITY: dict[str, float] = {
    "learning_rate": 12.0,
    **{"width": 5.0, "dropout": 5.0, "batch_size": 4.0, "depth": 4.0},
    **{"weight_decay": 3.5, "optimizer": 3.0, "activation": 2.5, "filters": 2.0, "momentum": 1.5},
    **{"normalization": 1.5, "epochs": 1.2, "kernel_size": 1.0, "schedule": 1.0, "decay": 1.0},
    **{"embedding": 1.0, "beta_1": 0.8, "beta_2": 0.8, "epsilon": 0.8, "clip": 0.8, "warmup": 0.8},
    **{"l1": 0.7, "label_smoothing": 0.7, "augmentation": 0.7, "pooling": 0.7, "initializer": 0.7},
    **{"heads": 0.5, "init_scale": 0.4, "vocabulary": 0.4, "length": 0.5, "nesterov": 0.3},
    **{"model": 0.5, "irrelevant": 0.8},
}
# A search concentrates on one side of the problem; its roles are this much more common.
THEME_FACTOR = 4.0
THEMES: tuple[tuple[str, ...], ...] = (
    (),
    (),
    ("learning_rate", "momentum", "optimizer", "schedule", "decay", "warmup", "batch_size"),
    ("learning_rate", "beta_1", "beta_2", "epsilon", "weight_decay", "clip", "decay"),
    ("depth", "width", "activation", "normalization", "initializer", "dropout"),
    ("filters", "kernel_size", "pooling", "augmentation", "normalization", "depth"),
    ("embedding", "heads", "vocabulary", "length", "dropout", "label_smoothing", "warmup"),
)
# Regularisers and helpers that code switches on and off with a Boolean.
GATED = ("dropout", "weight_decay", "l1", "clip", "warmup", "augmentation", "label_smoothing")
GATE_SHARE = 0.15
ADAM_LIKE = ("beta_1", "beta_2", "epsilon")
# Settings of the training harness on which the result does not depend.
IRRELEVANT = ("seed", "shuffle_buffer", "prefetch", "num_workers", "log_every", "cache", "fold")
# Names that say nothing, with the position of the hyperparameter.
UNINFORMATIVE = ("x{0}", "param_{0}", "hp_{0}", "p{0}", "arg{0}", "v_{0}", "theta_{0}")
GREEK = ("alpha", "beta", "delta", "kappa", "mu", "sigma", "tau", "phi", "psi", "omega", "xi", "nu")
SCOPES = ("encoder/", "decoder/", "head/", "model/", "block/", "backbone_")
SCOPED, INDEXED = 0.1, 0.1


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


def draw_space(rng: np.random.Generator) -> SyntheticSpace:
    """A search space as deep-learning code declares it."""
    roles = _draw_roles(rng)
    draft = _Draft(_draw_size(rng), _draw_optimizer(roles, rng), rng)
    for role in roles:
        if not draft.room:
            break
        _GROUPS.get(role, _add_plain)(draft, role)
    return draft.finish()


def draw_unnamed_space(rng: np.random.Generator) -> SyntheticSpace:
    """A search space of any kind of problem, whose names say nothing."""
    draft = _Draft(_draw_size(rng), "adam", rng)
    pattern = popular((*UNINFORMATIVE, "{1}"), rng, ratio=0.85)
    letters = rng.permutation(GREEK).tolist()
    start = int(rng.integers(2))
    while draft.room:
        index = len(draft.hyperparameters)
        name = pattern.format(index + start, letters[index])
        draft.append(_draw_unnamed(name, draft.draw_condition(), rng), None)
    return draft.finish()


def _draw_size(rng) -> int:
    """1 to 12 hyperparameters, mostly 3 to 8."""
    return 1 + int(rng.binomial(MAX_HYPERPARAMETERS - 1, rng.beta(1.6, 2.4)))


def _draw_roles(rng) -> list[str]:
    """All roles, in a random order that puts popular ones first (Gumbel-top-k)."""
    theme = pick(THEMES, rng)
    weights = [w * (THEME_FACTOR if r in theme else 1.0) for r, w in POPULARITY.items()]
    order = np.argsort(-(np.log(weights) + rng.gumbel(size=len(weights))))
    roles = list(POPULARITY)
    return [roles[i] for i in order[:MAX_HYPERPARAMETERS]]


def _draw_optimizer(roles: list[str], rng) -> str:
    """The optimizer of the model; whoever tunes momentum or betas uses one that has them."""
    if "momentum" in roles[:5]:
        return "sgd" if rng.random() < 0.9 else "rmsprop"
    if any(role in roles[:5] for role in ADAM_LIKE):
        return popular(("adam", "adamw", "nadam"), rng, ratio=0.3)
    return popular(("adam", "sgd", "adamw", "rmsprop", "nadam", "adagrad"), rng, ratio=0.35)


class _Draft:
    """A search space in the making; it refuses nothing, so ask for `room` first."""

    def __init__(self, size: int, optimizer: str, rng: np.random.Generator):
        self.size, self.optimizer, self.rng = size, optimizer, rng
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

    def add(self, role: str, *conditions: Condition, name: str = "", layer: int = 0):
        name = self.unique(name or self.draw_name(role))
        scale = self.rate_scale() if role == "learning_rate" else 1.0
        hp = draw_hyperparameter(name, role, self.rng, conditions, scale)
        return self.append(hp, role, layer)

    def rate_scale(self) -> float:
        """Who uses SGD mostly searches rates ten times those of Adam."""
        return 10.0 if self.optimizer in ("sgd", "adagrad") and self.chance(0.6) else 1.0

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
        if not parents or not self.chance(0.2):
            return ()
        parent = pick(parents, self.rng)
        keep = int(self.rng.integers(1, len(parent.choices)))
        return (Condition(parent.name, parent.choices[-keep:]),)

    def finish(self) -> SyntheticSpace:
        space = SearchSpace(list(self.hyperparameters.values()))
        roles, layers = zip(*(self.meanings[hp.name] for hp in space.hyperparameters), strict=True)
        return SyntheticSpace(space, roles, layers, self.optimizer)


def _add_plain(draft: _Draft, role: str) -> None:
    draft.add(role)
    # A second one elsewhere in the network: dropout after the embedding and in the head.
    if role in ("width", "filters", "dropout", "kernel_size") and draft.room and draft.chance(0.2):
        draft.add(role)


def _add_gated(draft: _Draft, role: str) -> None:
    """`if hp.Boolean("use_dropout"): hp.Float("dropout", ...)`."""
    if draft.room < 2 or not draft.chance(GATE_SHARE):
        _add_plain(draft, role)
        return
    name = draft.draw_name(role)
    gate = draft.add("gate", name=f"use_{name.replace('/', '_')}")
    draft.add(role, Condition(gate.name, (True,)), name=name)


def _add_depth(draft: _Draft, role: str) -> None:
    """`for i in range(hp.Int("num_layers", 1, 4)): hp.Int(f"units_{i}", ...)`.

    KerasTuner records the inner ones without a condition unless a `conditional_scope` is used:
    then layers that are not there have values, and no effect.
    """
    depth = draft.add(role)
    values = [value for value in depth.values() if value <= draft.room]
    if len(values) < 2 or not draft.chance(0.45):
        return
    inner = pick(("width", "width", "filters"), draft.rng)
    name, conditional, first = draft.draw_name(inner), draft.chance(0.5), int(draft.chance(0.3))
    for layer in range(max(values)):
        deeper = tuple(value for value in depth.values() if value > layer)
        conditions = (Condition(depth.name, deeper),) if conditional else ()
        draft.add(inner, *conditions, name=f"{name}_{layer + first}", layer=layer)


def _add_optimizer(draft: _Draft, role: str) -> None:
    """`if optimizer in ("sgd", "rmsprop"): hp.Float("momentum", ...)`."""
    optimizer = draft.add(role)
    for inner, users, share in (
        ("momentum", ("sgd", "rmsprop"), 0.6),
        ("nesterov", ("sgd",), 0.15),
        ("beta_1", ("adam", "adamw", "nadam"), 0.2),
    ):
        values = tuple(value for value in optimizer.choices if value.lower() in users)
        if draft.room and values and draft.chance(share):
            draft.add(inner, Condition(optimizer.name, values))


def _add_schedule(draft: _Draft, role: str) -> None:
    schedule = draft.add(role)
    for inner, users, share in (
        ("decay", ("exponential", "step"), 0.6),
        ("warmup", ("cosine", "linear", "warmup_cosine"), 0.35),
    ):
        values = tuple(value for value in schedule.choices if value.lower() in users)
        if draft.room and values and draft.chance(share):
            draft.add(inner, Condition(schedule.name, values))


def _add_width(draft: _Draft, role: str) -> None:
    """`if hp.Boolean("hidden_layer"): hp.Int("hidden_units", ...)`, or the width alone."""
    if draft.room < 2 or not draft.chance(GATE_SHARE):
        _add_plain(draft, role)
        return
    name = pick(("hidden_layer", "extra_dense", "use_dense", "add_layer"), draft.rng)
    branch = draft.add("branch", name=draft.unique(name))
    draft.add(role, Condition(branch.name, (True,)))


def _add_model(draft: _Draft, role: str) -> None:
    """A choice of architectures, each with hyperparameters of its own."""
    name = pick(("model_type", "architecture", "model", "block_type", "backbone"), draft.rng)
    model = draft.add(role, name=name)
    own = {
        "cnn": ("filters", "kernel_size"),
        "resnet": ("filters", "depth"),
        "mlp": ("width", "depth"),
        "rnn": ("width", "dropout"),
        "transformer": ("embedding", "heads"),
    }
    for label in model.choices:
        for inner in own[label.lower()]:
            if draft.room and draft.chance(0.5):
                name = f"{label.lower()}_{popular(ALIASES[inner], draft.rng)}"
                draft.add(inner, Condition(model.name, (label,)), name=name)


def _add_irrelevant(draft: _Draft, role: str) -> None:
    name = draft.unique(pick(IRRELEVANT, draft.rng))
    draft.append(_draw_unnamed(name, (), draft.rng), None)


_GROUPS = dict.fromkeys(GATED, _add_gated) | {
    "depth": _add_depth,
    "optimizer": _add_optimizer,
    "schedule": _add_schedule,
    "width": _add_width,
    "model": _add_model,
    "irrelevant": _add_irrelevant,
}


def _draw_unnamed(name: str, conditions: tuple[Condition, ...], rng) -> Hyperparameter:
    """A hyperparameter of any kind and magnitude."""
    kind = rng.random()
    if kind < 0.15:
        labels = [f"{pick('abcdefgh', rng)}{index}" for index in range(5)]
        return draw_labels(name, labels, rng, conditions)
    if kind < 0.25:
        default = bool(rng.random() < 0.5)
        return Hyperparameter(
            name, "boolean", default, choices=(False, True), conditions=conditions
        )
    if kind < 0.6:
        low = 10.0 ** int(rng.integers(-6, 1))
        ranges = ((low,), (low * 10.0 ** int(rng.integers(1, 6)),), (low,), "decimal")
        return draw_number(name, Quantity(*ranges, log=0.9), rng, conditions)
    if kind < 0.8:
        low, span = int(rng.integers(0, 20)), int(rng.integers(1, 100))
        limits = (0, np.inf)
        quantity = Quantity((low,), (low + span,), (low,), integer=True, log=0.2, limits=limits)
        return draw_number(name, quantity, rng, conditions)
    low = round(float(rng.uniform(-10, 10)), 1)
    span = float(pick((1, 2, 5, 10, 100), rng))
    quantity = Quantity((low,), (low + span,), (low,), reverse_log=0.1, limits=(-np.inf, np.inf))
    return draw_number(name, quantity, rng, conditions)
