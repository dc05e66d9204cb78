"""What the ranker says before any trial, in the form in which the Gaussian process takes it."""

import numpy as np

from keras_metahpo.policies.gaussian_process import check_prior
from keras_metahpo.rankers import Ranker
from keras_metahpo.space import Points, SearchSpace

# A search asks about some 800 configurations a trial; only what it has tried comes up again.
MOST_ANSWERS = 20_000


class RankerPrior:
    """Prior mean of a Gaussian process: the ranker's zero-shot normal score.

    Its latest answers are kept while the search space stays the same, so that a search does not
    ask again about everything it has tried.

    Args:
        ranker: Any `Ranker`.
    """

    def __init__(self, ranker: Ranker):
        self.ranker = ranker
        self._hyperparameters: tuple = ()
        self._answers: dict[bytes, float] = {}

    def __call__(self, space: SearchSpace, points: Points) -> np.ndarray:
        if space.hyperparameters != self._hyperparameters or len(self._answers) > MOST_ANSWERS:
            self._hyperparameters = space.hyperparameters
            self._answers = {}
        keys = points.keys()
        new = [row for row, key in enumerate(keys) if key not in self._answers]
        if new:
            answers = self.ranker.prior_mean(space, points[new])
            check_prior(answers, len(new))  # A wrong answer must not be remembered.
            self._answers |= zip((keys[row] for row in new), answers.tolist(), strict=True)
        return np.array([self._answers[key] for key in keys])
