"""A prior mean of a fixed set of configurations, asked for once and looked up from then on."""

from collections.abc import Iterable

import numpy as np

from keras_metahpo.space import Points, SearchSpace


class KnownPrior:
    """What is believed of each of n configurations.

    Args:
        points: The configurations, n of them.
        believed: float array (n,).
    """

    def __init__(self, points: Points, believed: np.ndarray):
        self.believed = believed
        self._row_of = {key: row for row, key in enumerate(points.keys())}

    def __call__(self, space: SearchSpace, points: Points) -> np.ndarray:
        return self.believed[self.rows(points.keys())]

    def rows(self, keys: Iterable) -> list[int]:
        """Which of the n configurations have these keys."""
        return [self._row_of[key] for key in keys]
