"""Rank correlations: of early epochs with the end, and of one task with another.

Shapes: n configurations, e epochs, k tasks.
"""

import math
from collections.abc import Callable, Sequence

import numpy as np

from keras_metahpo.space import Configuration, SearchSpace

NUM_TREES = 100


def ranks(utilities: np.ndarray) -> np.ndarray:
    """Float array (n,). Ranks from 0 to 1, 1 the best; failed ones share the worst."""
    from scipy.stats import rankdata

    return (rankdata(utilities) - 1) / max(len(utilities) - 1, 1)


def rank_correlation(first: np.ndarray, second: np.ndarray) -> float:
    """Spearman's; NaN where all values of one are the same."""
    from scipy.stats import spearmanr

    if min(len(np.unique(first)), len(np.unique(second))) < 2:
        return math.nan
    return float(spearmanr(first, second).statistic)


def epoch_correlations(curves: np.ndarray, utilities: np.ndarray) -> tuple[float, ...]:
    """Of the best utility up to each epoch with the final one, where failed trials are worst.

    Args:
        curves: Float array (n, e).
        utilities: Float array (n,).
    """
    return tuple(rank_correlation(column, utilities) for column in curves.T)


def task_correlations(
    space: SearchSpace,
    tasks: Sequence[tuple[Sequence[Configuration], np.ndarray]],
    on_fit: Callable[[], None] = lambda: None,
) -> np.ndarray:
    """How well a regressor that has seen one task ranks another one's configurations.

    Configurations differ from task to task, so values themselves cannot be compared.

    Args:
        space: Of all tasks.
        tasks: Configurations and their ranks, for k tasks.
        on_fit: Called after each task.

    Returns:
        Float array (k, k). Rank correlation of the regressor fitted on the row's task with the
        ranks of the column's; on the diagonal, of each configuration by the trees that did not
        see it.
    """
    from sklearn.ensemble import RandomForestRegressor

    units = [space.encode(configurations).units for configurations, _ in tasks]
    found = np.empty((len(tasks), len(tasks)))
    for row, (_, seen) in enumerate(tasks):
        forest = RandomForestRegressor(NUM_TREES, oob_score=True, random_state=0)
        forest.fit(units[row], seen)
        for column, (_, truth) in enumerate(tasks):
            of_others = row != column
            predicted = forest.predict(units[column]) if of_others else forest.oob_prediction_
            found[row, column] = rank_correlation(predicted, truth)
        on_fit()
    return found
