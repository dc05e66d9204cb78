"""What a training that has stopped early would have reached.

Ranks among trials of one age predict final ranks best when the curves are left as they are: on
the 87 tasks of the task library, adding to each trial a gain in proportion to its own last one
lowers the rank correlation with the end at every age (at half of the training from .928 to .914
to .821, with a quarter and the whole of its last gain). So all trials of one age are expected to
gain the same, which matters only against trials of another age.

What is left of uncertainty grows with the logarithm of the epochs to come. In normal scores, its
variance at 1/10, 1/5, 3/10, 1/2 and 3/4 of the training was .63, .43, .30, .16 and .08, which is
.175 a doubling: a random walk in log epochs.

Shapes: n trials, e epochs.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from keras_metahpo.acquisition import normal_scores
from keras_metahpo.history import VARIANCE_A_DOUBLING, TrainingState

# So many errors of a search's own trainings weigh as much as that.
PRIOR_WEIGHT = 10.0
# Gain until an age 2, 4, 8 times as high, in units of the gain of the last doubling: .55, 1.24,
# 2.6 on the library's runs (medians over tasks).
GAIN_SCALE, GAIN_POWER = 0.55, 1.4


@dataclass(frozen=True)
class Outlook:
    """What is expected of trials at the end of their training.

    Attributes:
        utilities: Float array (n,). Expected final utilities; failures stay failures.
        variance_a_doubling: Of the error of a final score, for each doubling of epochs to come.
        max_epochs: Of a full training.
    """

    utilities: np.ndarray
    variance_a_doubling: float
    max_epochs: int

    def variance(self, epochs: np.ndarray) -> np.ndarray:
        """Variance of the error of a final score that is predicted after so many epochs."""
        doublings = np.log2(self.max_epochs / np.maximum(epochs, 1))
        return self.variance_a_doubling * doublings


def look_ahead(trials: Sequence[TrainingState], max_epochs: int) -> Outlook:
    """Looks ahead to the end of the training.

    Args:
        trials: n trials.
        max_epochs: Epochs of a full training.
    """
    curves = [trial.best_utilities for trial in trials]
    alive = np.array([np.isfinite(trial.utility) for trial in trials], dtype=bool)
    living = [curve for curve, lives in zip(curves, alive, strict=True) if lives]
    gains = _gains(living, max_epochs)
    reached = np.array([trial.utility for trial in trials], dtype=float)
    final = reached + np.array(
        [gains[len(curve)] if lives else 0.0 for curve, lives in zip(curves, alive, strict=True)]
    )
    order = np.argsort(final[alive], kind="stable")
    known = final[alive][order], normal_scores(final)[alive][order]
    squares = _square_errors(living, gains, known)
    variance = PRIOR_WEIGHT * VARIANCE_A_DOUBLING + sum(squares)
    return Outlook(final, variance / (PRIOR_WEIGHT + len(squares)), max_epochs)


def _gains(curves: Sequence[np.ndarray], max_epochs: int) -> dict[int, float]:
    """What trials of each age are expected to gain until the end.

    From the oldest: what is known of the way is the gain to the next age that trials have reached.
    """
    ages = sorted({len(curve) for curve in curves})
    gains: dict[int, float] = {}
    for place in reversed(range(len(ages))):
        if place == len(ages) - 1:
            gains[ages[place]] = _unseen_gain(curves, ages[place], max_epochs)
        else:
            later = ages[place + 1]
            gains[ages[place]] = _seen_gain(curves, ages[place], later) + gains[later]
    return gains


def _square_errors(curves, gains, known) -> list[float]:
    """Squared errors a doubling of what would have been predicted from earlier ages."""
    squares = []
    for curve in curves:
        age = len(curve)
        for earlier in sorted(a for a in gains if 1 < a < age):
            if np.isfinite(curve[earlier - 1]):
                before, after = np.interp(
                    [curve[earlier - 1] + gains[earlier], curve[-1] + gains[age]], *known
                )
                squares.append((after - before) ** 2 / np.log2(age / earlier))
    return squares


def _seen_gain(curves: Sequence[np.ndarray], age: int, later: int) -> float:
    """Median gain of the trials that have lived through it."""
    gains = [curve[later - 1] - curve[age - 1] for curve in curves if len(curve) >= later]
    finite = [gain for gain in gains if np.isfinite(gain)]
    return float(np.median(finite)) if finite else 0.0


def _unseen_gain(curves: Sequence[np.ndarray], age: int, max_epochs: int) -> float:
    """What the last doubling of all trials of this age says of the doublings to come."""
    if age >= max_epochs or age < 2:
        return 0.0
    last = _seen_gain(curves, age // 2, age)
    return last * GAIN_SCALE * np.log2(max_epochs / age) ** GAIN_POWER
