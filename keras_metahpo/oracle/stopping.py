"""Whether another trial is expected to pay.

Shape: n trials.
"""

from collections.abc import Sequence

import numpy as np

from keras_metahpo.acquisition import normal_scores

# Expected improvement of a trial, in units of normal scores, below which it counts as none, and how
# many such suggestions in a row make a search unpromising: `benchmarks/stopping.py` says what a
# search that ends then saves and loses.
SMALL_GAIN = 0.01
PATIENCE = 5


def is_unpromising(gains: Sequence[float | None], small_gain: float = SMALL_GAIN) -> bool:
    """Whether the latest suggestions all promise next to nothing.

    Args:
        gains: What was expected of each trial's suggestion, in their order; `None` where nothing
            was: of random ones, say.
        small_gain: What counts as nothing.
    """
    expected = [gain for gain in gains if gain is not None][-PATIENCE:]
    return len(expected) == PATIENCE and max(expected) < small_gain


def in_objective_units(gain: float, utilities: np.ndarray) -> float:
    """An expected improvement in units of the objective.

    Args:
        gain: In units of normal scores.
        utilities: Float array (n,). Of all trials; what is not finite is a failure.

    The better half of the trials tells what a unit is worth.
    """
    scores = normal_scores(utilities)
    better = np.isfinite(utilities) & (scores >= np.median(scores))
    if better.sum() < 2 or np.ptp(scores[better]) == 0:
        return 0.0
    slope = np.polyfit(scores[better], np.asarray(utilities)[better], 1)[0]
    return float(gain * max(slope, 0.0))
