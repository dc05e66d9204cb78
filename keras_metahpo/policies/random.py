"""Policies that learn nothing: random search and a quasi-random sequence."""

import itertools
from collections.abc import Sequence

import numpy as np

from keras_metahpo.history import History
from keras_metahpo.policies.base import Policy, Suggestion, tried_keys, untried
from keras_metahpo.space import Configuration, Points, SearchSpace

FIRST_DRAW, LAST_DRAW = 16, 4096
# Enough for a uniform choice among what is left of a space that draws have nearly exhausted.
MOST_LISTED = 10_000


class RandomPolicy(Policy):
    """Independent uniform configurations, drawn again until one is new."""

    name = "random"

    def suggest(
        self,
        space: SearchSpace,
        history: History,
        pending: Sequence[Configuration],
        rng: np.random.Generator,
    ) -> Suggestion | None:
        tried = tried_keys(space, history, pending)
        for num_points in (FIRST_DRAW, LAST_DRAW):
            left = untried(space.sample(num_points, rng), tried)
            if len(left):
                return Suggestion(space.decode(left[:1])[0], self.name)
        left = listed_untried(space, tried, MOST_LISTED)
        if not len(left):
            return None
        return Suggestion(space.decode(left[[rng.integers(len(left))]])[0], self.name)


class SobolPolicy(Policy):
    """The points of one scrambled Sobol sequence that were not tried, in its order.

    Args:
        seed: Of the scrambling; the generator given to `suggest` has no influence until the
            sequence runs out of new points.
    """

    name = "sobol"

    def __init__(self, seed: int = 0):
        self.seed = seed

    def suggest(
        self,
        space: SearchSpace,
        history: History,
        pending: Sequence[Configuration],
        rng: np.random.Generator,
    ) -> Suggestion | None:
        tried = tried_keys(space, history, pending)
        # A longer run of the same sequence begins with the same points.
        for num_points in (2 * len(tried) + FIRST_DRAW, 2 * len(tried) + LAST_DRAW):
            units = sobol_units(num_points, len(space), np.random.default_rng(self.seed))
            left = untried(space.snap(units), tried)
            if len(left):
                return Suggestion(space.decode(left[:1])[0], self.name)
        return RandomPolicy().suggest(space, history, pending, rng)


def sobol_units(num_points: int, dimension: int, rng: np.random.Generator) -> np.ndarray:
    """The first points of a scrambled Sobol sequence: float array (num_points, dimension)."""
    from scipy.stats.qmc import Sobol

    if not 0 < dimension <= Sobol.MAXDIM:
        return rng.random((num_points, dimension))
    # A whole power of two keeps the sequence balanced, and SciPy from warning.
    exponent = max(num_points - 1, 1).bit_length()
    return Sobol(dimension, scramble=True, seed=rng).random_base2(exponent)[:num_points]


def listed_untried(space: SearchSpace, tried: set[bytes], limit: int) -> Points:
    """Up to `limit` configurations of a discrete space that were not tried; none if continuous."""
    if not is_discrete(space):
        return space.encode([])
    listed = list(itertools.islice(space.configurations(), len(tried) + limit))
    return untried(space.encode(listed), tried)


def is_discrete(space: SearchSpace) -> bool:
    """Whether all configurations can be listed, given the time."""
    return all(np.isfinite(hp.num_values) for hp in space.hyperparameters)
