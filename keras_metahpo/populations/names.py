"""Which hyperparameters of a search space may differ within a population."""

from collections import Counter
from collections.abc import Callable

import numpy as np

from keras_metahpo.space import Configuration, SearchSpace, Value

MOST_DRAWS = 10
# Configurations in which hyperparameters are changed, and changes that are enough for each.
MOST_BASES = 12
ENOUGH_LOOKS = 2


def exchangeable_names(
    space: SearchSpace, structure_of: Callable[[Configuration], str], rng: np.random.Generator
) -> list[str]:
    """Names of the hyperparameters whose value never changes the structure.

    Args:
        space: The search space.
        structure_of: From a configuration to its structure as text.
        rng: Draws configurations in which a hyperparameter is changed.
    """
    changed: set[str] = set()
    num_looks: Counter[str] = Counter()
    drawn = space.decode(space.sample(MOST_BASES, rng))
    for base in [space.default_configuration(), *drawn]:
        names = [n for n in base if n not in changed and num_looks[n] < ENOUGH_LOOKS]
        others = {n: _with_another_value(space, base, n, rng) for n in names}
        structure = structure_of(base) if any(others.values()) else ""
        for name, other in others.items():
            if other is not None:
                num_looks[name] += 1
                if structure_of(other) != structure:
                    changed.add(name)
    return sorted(set(num_looks) - changed)


def _with_another_value(
    space: SearchSpace, base: Configuration, name: str, rng: np.random.Generator
) -> dict[str, Value] | None:
    """A configuration with another value, and with drawn values of what that makes active.

    Drawn ones, because a default may be a rate that is left out of what is compiled.
    """
    if _is_left_out(base[name]):
        return None
    for drawn in space.decode(space.sample(MOST_DRAWS, rng)):
        value = drawn.get(name, base[name])
        # A namesake's value, or one that was legal in another branch, moves to the nearest legal.
        (other,) = space.decode(space.encode([{**drawn, **base, name: value}]))
        if other[name] != base[name] and not _is_left_out(other[name]):
            return other
    return None


def _is_left_out(value: Value) -> bool:
    """Whether it is a rate of 0, which is not compiled: another rate would seem to change more."""
    return type(value) is float and value == 0.0
