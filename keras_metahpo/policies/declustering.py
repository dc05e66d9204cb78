"""What a Gaussian process is told of trials that lie close together.

A search refines its best: after a while most trials are neighbours of the incumbent. Ranked among
each other, they would spread over all normal scores, however alike they are, and a process that
believes this sees more to gain around the incumbent than anywhere else, again and again. So each
trial counts as much as it is alone, as drill holes do that were set where the first were rich
(declustering: Deutsch and Journel, 1998, "GSLIB").

Shape: n trials.
"""

import numpy as np

from keras_metahpo.acquisition import weighted_normal_scores
from keras_metahpo.gaussian_process import Inputs, pairwise_distances

# Root mean squared difference of unit positions, over all hyperparameters, within which trials are
# neighbours. That of independent random configurations is 0.41.
NEIGHBOURHOOD = 0.15


def declustered_scores(inputs: Inputs, utilities: np.ndarray) -> np.ndarray:
    """Normal scores of trials that count as much as they are alone: float array (n,).

    Args:
        inputs: Their configurations.
        utilities: Float array (n,). Higher is better; whatever is not finite is a failure.
    """
    return weighted_normal_scores(utilities, solitude(inputs))


def solitude(inputs: Inputs) -> np.ndarray:
    """One over the number of trials around each, itself included: float array (n,)."""
    from scipy.spatial.distance import squareform

    if len(inputs) < 2:
        return np.ones(len(inputs))
    squares = pairwise_distances(inputs).sum(axis=0) / max(len(inputs.categorical), 1)
    neighbours = squareform(np.exp(-0.5 * squares / NEIGHBOURHOOD**2))
    return 1.0 / (1.0 + neighbours.sum(axis=1))
