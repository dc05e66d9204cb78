"""Which roles the hyperparameters of a search space have whose names say nothing known."""

from functools import lru_cache

import numpy as np

from keras_metahpo.role_guessing.model import OTHER, RoleModel, bundled_model
from keras_metahpo.space import Hyperparameter, SearchSpace, role_of
from keras_metahpo.space.roles import ALIASES

# Roles that one search space commonly has several times; of the others, a second one is unlikely.
REPEATED = frozenset(
    (
        *("width", "filters", "dropout", "activation", "kernel_size", "operation", "pooling"),
        *("normalization", "embedding", "depth", "initializer", "augmentation"),
    )
)
SECOND_OF_A_KIND = 0.05
# A guess that is less probable is none: a name that misleads costs more than one that says nothing.
LEAST_PROBABILITY = 0.5
MOST_SPACES = 256


def guessed_names(space: SearchSpace) -> tuple[str, ...]:
    """The names of a space's hyperparameters, in its order; a guessed role's commonest for others.

    A name that tells a role is kept, and so is one of which no role can be guessed.
    """
    roles = guessed_roles(space)
    return tuple(
        ALIASES[roles[name][0]][0] if name in roles else name
        for name in (hp.name for hp in space.hyperparameters)
    )


def guessed_roles(space: SearchSpace) -> dict[str, tuple[str, float]]:
    """Roles guessed from letters, ranges and values, and how probable they are, by name.

    Only of hyperparameters whose names do not tell, and only where one role is probable enough.
    """
    return dict(_guess(space.hyperparameters))


@lru_cache(MOST_SPACES)
def _guess(hyperparameters: tuple[Hyperparameter, ...]) -> tuple:
    told = {hp.name: role_of(hp.name) for hp in hyperparameters}
    unknown = {hp.name: hp for hp in hyperparameters if told[hp.name] is None}
    if not unknown:
        return ()
    model = bundled_model()
    probabilities = {name: model.probabilities(name, hp) for name, hp in unknown.items()}
    taken = {role for role in told.values() if role is not None}
    guesses = []
    # The surest first, so that what it takes is unlikely for the others.
    while probabilities:
        discounted = {n: _discounted(p, model, taken) for n, p in probabilities.items()}
        name = max(discounted, key=lambda name: discounted[name].max())
        place = int(np.argmax(discounted[name]))
        role, probability = str(model.roles[place]), float(discounted[name][place])
        if probability >= LEAST_PROBABILITY and role != OTHER:
            taken.add(role)
            guesses.append((name, (role, probability)))
        del probabilities[name]
    return tuple(guesses)


def _discounted(probabilities: np.ndarray, model: RoleModel, taken: set[str]) -> np.ndarray:
    """Probabilities of roles where some are taken, float array (r,)."""
    second = [role in taken and role not in REPEATED for role in model.roles.tolist()]
    weighed = probabilities * np.where(second, SECOND_OF_A_KIND, 1.0)
    return weighed / weighed.sum()
