"""What a search has observed: configurations and their utilities.

Shape: n trials.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from keras_metahpo.space import Configuration

FAILED_UTILITY = -np.inf


def utility(value: float | None, direction: str) -> float:
    """The one place where an objective's sign is flipped: higher is better, failures are -inf.

    Args:
        value: The objective; `None`, NaN and infinities of either sign mean that the trial failed.
        direction: `"min"` or `"max"`.
    """
    if direction not in ("min", "max"):
        raise ValueError(f"direction must be 'min' or 'max'. Received: direction={direction!r}.")
    if value is None or not np.isfinite(value):
        return FAILED_UTILITY
    return float(value) if direction == "max" else -float(value)


def best_utility(values: Iterable[float | None], direction: str) -> float:
    """The best utility of a trial's values of the objective; that of a failure if there is none."""
    return max((utility(value, direction) for value in values), default=FAILED_UTILITY)


@dataclass(frozen=True)
class History:
    """Finished trials in the order in which they ended.

    Attributes:
        configurations: n configurations.
        utilities: Float array (n,). Higher is better; `FAILED_UTILITY` for failed trials.
        variances: Float array (n,). Of the error of each utility's normal score, where the utility
            was predicted from a training that has not ended; 0 by default.
        costs: Float array (n,). Seconds an epoch; NaN where they are unknown, as by default.
    """

    configurations: Sequence[Configuration] = ()
    utilities: np.ndarray = None  # type: ignore[assignment]
    variances: np.ndarray = None  # type: ignore[assignment]
    costs: np.ndarray = None  # type: ignore[assignment]

    def __post_init__(self):
        size = len(self.configurations)
        defaults = {"utilities": (), "variances": np.zeros(size), "costs": np.full(size, np.nan)}
        shapes = {}
        for name, default in defaults.items():
            given = getattr(self, name)
            array = np.asarray(default if given is None else given, dtype=float)
            object.__setattr__(self, name, array)
            shapes[name] = array.shape
        if set(shapes.values()) != {(size,)}:
            raise ValueError(
                "A history needs one utility, and one variance and one cost if any, a "
                f"configuration. Received: {size} configurations and arrays of shapes {shapes}."
            )

    def __len__(self) -> int:
        return len(self.configurations)

    def take(self, rows: Sequence[int]) -> "History":
        """Those of its trials."""
        rows = list(rows)
        arrays = (array[rows] for array in (self.utilities, self.variances, self.costs))
        return History([self.configurations[row] for row in rows], *arrays)

    @property
    def failed(self) -> np.ndarray:
        """Bool array (n,)."""
        return ~np.isfinite(self.utilities)

    def best_first(self) -> list[int]:
        """Trial numbers from the best to the worst; earlier first among equals."""
        return np.argsort(-self.utilities, kind="stable").tolist()
