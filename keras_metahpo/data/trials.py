"""The trials of a log as arrays.

Shapes: t trials, n configurations, e epochs.
"""

from dataclasses import dataclass

import numpy as np

from keras_metahpo.history import FAILED_UTILITY, TrialLog, utility
from keras_metahpo.space import Configuration


@dataclass(frozen=True)
class Trials:
    """What was measured.

    Equal configurations are one configuration that was trained from several seeds.

    Attributes:
        configurations: n different configurations.
        configuration_of: Int array (t,). Which of them a trial trained.
        first: Int array (n,). The first trial of each.
        utilities: Float array (t,). Of the best epoch; `FAILED_UTILITY` for failed trials.
        curves: Float array (t, e). The best utility up to each epoch, also of failed trials; a
            trial that ended early keeps its best.
        seconds: Float array (t,). The last `elapsed_s`; NaN where there is none.
    """

    configurations: list[Configuration]
    configuration_of: np.ndarray
    first: np.ndarray
    utilities: np.ndarray
    curves: np.ndarray
    seconds: np.ndarray

    @property
    def first_utilities(self) -> np.ndarray:
        """Float array (n,). One utility a configuration, from its first seed."""
        return self.utilities[self.first]


def read_trials(log: TrialLog) -> Trials:
    """The trials of a log in its order."""
    history = log.history()
    keys = log.space.encode(history.configurations).keys()
    numbers = {key: number for number, key in enumerate(dict.fromkeys(keys))}
    configuration_of = np.array([numbers[key] for key in keys], dtype=int)
    first = np.unique(configuration_of, return_index=True)[1]
    longest = max((len(trial.measurements) for trial in log.trials), default=0)
    curves = np.full((len(keys), longest), FAILED_UTILITY)
    seconds = np.full(len(keys), np.nan)
    for row, trial in enumerate(log.trials):
        for epoch, measured in enumerate(trial.measurements):
            curves[row, epoch] = utility(measured.get(log.card.objective), log.card.direction)
            seconds[row] = measured.get("elapsed_s", seconds[row])
    return Trials(
        configurations=[history.configurations[row] for row in first],
        configuration_of=configuration_of,
        first=first,
        utilities=history.utilities,
        curves=np.maximum.accumulate(curves, axis=1),
        seconds=seconds,
    )
