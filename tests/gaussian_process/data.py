"""Data for processes."""

import numpy as np

from keras_metahpo.gaussian_process import Inputs


def all_active(units):
    return np.ones(units.shape, dtype=bool)


def numbers(units, prior_mean=None):
    """Inputs of numbers that are all active."""
    return Inputs.of(units, all_active(units), np.zeros(units.shape[1], bool), prior_mean)


def mixed_data(rng, size=25):
    """Two numbers, the second sometimes inactive, and a categorical with three values."""
    units = rng.random((size, 3))
    units[:, 2] = (rng.integers(3, size=size) + 0.5) / 3
    active = all_active(units)
    active[:, 1] = rng.random(size) < 0.6
    return units, active, np.array([False, False, True])
