"""Draws what was observed of a task: nothing, random configurations, or rather good ones.

Shapes: n configurations.
"""

import numpy as np

EMPTY_PROBABILITY = 0.4
# Contexts: their largest share of a task's configurations, and how far they seek good ones.
MOST_OBSERVED = 0.6
MOST_GREED = 2.0


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
