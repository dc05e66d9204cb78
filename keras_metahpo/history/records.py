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
    """

    configurations: Sequence[Configuration] = ()
    utilities: np.ndarray = None  # type: ignore[assignment]
    variances: np.ndarray = None  # type: ignore[assignment]

    def __post_init__(self):
        size = len(self.configurations)
        utilities = () if self.utilities is None else self.utilities
        variances = np.zeros(size) if self.variances is None else self.variances
        object.__setattr__(self, "utilities", np.asarray(utilities, dtype=float))
        object.__setattr__(self, "variances", np.asarray(variances, dtype=float))
        if not self.utilities.shape == self.variances.shape == (size,):
            raise ValueError(
                "A history needs one utility, and one variance if any, a configuration. Received: "
                f"{size} configurations, utilities {self.utilities.shape}, variances "
                f"{self.variances.shape}."
            )

    def __len__(self) -> int:
        return len(self.configurations)

    @property
    def failed(self) -> np.ndarray:
        """Bool array (n,)."""
        return ~np.isfinite(self.utilities)

    def best_first(self) -> list[int]:
        """Trial numbers from the best to the worst; earlier first among equals."""
        return np.argsort(-self.utilities, kind="stable").tolist()
