"""Distances."""

import numpy as np

from keras_metahpo.gaussian_process.kernels import (
    Inputs,
    cross_distances,
    pairwise_distances,
)

from .data import mixed_data


def test_pairwise_and_cross_distances_agree(rng):
    inputs = Inputs.of(*mixed_data(rng))
    weights = rng.random(3)
    square = cross_distances(inputs, inputs, weights)
    condensed = square[np.triu_indices(25, 1)]
    np.testing.assert_allclose(weights @ pairwise_distances(inputs), condensed, atol=1e-12)


def test_distances_are_euclidean(rng):
    """Otherwise the kernel is not positive definite (Schoenberg)."""
    inputs = Inputs.of(*mixed_data(rng, size=60))
    square = cross_distances(inputs, inputs, np.ones(3))
    centring = np.eye(60) - 1 / 60
    assert np.linalg.eigvalsh(-centring @ square @ centring).min() > -1e-9
