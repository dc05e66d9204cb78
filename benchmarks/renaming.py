"""Other names for hyperparameters: synonyms that no table of aliases knows, or mere numbers."""

from collections.abc import Callable

from keras_metahpo.meta_training.augmentation.rebuilding import renamed
from keras_metahpo.space import SearchSpace, role_of

# Of each role of the test families. No word of theirs is in an alias or a synthetic task.
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


def nothing(place: int, name: str) -> str:
    """A name that says nothing."""
    return f"x{place}"
