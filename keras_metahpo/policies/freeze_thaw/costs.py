"""What it costs to train a configuration further.

The logarithm of an epoch's seconds is predicted from the trainings of this search by a Gaussian
process over the hyperparameters, among which are those that decide it: units, layers, batch size.
Two things are asked besides: how many parameters the models have, and what earlier searches of the
same problem took, on whatever machine. `python benchmarks/costs.py` measures what this is worth.

Shapes: n trials, q configurations.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from keras_metahpo.gaussian_process import GaussianProcess, Inputs, fit_gaussian_process
from keras_metahpo.history import TrainingState, TrialLog
from keras_metahpo.policies.mapping import nearest_points, related_logs
from keras_metahpo.space import Configuration, Hyperparameter, Points, SearchSpace, concatenate

# With fewer known trials their median serves all configurations.
FEWEST_KNOWN = 4
# Of an earlier search, so many trials, evenly spaced.
MOST_EARLIER = 100


@dataclass(frozen=True)
class Costs:
    """Seconds, or epochs where no seconds are known, of q configurations.

    Attributes:
        epoch: Float array (q,). Of one epoch.
        startup: To begin or to go on, whatever the configuration.
    """

    epoch: np.ndarray
    startup: float

    def of(self, epochs: np.ndarray) -> np.ndarray:
        """Float array (q,). Of so many epochs (q,) in one go."""
        return self.startup + self.epoch * epochs


@dataclass(frozen=True)
class Regression:
    """A Gaussian process over hyperparameters that predicts numbers in their own units."""

    process: GaussianProcess
    mean: float
    std: float

    @classmethod
    def fit(
        cls,
        space: SearchSpace,
        points: Points,
        numbers: np.ndarray,
        prior_mean: np.ndarray | None = None,
    ) -> "Regression":
        """Learns n numbers; the prior mean (n,) is in units of their standard deviation."""
        mean, std = float(numbers.mean()), float(numbers.std()) or 1.0
        targets = (numbers - mean) / std
        inputs = Inputs.of(points.units, points.active, space.categorical, prior_mean)
        return cls(fit_gaussian_process(inputs, targets), mean, std)

    def predict(self, points: Points, prior_mean: np.ndarray | None = None) -> np.ndarray:
        """Float array (q,)."""
        categorical = self.process.inputs.categorical
        query = Inputs.of(points.units, points.active, categorical, prior_mean)
        predicted, _ = self.process.predict(query)
        return self.mean + self.std * predicted


class CostModel:
    """Learns what an epoch takes.

    Args:
        logs: Earlier searches of the same problem.
    """

    def __init__(self, logs: Sequence[TrialLog] = ()):
        self.logs = logs
        self._earlier: dict[tuple[Hyperparameter, ...], Regression | None] = {}

    def predict(
        self,
        space: SearchSpace,
        trials: Sequence[TrainingState],
        configurations: Sequence[Configuration],
    ) -> Costs:
        """What q configurations cost, by what n trials did."""
        known = [trial for trial in trials if trial.epoch_s > 0]
        if not known:
            return Costs(np.ones(len(configurations)), 0.0)
        observed = space.encode([trial.configuration for trial in known])
        asked = space.encode(configurations)
        logarithms = np.log([trial.epoch_s for trial in known])
        earlier = self._earlier_search(space)
        expected = np.zeros(len(known)), np.zeros(len(configurations))
        if earlier is not None:
            expected = earlier.predict(observed), earlier.predict(asked)
        surprises = logarithms - expected[0]
        if len(known) < FEWEST_KNOWN or surprises.std() == 0:
            surprise = np.full(len(configurations), np.median(surprises))
        else:
            sizes = _sizes(space, known, observed, asked) if earlier is None else (None, None)
            regression = Regression.fit(space, observed, surprises, sizes[0])
            surprise = regression.predict(asked, sizes[1])
        startup = float(np.median([trial.startup_s for trial in known]))
        return Costs(np.exp(expected[1] + surprise), startup)

    def _earlier_search(self, space: SearchSpace) -> Regression | None:
        """Predicts how much longer than others of its search a configuration took earlier."""
        if space.hyperparameters not in self._earlier:
            parts = [_logged(space, log) for log in related_logs(space, self.logs)]
            logged = [(points, numbers) for points, numbers in parts if len(points)]
            regression = None
            if sum(len(points) for points, _ in logged) >= FEWEST_KNOWN:
                points = concatenate([points for points, _ in logged])
                numbers = np.concatenate([numbers for _, numbers in logged])
                regression = Regression.fit(space, points, numbers)
            self._earlier[space.hyperparameters] = regression
        return self._earlier[space.hyperparameters]


def _sizes(
    space: SearchSpace, known: Sequence[TrainingState], observed: Points, asked: Points
) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Standardised logarithms of the numbers of parameters, of n trials and q configurations.

    Those of the configurations are predicted: to know them, each model would have to be built.
    """
    if not all(trial.num_parameters for trial in known):
        return None, None
    logarithms = np.log([trial.num_parameters for trial in known])
    if logarithms.std() == 0:
        return None, None
    sizes = (logarithms - logarithms.mean()) / logarithms.std()
    return sizes, Regression.fit(space, observed, sizes).predict(asked)


def _logged(space: SearchSpace, log: TrialLog) -> tuple[Points, np.ndarray]:
    """Configurations of a log and logarithms of their seconds an epoch, around 0."""
    timed = []
    for trial in log.trials:
        # The first epoch's seconds are those of the beginning, too.
        if trial.epoch_s > 0 and len(trial.measurements) >= min(2, log.card.max_fidelity):
            timed.append((trial.configuration, np.log(trial.epoch_s)))
    rows = np.unique(np.linspace(0, len(timed) - 1, min(len(timed), MOST_EARLIER)).astype(int))
    numbers = np.array([timed[row][1] for row in rows], dtype=float)
    if len(numbers):
        numbers -= np.median(numbers)
    return nearest_points(space, [timed[row][0] for row in rows]), numbers
