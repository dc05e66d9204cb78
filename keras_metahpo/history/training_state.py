"""How far a trial was trained, and what was measured on the way.

Shape: e epochs of a trial.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from keras_metahpo.history.records import FAILED_UTILITY
from keras_metahpo.space import Configuration

# Of the error of normal scores that are predicted before a training has ended, for each doubling
# of its epochs to come; measured on the task library's own runs
# (`keras_metahpo.policies.freeze_thaw.extrapolation`).
VARIANCE_A_DOUBLING = 0.175
# The first epoch tells nothing: on LCBench its rank correlation with the end is .01, and .81 after
# 5 of 52 epochs.
FEWEST_EPOCHS = 2


@dataclass(frozen=True)
class TrainingState:
    """A trial whose training may go on where it stopped.

    Attributes:
        configuration: Active hyperparameters.
        utilities: Float array (e,). The objective after each of its epochs, higher is better; NaN
            where it was not measured. A training that ended by itself before its time is filled up
            with NaN.
        epoch_s: Seconds an epoch; 0 where they are unknown.
        startup_s: Seconds that it takes to begin, or to go on.
        num_parameters: Of its model; 0 where it is unknown.
        may_go_on: Whether there is something to go on from, if epochs are left.
        is_random: Whether the floor drew it.
    """

    configuration: Configuration
    utilities: np.ndarray
    epoch_s: float = 0.0
    startup_s: float = 0.0
    num_parameters: float = 0.0
    may_go_on: bool = True
    is_random: bool = False

    @property
    def epochs(self) -> int:
        """How many epochs it was trained."""
        return len(self.utilities)

    @property
    def best_utilities(self) -> np.ndarray:
        """Float array (e,). The best utility up to each epoch, which is what a trial counts."""
        measured = np.where(np.isfinite(self.utilities), self.utilities, FAILED_UTILITY)
        return np.maximum.accumulate(measured)

    @property
    def utility(self) -> float:
        """The best utility so far; `FAILED_UTILITY` if nothing finite was measured."""
        return float(self.best_utilities[-1]) if self.epochs else FAILED_UTILITY


def seconds_of(elapsed: Sequence[float]) -> tuple[float, float]:
    """Seconds of an epoch, and those that the first one took longer; 0 where nothing is known.

    Args:
        elapsed: Seconds since a training began, after each of its epochs.
    """
    if not elapsed:
        return 0.0, 0.0
    spent = np.diff([0.0, *elapsed])
    epoch_s = float(np.median(spent[1:])) if len(spent) > 1 else float(spent[0])
    return max(epoch_s, 0.0), max(float(spent[0]) - epoch_s, 0.0)
