"""Gaussian processes over search spaces; arrays only."""

from keras_metahpo.gaussian_process.fitting import fit_gaussian_process
from keras_metahpo.gaussian_process.kernels import CORRELATIONS, Inputs, pairwise_distances
from keras_metahpo.gaussian_process.mixture import (
    NUM_DRAWS,
    GaussianProcessMixture,
    draw_gaussian_processes,
)
from keras_metahpo.gaussian_process.model import GaussianProcess

__all__ = [
    "CORRELATIONS",
    "NUM_DRAWS",
    "GaussianProcess",
    "GaussianProcessMixture",
    "Inputs",
    "draw_gaussian_processes",
    "fit_gaussian_process",
    "pairwise_distances",
]
