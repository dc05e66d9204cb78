"""Recorded learning curves of many configurations.

Shapes: n recorded configurations, e epochs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from keras_metahpo.benchmark.blackbox import BlackboxCard, Evaluation
from keras_metahpo.benchmark.blackboxes.grid import utilities_array
from keras_metahpo.history import FAILED_UTILITY, LoggedTrial
from keras_metahpo.history.trial_table import FAILED

# Where no seconds were recorded, a study still needs a clock.
SECONDS_AN_EPOCH = 1.0


@dataclass(frozen=True)
class Curves:
    """What was measured, epoch by epoch.

    Attributes:
        metrics: Float arrays (n, e) by name; NaN where nothing was measured.
        elapsed_s: Float array (n, e). Seconds from the start of the training; constant after its
            end.
        failed_from: Int array (n,). The epoch from which on a training counts as failed; above
            the full fidelity where it never does.
        messages: n reasons of failures.
    """

    metrics: Mapping[str, np.ndarray]
    elapsed_s: np.ndarray
    failed_from: np.ndarray
    messages: Sequence[str | None]

    def __len__(self) -> int:
        return len(self.elapsed_s)

    def evaluation(self, row: int, card: BlackboxCard, fidelity: int) -> Evaluation:
        """All metrics at the best epoch up to `fidelity`, which is the one KerasTuner counts."""
        last = min(fidelity, self.elapsed_s.shape[1])
        elapsed_s = float(self.elapsed_s[row, last - 1])
        utilities = utilities_array(self.metrics[card.objective][row, :last], card.direction)
        if fidelity >= self.failed_from[row] or utilities.max() == FAILED_UTILITY:
            message = self.messages[row] or "The recorded training failed."
            return Evaluation({name: float("nan") for name in self.metrics}, elapsed_s, message)
        best = int(utilities.argmax())
        metrics = {name: float(values[row, best]) for name, values in self.metrics.items()}
        return Evaluation(metrics, elapsed_s)

    def utilities(self, card: BlackboxCard, fidelity: int) -> np.ndarray:
        """Float array (n,). The best epoch up to `fidelity`; failures are `FAILED_UTILITY`."""
        measured = self.metrics[card.objective][:, :fidelity]
        best = utilities_array(measured, card.direction).max(axis=1)
        return np.where(fidelity >= self.failed_from, FAILED_UTILITY, best)

    def first_measured(self, card: BlackboxCard) -> np.ndarray:
        """Int array (n,). The first epoch with a value of the objective; 1 where there is none."""
        return 1 + (~np.isnan(self.metrics[card.objective])).argmax(axis=1)


def curves_of(trials: Sequence[LoggedTrial], metric_names: Sequence[str], epochs: int) -> Curves:
    """The curves of a trial log.

    Args:
        trials: n trials.
        metric_names: Columns; NaN where a trial has no such value.
        epochs: The full fidelity, e.
    """
    metrics = {name: np.full((len(trials), epochs), np.nan) for name in metric_names}
    elapsed_s = np.empty((len(trials), epochs))
    for row, trial in enumerate(trials):
        for column, measured in enumerate(trial.measurements):
            for name in metric_names:
                metrics[name][row, column] = measured.get(name, np.nan)
        elapsed_s[row] = _elapsed(trial, epochs)
    failed = np.array([trial.status == FAILED for trial in trials], dtype=bool)
    return Curves(
        metrics,
        elapsed_s,
        failed_from=np.where(failed, 1, epochs + 1),
        messages=[trial.message for trial in trials],
    )


def _elapsed(trial: LoggedTrial, epochs: int) -> np.ndarray:
    """Float array (e,). Linear between the epochs whose seconds are known, from 0 at the start."""
    known = {
        epoch: measured["elapsed_s"]
        for epoch, measured in enumerate(trial.measurements, start=1)
        if "elapsed_s" in measured
    }
    if not known:
        last = max(len(trial.measurements), 1)
        known = {last: last * SECONDS_AN_EPOCH}
    return np.interp(np.arange(1, epochs + 1), [0, *known], [0.0, *known.values()])
