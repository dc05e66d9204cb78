"""Other names for hyperparameters: synonyms that no table of aliases knows, or mere numbers."""

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np

from keras_metahpo.meta_training.augmentation.rebuilding import renamed
from keras_metahpo.meta_training.role_training import read_glossary
from keras_metahpo.space import SearchSpace, role_of

# Of each role of the test families. No word of theirs is in an alias, the glossary of roles or a
# synthetic task.
SYNONYMS = {
    "learning_rate": "pace",
    "batch_size": "samples_per_update",
    "weight_decay": "shrinkage",
    "l1": "sparsity_pressure",
    "dropout": "unit_masking",
    "momentum": "inertia",
    "beta_1": "first_averaging",
    "beta_2": "second_averaging",
    "epsilon": "denominator_offset",
    "width": "breadth",
    "depth": "stages",
    "activation": "squashing",
    "optimizer": "descent_variant",
    "schedule": "annealing",
    "decay": "cooling",
}


def renamed_space(space: SearchSpace, name_of: Callable[[int, str], str]) -> SearchSpace:
    """The space under other names, its columns in their order.

    Args:
        space: Any search space.
        name_of: From a hyperparameter's place and name to its new name.
    """
    names = {name: name_of(place, name) for place, name in enumerate(space.names)}
    return SearchSpace(renamed(space.hyperparameters, names))


def synonym(place: int, name: str) -> str:
    """A synonym, numbered by the column; what has no known role is called a setting."""
    return f"{SYNONYMS.get(role_of(name) or '', 'setting')}_{place}"


@cache
def unseen_names() -> dict[str, list[str]]:
    """Names by role, of `synonyms.json`, which neither the aliases nor the glossary know.

    Whoever wrote them had not seen the glossary.
    """
    known = {name for names in read_glossary().values() for name in names}
    written = json.loads(Path(__file__).with_name("synonyms.json").read_text())
    return {
        role: [name for name in names if name not in known and role_of(name) is None]
        for role, names in written.items()
    }


def drawn_synonym(rng: np.random.Generator) -> Callable[[int, str], str]:
    """Draws one of `unseen_names` for each hyperparameter; what has no role keeps its own name."""

    def rename(place: int, name: str) -> str:
        known = unseen_names().get(role_of(name) or "", [])
        if known:
            return f"{known[int(rng.integers(len(known)))]}_{place}"
        return name if role_of(name) is None else f"setting_{place}"

    return rename


def nothing(place: int, name: str) -> str:
    """A name that says nothing."""
    return f"x{place}"
