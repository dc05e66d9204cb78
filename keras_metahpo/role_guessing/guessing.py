"""Which roles the hyperparameters of a search space have whose names say nothing known."""

from collections.abc import Collection
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from keras_metahpo.role_guessing.model import OTHER, RoleModel, bundled_model
from keras_metahpo.space import Hyperparameter, SearchSpace, role_of
from keras_metahpo.space.roles import ALIASES

# Roles that one search space commonly has several times. Of the hyperparameters with other roles,
# 2 % are not the first of theirs (task library).
REPEATED = frozenset(
    (
        *("width", "filters", "dropout", "activation", "kernel_size", "operation", "pooling"),
        *("normalization", "embedding", "depth", "initializer", "augmentation"),
    )
)
SECOND_OF_A_KIND = 0.02
# A guess that is less probable is none: a name that misleads costs more than one that says nothing.
LEAST_PROBABILITY = 0.5
MOST_SPACES = 256


class Guess(NamedTuple):
    """A role and how probable it is."""

    role: str
    probability: float


def guessed_names(space: SearchSpace, known: Collection[str] = ()) -> tuple[str, ...]:
    """The names of a space's hyperparameters, in its order; a guessed role's commonest for others.

    A name that tells a role is kept, and so is one of which no role can be guessed.

    Args:
        space: The search space.
        known: Names that are kept in any case, whatever numbers are in them.
    """
    roles = guessed_roles(space, known)
    return tuple(ALIASES[roles[name].role][0] if name in roles else name for name in space.names)


def guessed_roles(space: SearchSpace, known: Collection[str] = ()) -> dict[str, Guess]:
    """Roles guessed from letters, ranges and values, by name.

    Only of hyperparameters whose names do not tell, and only where one role is probable enough.

    Args:
        space: The search space.
        known: Names of which nothing is guessed, whatever numbers are in them.
    """
    return dict(_guess(space.hyperparameters, frozenset(known)))


@lru_cache(MOST_SPACES)
def _guess(
    hyperparameters: tuple[Hyperparameter, ...], known: frozenset[str]
) -> tuple[tuple[str, Guess], ...]:
    told = {hp.name: role_of(hp.name) for hp in hyperparameters}
    kept = {_letters(name) for name in known}
    unknown = {
        hp.name: hp
        for hp in hyperparameters
        if told[hp.name] is None and _letters(hp.name) not in kept
    }
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
            guesses.append((name, Guess(role, probability)))
        del probabilities[name]
    return tuple(guesses)


def _discounted(probabilities: np.ndarray, model: RoleModel, taken: set[str]) -> np.ndarray:
    """Probabilities of roles where some are taken, float array (r,)."""
    second = [role in taken and role not in REPEATED for role in model.roles.tolist()]
    weighed = probabilities * np.where(second, SECOND_OF_A_KIND, 1.0)
    return weighed / weighed.sum()


def _letters(name: str) -> str:
    """A name without its numbers."""
    return "".join(letter for letter in name if not letter.isdigit())
