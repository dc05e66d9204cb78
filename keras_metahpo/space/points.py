"""The arrays that configurations of a search space become.

Shapes: n configurations, d hyperparameters.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

INACTIVE_UNIT = 0.5


@dataclass(frozen=True)
class Points:
    """Configurations of one search space as arrays.

    Attributes:
        units: Float array (n, d). Unit positions; `INACTIVE_UNIT` where inactive.
        numbers: Float array (n, d). Values on each hyperparameter's own axis, NaN where inactive.
        active: Bool array (n, d).
    """

    units: np.ndarray
    numbers: np.ndarray
    active: np.ndarray

    def __len__(self) -> int:
        return len(self.units)

    def __getitem__(self, rows) -> "Points":
        return Points(self.units[rows], self.numbers[rows], self.active[rows])

    def keys(self) -> list[bytes]:
        """One hashable key a row; equal exactly for equal configurations."""
        return [row.tobytes() for row in np.nan_to_num(self.numbers, nan=-np.inf)]


def concatenate(parts: Sequence[Points]) -> Points:
    """Stacks points of the same search space."""
    return Points(
        *(np.concatenate([getattr(p, f) for p in parts]) for f in ("units", "numbers", "active"))
    )
