"""Data for processes."""

import numpy as np


def all_active(units):
    return np.ones(units.shape, dtype=bool)


def mixed_data(rng, size=25):
    """Two numbers, the second sometimes inactive, and a categorical with three values."""
    units = rng.random((size, 3))
    units[:, 2] = (rng.integers(3, size=size) + 0.5) / 3
    active = all_active(units)
    active[:, 1] = rng.random(size) < 0.6
    return units, active, np.array([False, False, True])
