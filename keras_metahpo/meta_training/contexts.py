"""Draws what was observed of a task: nothing, random configurations, or rather good ones.

Shapes: n configurations, s early shares of a training.
"""

import numpy as np

from keras_metahpo.acquisition import normal_scores
from keras_metahpo.history import VARIANCE_A_DOUBLING
from keras_metahpo.meta_training.source_task import DOUBLINGS

EMPTY_PROBABILITY = 0.4
# Contexts: their largest share of a task's configurations, and how far they seek good ones.
MOST_OBSERVED = 0.6
MOST_GREED = 2.0
# Contexts with trainings that have not ended, how many of theirs, and how much searches differ in
# what early epochs tell (standard deviation of the variance's logarithm).
UNFINISHED_PROBABILITY = 0.4
VARIANCE_SPREAD = 0.4


def draw_num_observed(num_configurations: int, rng: np.random.Generator) -> int:
    """Size of a context; often 0, else log-uniform."""
    most = int(MOST_OBSERVED * num_configurations)
    if most < 1 or rng.random() < EMPTY_PROBABILITY:
        return 0
    return int(np.exp(rng.uniform(0.0, np.log(most + 1))))


def draw_observed(scores: np.ndarray, num_observed: int, rng: np.random.Generator) -> np.ndarray:
    """Which configurations are observed: random ones, or rather good ones, as searches try.

    Args:
        scores: Float array (n,). Normal scores.
        num_observed: How many.
        rng: All randomness comes from here.

    Returns:
        Bool array (n,).
    """
    observed = np.zeros(len(scores), dtype=bool)
    if num_observed:
        # Gumbel-top-k: without replacement, in proportion to exp(greed * score).
        greed = rng.uniform(0.0, MOST_GREED)
        keys = greed * scores + rng.gumbel(size=len(scores))
        observed[np.argsort(-keys)[:num_observed]] = True
    return observed


def observe(
    scores: np.ndarray, failed: np.ndarray, early_errors: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """What is known of observed trials: of all their end, or of some what they were early on.

    Args:
        scores: Float array (n,). Normal scores at the end.
        failed: Bool array (n,).
        early_errors: Float array (n, s). As of a `SourceTask`; where they are unknown, what early
            epochs tell is wrong by a random walk in the logarithm of the epochs, of about the
            variance of the library's runs.
        rng: All randomness comes from here.

    Returns:
        Normal scores among themselves, and the variances of their errors: float arrays (n,).
    """
    doublings = np.zeros(len(scores), dtype=int)
    if rng.random() < UNFINISHED_PROBABILITY:
        is_early = (rng.random(len(scores)) < rng.random()) & ~failed
        doublings[is_early] = rng.integers(
            1, rng.integers(1, len(DOUBLINGS) + 1) + 1, is_early.sum()
        )
    is_recorded = np.isfinite(early_errors).any()
    factor = 1.0 if is_recorded else np.exp(VARIANCE_SPREAD * rng.normal())
    variances = factor * VARIANCE_A_DOUBLING * doublings
    walk = np.sqrt(variances) * rng.normal(size=len(scores))
    recorded = np.take_along_axis(early_errors, np.maximum(doublings - 1, 0)[:, None], axis=1)[:, 0]
    errors = np.where(np.isfinite(recorded) & (doublings > 0), recorded, walk)
    return normal_scores(np.where(failed, -np.inf, scores + errors)), variances
