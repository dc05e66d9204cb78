"""The kernels of Gaussian processes: stationary, ARD, over mixed and conditional search spaces.

Shapes: n and q configurations, d hyperparameters, p = n (n - 1) / 2 pairs in the order of
`numpy.triu_indices(n, 1)`.

The squared distance of two configurations is a weighted sum of one term a hyperparameter, and
each term is a squared Euclidean distance of some embedding, without which the kernel would not be
positive definite: a number lies at its unit position, a category and "inactive" on the corners of
a simplex, and an inactive number beside the middle of its axis, as far off as the axis' ends.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from keras_metahpo.space.points import INACTIVE_UNIT

INACTIVE_CATEGORY = -1.0
# Squared distance between an inactive number and the middle of its axis. Kept below that of two
# categories, for the parent that switched the number off is compared as well.
INACTIVE_DISTANCE = 0.25
SMALLEST_DISTANCE = 1e-12


@dataclass(frozen=True)
class Inputs:
    """Configurations as a Gaussian process sees them.

    Attributes:
        positions: Float array (n, d). Unit positions, the same for all inactive cells of a column.
        active: Bool array (n, d).
        categorical: Bool array (d,).
        prior_mean: Float array (n,). What is expected of each before any observation.
    """

    positions: np.ndarray
    active: np.ndarray
    categorical: np.ndarray
    prior_mean: np.ndarray

    @classmethod
    def of(
        cls,
        units: np.ndarray,
        active: np.ndarray,
        categorical: np.ndarray,
        prior_mean: np.ndarray | None = None,
    ) -> "Inputs":
        """Inputs of unit positions (n, d), whatever stands in their inactive cells.

        Without a prior mean it is 0.
        """
        inactive = np.where(categorical, INACTIVE_CATEGORY, INACTIVE_UNIT)
        return cls(
            np.where(active, units, inactive),
            active,
            categorical,
            np.zeros(len(units)) if prior_mean is None else np.asarray(prior_mean, dtype=float),
        )

    def __len__(self) -> int:
        return len(self.positions)

    def __getitem__(self, rows) -> "Inputs":
        return Inputs(
            self.positions[rows],
            self.active[rows],
            self.categorical,
            self.prior_mean[rows],
        )

    def __add__(self, other: "Inputs") -> "Inputs":
        return Inputs(
            np.concatenate([self.positions, other.positions]),
            np.concatenate([self.active, other.active]),
            self.categorical,
            np.concatenate([self.prior_mean, other.prior_mean]),
        )


def pairwise_distances(inputs: Inputs) -> np.ndarray:
    """Squared distances of all pairs, one row a hyperparameter: float array (d, p)."""
    first, second = np.triu_indices(len(inputs), 1)
    distances = np.empty((len(inputs.categorical), len(first)))
    columns = zip(inputs.positions.T, inputs.active.T, inputs.categorical, strict=True)
    for row, (positions, active, categorical) in zip(distances, columns, strict=True):
        np.subtract(positions[first], positions[second], out=row)
        if categorical:
            row[:] = row != 0
        else:
            row *= row
            if not active.all():
                row += INACTIVE_DISTANCE * (active[first] != active[second])
    return distances


def cross_distances(query: Inputs, inputs: Inputs, weights: np.ndarray) -> np.ndarray:
    """Squared distances weighted by `weights` (d,) and summed: float array (q, n)."""
    ordered = ~inputs.categorical
    scale = np.sqrt(weights[ordered])
    left, right = (
        np.hstack(
            [
                # Centred: the cancellation below is then of small numbers.
                scale * (side.positions[:, ordered] - INACTIVE_UNIT),
                scale * np.sqrt(INACTIVE_DISTANCE) * side.active[:, ordered],
            ]
        )
        for side in (query, inputs)
    )
    distances = (left**2).sum(1)[:, None] + (right**2).sum(1) - 2 * left @ right.T
    for column in np.flatnonzero(inputs.categorical):
        different = query.positions[:, column, None] != inputs.positions[:, column]
        distances += weights[column] * different
    return np.maximum(distances, 0.0)


# Squared distances (any shape) to the correlations and minus their derivatives.
Correlation = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]


def rbf(distances: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The squared exponential."""
    value = np.exp(-0.5 * distances)
    return value, 0.5 * value


def matern_12(distances: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Matern 1/2; its infinite slope at 0 is cut off: there, a fit multiplies it by 0."""
    scaled = np.sqrt(distances)
    value = np.exp(-scaled)
    return value, 0.5 * value / np.maximum(scaled, SMALLEST_DISTANCE)


def matern_32(distances: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Matern 3/2."""
    scaled = np.sqrt(3.0 * distances)
    decay = np.exp(-scaled)
    return decay * (1.0 + scaled), 1.5 * decay


def matern_52(distances: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Matern 5/2."""
    scaled = np.sqrt(5.0 * distances)
    decay = np.exp(-scaled)
    slope = decay * (1.0 + scaled)
    return slope + decay * (5.0 / 3.0) * distances, (5.0 / 6.0) * slope


CORRELATIONS: dict[str, Correlation] = {
    "rbf": rbf,
    "matern_12": matern_12,
    "matern_32": matern_32,
    "matern_52": matern_52,
}
