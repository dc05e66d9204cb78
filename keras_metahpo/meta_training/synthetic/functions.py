"""Random functions of unit positions that know nothing of what the hyperparameters mean.

Shapes: n configurations, d hyperparameters.
"""

import numpy as np

NUM_FEATURES = 32  # random Fourier features: enough to look random, few enough to be fast
IRRELEVANT = 0.35  # share of the hyperparameters that hardly matter to a smooth function


def standardized(values: np.ndarray) -> np.ndarray:
    """Mean 0, standard deviation 1; zeros where all values are equal. Float array (n,)."""
    spread = values.std()
    return (values - values.mean()) / spread if spread > 0 else np.zeros_like(values)


def smooth_function(units: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A draw from about a Gaussian process with one length scale a hyperparameter, standardized.

    Random Fourier features (Rahimi and Recht, 2007) of an RBF kernel.

    Args:
        units: Float array (n, d).
        rng: Source of randomness.
    """
    num_dimensions = units.shape[1]
    # Length scales grow with sqrt(d), so that functions of many dimensions are no white noise.
    scales = 0.5 * np.sqrt(num_dimensions) * np.exp(rng.normal(-0.3, 0.6, num_dimensions))
    flat = rng.random(num_dimensions) < IRRELEVANT
    scales = np.where(flat, 10.0 * scales, scales)
    frequencies = rng.normal(size=(num_dimensions, NUM_FEATURES)) / scales[:, None]
    phases = rng.uniform(0.0, 2.0 * np.pi, NUM_FEATURES)
    return standardized(np.cos(units @ frequencies + phases) @ rng.normal(size=NUM_FEATURES))


def bowl(units: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A sum of powers of distances to an optimum, sometimes rotated, standardized."""
    num_dimensions = units.shape[1]
    offsets = units - rng.random(num_dimensions)
    weights = np.exp(rng.normal(0.0, 1.0, num_dimensions))
    if rng.random() < 0.3:
        offsets = offsets @ np.linalg.qr(rng.normal(size=(num_dimensions, num_dimensions)))[0]
    return standardized((weights * np.abs(offsets) ** rng.uniform(1.0, 3.0)).sum(axis=1))


def trend(units: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A linear function, standardized."""
    return standardized(units @ rng.normal(size=units.shape[1]))


def generic_function(units: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A mixture of a bowl, a trend and a smooth function: float array (n,)."""
    parts = (bowl(units, rng), trend(units, rng), smooth_function(units, rng))
    # A low concentration lets one of the three prevail on most tasks.
    return sum(w * part for w, part in zip(rng.dirichlet([0.6, 0.3, 0.8]), parts, strict=True))
