"""Gaussian processes over search spaces; arrays only."""

from keras_metahpo.gaussian_process.fitting import fit_gaussian_process
from keras_metahpo.gaussian_process.kernels import CORRELATIONS
from keras_metahpo.gaussian_process.model import GaussianProcess

__all__ = ["CORRELATIONS", "GaussianProcess", "fit_gaussian_process"]
