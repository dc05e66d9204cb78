"""Draws search spaces: which hyperparameters occur together."""

import numpy as np

from keras_metahpo.meta_training.synthetic.draft import Draft, SyntheticSpace, draw_unnamed
from keras_metahpo.meta_training.synthetic.groups import GROUPS, add_plain
from keras_metahpo.meta_training.synthetic.hyperparameter import pick, popular

MAX_HYPERPARAMETERS = 16
# How often a role is searched, relative to the others.
POPULARITY: dict[str, float] = {
    "learning_rate": 12.0,
    "width": 5.0,
    "dropout": 5.0,
    "batch_size": 4.0,
    "depth": 4.0,
    "weight_decay": 3.5,
    "optimizer": 3.0,
    "activation": 2.5,
    "filters": 2.0,
    "momentum": 1.5,
    "normalization": 1.5,
    "epochs": 1.2,
    "kernel_size": 1.0,
    "schedule": 1.0,
    "decay": 1.0,
    "embedding": 1.0,
    "beta_1": 0.8,
    "beta_2": 0.8,
    "epsilon": 0.8,
    "clip": 0.8,
    "warmup": 0.8,
    "l1": 0.7,
    "label_smoothing": 0.7,
    "augmentation": 0.7,
    "pooling": 0.7,
    "initializer": 0.7,
    "heads": 0.5,
    "init_scale": 0.4,
    "vocabulary": 0.4,
    "length": 0.5,
    "nesterov": 0.3,
    "model": 0.5,
    "operation": 0.5,
    "irrelevant": 0.8,
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
ADAM_LIKE = ("beta_1", "beta_2", "epsilon")
# Names that say nothing, with the position of the hyperparameter.
UNINFORMATIVE = ("x{0}", "param_{0}", "hp_{0}", "p{0}", "arg{0}", "v_{0}", "theta_{0}")
GREEK = (
    *("alpha", "beta", "delta", "kappa", "mu", "sigma", "tau", "phi"),
    *("psi", "omega", "xi", "nu", "zeta", "iota", "chi", "upsilon"),
)


def draw_space(rng: np.random.Generator) -> SyntheticSpace:
    """A search space as deep-learning code declares it."""
    size, roles = _draw_size(rng), _draw_roles(rng)
    draft = Draft(size, _draw_optimizer(roles[:size], rng), rng)
    for role in roles:
        if not draft.room:
            break
        GROUPS.get(role, add_plain)(draft, role)
    return draft.finish()


def draw_unnamed_space(rng: np.random.Generator) -> SyntheticSpace:
    """A search space of any kind of problem, whose names say nothing."""
    draft = Draft(_draw_size(rng), "adam", rng)
    pattern = popular((*UNINFORMATIVE, "{1}"), rng, ratio=0.85)
    letters = rng.permutation(GREEK).tolist()
    start = int(rng.integers(2))
    while draft.room:
        index = len(draft.hyperparameters)
        name = pattern.format(index + start, letters[index])
        draft.append(draw_unnamed(name, draft.draw_condition(), rng), None)
    return draft.finish()


def _draw_size(rng) -> int:
    """1 to 16 hyperparameters, mostly 3 to 9."""
    return 1 + int(rng.binomial(MAX_HYPERPARAMETERS - 1, rng.beta(1.6, 2.8)))


def _draw_roles(rng) -> list[str]:
    """All roles, in a random order that puts popular ones first (Gumbel-top-k)."""
    theme = pick(THEMES, rng)
    weights = [w * (THEME_FACTOR if r in theme else 1.0) for r, w in POPULARITY.items()]
    order = np.argsort(-(np.log(weights) + rng.gumbel(size=len(weights))))
    roles = list(POPULARITY)
    return [roles[i] for i in order[:MAX_HYPERPARAMETERS]]


def _draw_optimizer(roles: list[str], rng) -> str:
    """The model's own optimizer; whoever tunes momentum or betas uses one that has them."""
    if "momentum" in roles:
        return "sgd" if rng.random() < 0.9 else "rmsprop"
    if any(role in roles for role in ADAM_LIKE):
        return popular(("adam", "adamw", "nadam"), rng, ratio=0.3)
    return popular(("adam", "sgd", "adamw", "rmsprop", "nadam", "adagrad"), rng, ratio=0.35)
