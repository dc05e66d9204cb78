"""What it costs to train a configuration further.

Shapes: n trials, q configurations.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from keras_metahpo.gaussian_process import fit_gaussian_process
from keras_metahpo.history import TrainingState
from keras_metahpo.space import Configuration, SearchSpace

# With fewer known trials their median serves all configurations.
FEWEST_KNOWN = 4


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


def predict_costs(
    space: SearchSpace, trials: Sequence[TrainingState], configurations: Sequence[Configuration]
) -> Costs:
    """Learns from n trials what an epoch of q configurations takes.

    The logarithm of the seconds is predicted by a Gaussian process over the hyperparameters, among
    which are those that decide it: units, layers, filters, batch size.
    """
    known = [trial for trial in trials if trial.epoch_s > 0]
    if not known:
        return Costs(np.ones(len(configurations)), 0.0)
    startup = float(np.median([trial.startup_s for trial in known]))
    logarithms = np.log([trial.epoch_s for trial in known])
    mean, std = logarithms.mean(), logarithms.std()
    if len(known) < FEWEST_KNOWN or std == 0:
        return Costs(np.full(len(configurations), np.exp(np.median(logarithms))), startup)
    categorical = np.array([hp.is_categorical for hp in space.hyperparameters], dtype=bool)
    observed = space.encode([trial.configuration for trial in known])
    process = fit_gaussian_process(
        observed.units, observed.active, categorical, (logarithms - mean) / std
    )
    query = space.encode(configurations)
    predicted, _ = process.predict(query.units, query.active)
    return Costs(np.exp(mean + std * predicted), startup)
