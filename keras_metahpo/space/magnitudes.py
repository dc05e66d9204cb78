"""Orders of magnitude of what hyperparameters mean, as networks are told them."""

import numpy as np

from keras_metahpo.space.hyperparameter import Hyperparameter

# Orders of magnitude are divided by this, which maps 1e-8 ... 1e4 to about -2 ... 1.
MAGNITUDE_SCALE = 4.0
SMALLEST_MAGNITUDE = 1e-8
SMALLEST_DISTANCE = 1e-5


def has_magnitude(hp: Hyperparameter) -> bool:
    """Whether its values are numbers, or a list of such in their order."""
    return hp.is_numeric or (hp.ordered and len(hp.choices) > 1)


def bounds(hp: Hyperparameter) -> tuple[float, float]:
    """The least and the largest value of one that has a magnitude."""
    if hp.is_numeric:
        return float(hp.low), float(hp.high)
    numbers = [float(choice) for choice in hp.choices]
    return min(numbers), max(numbers)


def magnitude(physical):
    """Scaled power of ten, any shape."""
    return np.log10(np.maximum(np.abs(physical), SMALLEST_MAGNITUDE)) / MAGNITUDE_SCALE


def distance_to_one(physical):
    """The magnitude of a momentum or an average's decay: .9, .99 and .999 are evenly spaced."""
    distance = 1.0 - np.clip(physical, 0.0, 1.0)
    return -np.log10(np.maximum(distance, SMALLEST_DISTANCE)) / MAGNITUDE_SCALE
