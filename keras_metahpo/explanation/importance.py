"""How much each hyperparameter of a search space matters to predicted scores.

Shapes: n configurations, d hyperparameters.
"""

from collections.abc import Callable

import numpy as np

from keras_metahpo.space import Points, SearchSpace

# n configurations to their expected normal scores, float array (n,).
MeanFunction = Callable[[Points], np.ndarray]

# Configurations are d + 2 times as many.
NUM_SAMPLES = 128
# Smaller differences between predictions mean nothing.
SMALLEST_VARIANCE = 1e-8


def importances_of(space: SearchSpace, mean: MeanFunction) -> dict[str, float]:
    """Total Sobol indices (Saltelli et al. 2010) by hyperparameter, from 0 to 1.

    An index is the share of the variance that is gone if all other hyperparameters are fixed the
    best way, interactions included, so that indices may sum up to more than 1. Empty where all
    predictions are equal.
    """
    from scipy.stats import sobol_indices, uniform

    if not len(space):
        return {}
    values: list[np.ndarray] = []

    def predict(units: np.ndarray) -> np.ndarray:
        shape = units.shape[1:]
        points = space.snap(np.clip(units.reshape(len(space), -1).T, 0.0, 1.0))
        values.append(mean(points))
        return values[-1].reshape(1, *shape)

    indices = sobol_indices(
        func=predict, n=NUM_SAMPLES, dists=[uniform()] * len(space), rng=np.random.default_rng(0)
    )
    if np.var(np.concatenate(values)) < SMALLEST_VARIANCE:
        return {}
    totals = np.clip(np.nan_to_num(np.ravel(indices.total_order)), 0.0, 1.0)
    return dict(zip(space.names, totals.tolist(), strict=True))
