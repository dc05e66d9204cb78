"""What a look at a configuration is worth.

Training it from epoch t to r moves the expectation m of its final score by s Z, with Z normal and
s^2 the variance that the new epochs take away. Only if it then exceeds the best is it trained to
the end, T. So, per second, a look is worth

    E[(m + s Z - best)^+] / (cost(t, r) + P(m + s Z > best) cost(r, T)),

which is expected improvement per second for r = T. It is the index of Weitzman's boxes ("Optimal
Search for the Best Alternative", 1979) with a cheap look before the expensive one, and the
one-step case of the knowledge gradient per cost.

Shapes: q configurations, k ages at which a training may stop.
"""

import numpy as np

from keras_metahpo.acquisition import log_expected_improvement
from keras_metahpo.policies.freeze_thaw.costs import Costs
from keras_metahpo.policies.freeze_thaw.extrapolation import Outlook

SMALLEST_VARIANCE = 1e-12
SMALLEST_PRECISION = 1e-6


def log_values(
    mean: np.ndarray,
    std: np.ndarray,
    best: float,
    ages: np.ndarray,
    milestones: np.ndarray,
    outlook: Outlook,
    costs: Costs,
) -> np.ndarray:
    """Logarithms of what looks are worth a second.

    Args:
        mean, std: Float arrays (q,). Of the final scores, given all that is known.
        best: The best of all expected final scores.
        ages: Int array (q,). Epochs trained, 0 for new configurations.
        milestones: Int array (k,). Ascending; the last one is the full training.
        outlook: How uncertain a score of an unfinished training is.
        costs: Of the q configurations.

    Returns:
        Float array (q, k); -inf where a milestone has been reached.
    """
    from scipy.special import ndtr

    with np.errstate(divide="ignore"):
        own_precision = np.where(ages > 0, 1 / outlook.variance(ages), 0.0)
        later_precision = 1 / outlook.variance(milestones)
    variance = np.maximum(std**2, SMALLEST_VARIANCE)
    # A later measurement replaces the configuration's own, and does not add to it.
    others = np.maximum(1 / variance - own_precision, SMALLEST_PRECISION)
    after = 1 / (others[:, None] + later_precision)
    moved = np.sqrt(np.maximum(variance[:, None] - after, SMALLEST_VARIANCE))
    full = milestones[-1]
    values = np.full(moved.shape, -np.inf)
    for column, milestone in enumerate(milestones):
        spread = moved[:, column]
        gain = log_expected_improvement(mean, spread, best)
        look = costs.of(milestone - ages)
        rest = ndtr((mean - best) / spread) * costs.of(full - milestone) if milestone < full else 0
        is_ahead = milestone > ages
        values[is_ahead, column] = gain[is_ahead] - np.log((look + rest)[is_ahead])
    return values
