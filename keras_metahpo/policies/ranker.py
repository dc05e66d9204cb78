"""The ranker's prior mean, in the form in which the Gaussian process takes it."""

import numpy as np

from keras_metahpo.rankers import Ranker
from keras_metahpo.space import Points, SearchSpace


class RankerPrior:
    """Prior mean of a Gaussian process: the ranker's zero-shot expected normal score.

    Args:
        ranker: Any `Ranker`.
    """

    def __init__(self, ranker: Ranker):
        self.ranker = ranker

    def __call__(self, space: SearchSpace, points: Points) -> np.ndarray:
        return self.ranker.prior_mean(space, points)
