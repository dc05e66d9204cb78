"""What training further is expected to cost."""

import numpy as np
import pytest

from keras_metahpo.history import TrainingState
from keras_metahpo.policies.freeze_thaw.costs import predict_costs
from keras_metahpo.space import Hyperparameter, SearchSpace

SPACE = SearchSpace(
    [
        Hyperparameter("units", "int", 32, 8, 512, sampling="log"),
        Hyperparameter("rate", "float", 1e-2, 1e-4, 1e-1, sampling="log"),
    ]
)


def trained(units: int, epoch_s: float, startup_s: float = 0.0) -> TrainingState:
    return TrainingState({"units": units, "rate": 0.01}, np.zeros(2), epoch_s, startup_s)


def test_without_seconds_an_epoch_is_the_unit():
    costs = predict_costs(SPACE, [trained(8, 0.0)], [{"units": 9, "rate": 0.1}] * 3)
    assert costs.of(np.array([1, 2, 5])).tolist() == [1, 2, 5]


def test_a_few_trials_tell_their_median():
    costs = predict_costs(
        SPACE, [trained(8, 1.0, 3.0), trained(9, 4.0, 5.0)], [{"units": 8, "rate": 1e-2}]
    )
    assert costs.of(np.array([2])).tolist() == pytest.approx([4.0 + 2 * 2.0])


def test_many_trials_tell_which_hyperparameters_cost():
    configurations = SPACE.decode(SPACE.sample(20, np.random.default_rng(0)))
    trials = [TrainingState(c, np.zeros(2), c["units"] / 100) for c in configurations]
    query = [{"units": units, "rate": rate} for units in (16, 200) for rate in (1e-3, 1e-2)]
    assert predict_costs(SPACE, trials, query).epoch == pytest.approx(
        [0.16] * 2 + [2.0] * 2, rel=0.2
    )
