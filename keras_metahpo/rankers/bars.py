"""Bars: a distribution over normal scores as the probabilities of intervals.

Shapes: k bars.
"""

import numpy as np

NUM_BARS = 24
# Beyond the outermost borders lie the best and the worst of 400 configurations.
LARGEST_SCORE = 2.75
BORDERS = np.linspace(-LARGEST_SCORE, LARGEST_SCORE, NUM_BARS - 1)
WIDTH = BORDERS[1] - BORDERS[0]
CENTRES = np.concatenate([[BORDERS[0] - WIDTH / 2], BORDERS + WIDTH / 2])


def bar_of(scores: np.ndarray) -> np.ndarray:
    """The bar that each normal score lies in: int array of the same shape."""
    return np.searchsorted(BORDERS, scores)


def moments(logits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance of the distributions of logits (..., k): two float arrays (...)."""
    probabilities = np.exp(logits - logits.max(axis=-1, keepdims=True))
    probabilities /= probabilities.sum(axis=-1, keepdims=True)
    mean = probabilities @ CENTRES
    return mean, probabilities @ CENTRES**2 - mean**2 + WIDTH**2 / 12
