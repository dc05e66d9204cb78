"""What training further is expected to cost."""

import numpy as np
import pytest

from keras_metahpo.history import LoggedTrial, TrainingState, TrialLog, TrialLogCard
from keras_metahpo.policies import CostModel
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
    costs = CostModel().predict(SPACE, [trained(8, 0.0)], [{"units": 9, "rate": 0.1}] * 3)
    assert costs.of(np.array([1, 2, 5])).tolist() == [1, 2, 5]


def test_a_few_trials_tell_their_median():
    costs = CostModel().predict(
        SPACE, [trained(8, 1.0, 3.0), trained(9, 4.0, 5.0)], [{"units": 8, "rate": 1e-2}]
    )
    assert costs.of(np.array([2])).tolist() == pytest.approx([4.0 + 2 * 2.0])


def test_many_trials_tell_which_hyperparameters_cost():
    configurations = SPACE.decode(SPACE.sample(20, np.random.default_rng(0)))
    trials = [TrainingState(c, np.zeros(2), c["units"] / 100) for c in configurations]
    query = [{"units": units, "rate": rate} for units in (16, 200) for rate in (1e-3, 1e-2)]
    assert CostModel().predict(SPACE, trials, query).epoch == pytest.approx(
        [0.16] * 2 + [2.0] * 2, rel=0.2
    )


def squared_error(seed: int, knows_sizes: bool) -> float:
    """Of the logarithms of seconds that are chance but for the models' sizes."""
    rng = np.random.default_rng(seed)
    space = SearchSpace(
        [Hyperparameter(name, "int", 32, 8, 512, sampling="log") for name in ("first", "second")]
    )
    configurations = space.decode(space.sample(58, rng))
    sizes = np.array([c["first"] * c["second"] for c in configurations], dtype=float)
    seconds = sizes * np.exp(rng.normal(0.0, 0.5, len(sizes)))
    trials = [
        TrainingState(c, np.zeros(2), s, num_parameters=size * knows_sizes)
        for c, s, size in zip(configurations[:8], seconds, sizes, strict=False)
    ]
    predicted = CostModel().predict(space, trials, configurations[8:]).epoch
    return float(np.mean(np.log(predicted / sizes[8:]) ** 2))


def test_numbers_of_parameters_tell_what_few_trials_do_not():
    with_sizes, without = (
        np.mean([squared_error(seed, knows_sizes) for seed in range(8)])
        for knows_sizes in (True, False)
    )
    assert with_sizes < 0.7 * without


def earlier_search(seconds_a_unit: float, names=("units", "rate")) -> TrialLog:
    space = SearchSpace([hp for hp in SPACE.hyperparameters if hp.name in names])
    trials = []
    for number, c in enumerate(space.decode(space.sample(20, np.random.default_rng(1)))):
        epoch_s = c.get("units", 1) * seconds_a_unit
        curve = [{"loss": 1.0, "elapsed_s": 5.0 + epoch_s * epoch} for epoch in range(4)]
        trials.append(LoggedTrial(str(number), c, curve))
    card = TrialLogCard("earlier", "loss", "min", max_fidelity=4)
    return TrialLog.from_trials(card, space, trials)


def test_earlier_searches_tell_also_on_a_faster_machine():
    """One trial says how fast this machine is; two searches of other machines say the rest."""
    model = CostModel([earlier_search(1.0), earlier_search(0.2)])
    query = [{"units": units, "rate": 1e-2} for units in (16, 100, 400)]
    predicted = model.predict(SPACE, [trained(50, 0.5)], query)
    assert predicted.epoch == pytest.approx([0.16, 1.0, 4.0], rel=0.1)


def test_earlier_searches_without_seconds_tell_nothing():
    untimed = TrialLog.from_trials(
        TrialLogCard("untimed", "loss", "min"),
        SPACE,
        [LoggedTrial(str(n), SPACE.default_configuration(), [{"loss": 1.0}]) for n in range(9)],
    )
    foreign = earlier_search(1.0, names=())
    costs = CostModel([untimed, foreign]).predict(SPACE, [trained(8, 2.0)], [{"units": 99}])
    assert costs.epoch == pytest.approx([2.0])
