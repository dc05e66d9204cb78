"""Tasks that contradict what is known beforehand, so that a ranker learns to listen.

Only tasks of which something was observed may mislead. Without a context nothing could tell such
a task from an honest one: it would only teach the ranker to expect less of what is true. With one,
the ranker learns from the observations when its prior knowledge is worth nothing (shuffled) or
less than nothing (negated).

Shapes: n configurations.
"""

import numpy as np

from keras_metahpo.acquisition import normal_scores

NEGATE_PROBABILITY = 0.02
SHUFFLE_PROBABILITY = 0.02
# Observations of which the order can tell; of one there is none.
LEAST_OBSERVED = 2


def mislead(
    scores: np.ndarray, failed: np.ndarray, num_observed: int, rng: np.random.Generator
) -> np.ndarray:
    """The scores, rarely negated or shuffled among those that did not fail.

    Failures stay where they are: what breaks a trial does so on any data.

    Args:
        scores: Float array (n,). Normal scores of a task's configurations; stays as it is.
        failed: Bool array (n,).
        num_observed: Size of the context.
        rng: All randomness comes from here.

    Returns:
        Float array (n,). Normal scores again.
    """
    drawn = rng.random()
    if num_observed < LEAST_OBSERVED or drawn >= NEGATE_PROBABILITY + SHUFFLE_PROBABILITY:
        return scores
    if drawn < NEGATE_PROBABILITY:
        return normal_scores(np.where(failed, -np.inf, -scores))
    shuffled = scores.copy()
    shuffled[~failed] = rng.permutation(scores[~failed])
    return shuffled
