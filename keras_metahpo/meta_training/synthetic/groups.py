"""Hyperparameters that code declares together, with their conditions: one function a pattern."""

from dataclasses import replace

from keras_metahpo.meta_training.synthetic.draft import Draft, draw_unnamed
from keras_metahpo.meta_training.synthetic.hyperparameter import pick, popular
from keras_metahpo.space import Condition
from keras_metahpo.space.roles import ALIASES

# Regularisers and helpers that code switches on and off with a Boolean.
GATED = ("dropout", "weight_decay", "l1", "clip", "warmup", "label_smoothing")
# Shares of habits, guessed from published code, here and in the functions' tables.
GATED_SHARE = 0.15
LAYERED_SHARE = 0.45  # one width a layer
SCOPED_SHARE = 0.5  # of which with a `conditional_scope`
FROM_ONE_SHARE = 0.3  # of which are counted from 1
REPEATED_SHARE = 0.2
MAX_OPERATIONS = 6  # in a cell
OWN_SHARE = 0.5  # hyperparameters of one architecture only
# Settings of the training harness on which the result does not depend.
IRRELEVANT = ("seed", "shuffle_buffer", "prefetch", "num_workers", "log_every", "cache", "fold")


def add_plain(draft: Draft, role: str) -> None:
    draft.add(role)
    # A second one elsewhere in the network: dropout after the embedding and in the head.
    repeatable = role in ("width", "filters", "dropout", "kernel_size", "activation")
    if repeatable and draft.room and draft.chance(REPEATED_SHARE):
        draft.add(role)


def _add_gated(draft: Draft, role: str) -> None:
    """`if hp.Boolean("use_dropout"): hp.Float("dropout", ...)`."""
    if draft.room < 2 or not draft.chance(GATED_SHARE):
        add_plain(draft, role)
        return
    name = draft.draw_name(role)
    gate = draft.add("gate", name=f"use_{name.replace('/', '_')}")
    draft.add(role, Condition(gate.name, (True,)), name=name)


def _add_depth(draft: Draft, role: str) -> None:
    """`for i in range(hp.Int("num_layers", 1, 4)): hp.Int(f"units_{i}", ...)`.

    KerasTuner records the inner ones without a condition unless a `conditional_scope` is used:
    then layers that are not there have values, and no effect.
    """
    depth = draft.add(role)
    values = [value for value in depth.values() if value <= draft.room]
    if len(values) < 2 or not draft.chance(LAYERED_SHARE):
        return
    inner = pick(("width", "width", "filters"), draft.rng)
    name, conditional = draft.draw_name(inner), draft.chance(SCOPED_SHARE)
    first = int(draft.chance(FROM_ONE_SHARE))
    for layer in range(max(values)):
        deeper = tuple(value for value in depth.values() if value > layer)
        conditions = (Condition(depth.name, deeper),) if conditional else ()
        draft.add(inner, *conditions, name=f"{name}_{layer + first}", layer=layer)


def _add_optimizer(draft: Draft, role: str) -> None:
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


def _add_schedule(draft: Draft, role: str) -> None:
    schedule = draft.add(role)
    for inner, users, share in (
        ("decay", ("exponential", "step"), 0.6),
        ("warmup", ("cosine", "linear", "warmup_cosine"), 0.35),
    ):
        values = tuple(value for value in schedule.choices if value.lower() in users)
        if draft.room and values and draft.chance(share):
            draft.add(inner, Condition(schedule.name, values))


def _add_width(draft: Draft, role: str) -> None:
    """`if hp.Boolean("hidden_layer"): hp.Int("hidden_units", ...)`, or the width alone."""
    if draft.room < 2 or not draft.chance(GATED_SHARE):
        add_plain(draft, role)
        return
    name = pick(("hidden_layer", "extra_dense", "use_dense", "add_layer"), draft.rng)
    branch = draft.add("branch", name=draft.unique(name))
    draft.add(role, Condition(branch.name, (True,)))


def _add_model(draft: Draft, role: str) -> None:
    """A choice of architectures, each with hyperparameters of its own."""
    name = pick(("model_type", "architecture", "model", "block_type", "backbone"), draft.rng)
    model = draft.add(role, name=name)
    own = {
        "cnn": ("filters", "kernel_size"),
        "resnet": ("filters", "kernel_size"),
        "mlp": ("width", "dropout"),
        "rnn": ("width", "dropout"),
        "transformer": ("embedding", "heads"),
    }
    for label in model.choices:
        for inner in own[label.lower()]:
            if draft.room and draft.chance(OWN_SHARE):
                name = f"{label.lower()}_{popular(ALIASES[inner], draft.rng)}"
                draft.add(inner, Condition(model.name, (label,)), name=name)


def _add_operations(draft: Draft, role: str) -> None:
    """The operations of a cell, chosen from one list."""
    first = draft.add(role, name=f"{draft.draw_name(role)}_0")
    stem = first.name.removesuffix("0")
    for index in range(1, min(draft.room + 1, int(draft.rng.integers(2, MAX_OPERATIONS + 1)))):
        draft.append(replace(first, name=draft.unique(f"{stem}{index}")), role)


def _add_irrelevant(draft: Draft, role: str) -> None:
    name = draft.unique(pick(IRRELEVANT, draft.rng))
    draft.append(draw_unnamed(name, (), draft.rng), None)


GROUPS = dict.fromkeys(GATED, _add_gated) | {
    "depth": _add_depth,
    "optimizer": _add_optimizer,
    "schedule": _add_schedule,
    "width": _add_width,
    "model": _add_model,
    "operation": _add_operations,
    "irrelevant": _add_irrelevant,
}
