"""Where real tables lie beside a checkout, and small generated ones."""

from pathlib import Path

import keras_tuner
import numpy as np
import pytest

from keras_metahpo.history import LoggedTrial, TrialLog, TrialLogCard
from keras_metahpo.space import SearchSpace

TABLES = Path(__file__).parents[4] / "shared" / "data" / "tables"


def table(name: str) -> str:
    path = TABLES / name
    if not path.exists():
        pytest.skip(f"needs {name}, which is not beside the checkout")
    return str(path)


@pytest.fixture(scope="session")
def lcbench_folder() -> str:
    return table("lcbench")


@pytest.fixture(scope="session")
def taskset_file() -> str:
    return table("taskset.npz")


@pytest.fixture(scope="session")
def mixed_space() -> SearchSpace:
    """Numbers, a category, and a hyperparameter that one category switches on."""
    hp = keras_tuner.HyperParameters()
    hp.Float("learning_rate", 1e-4, 1e-1, sampling="log")
    hp.Int("units", 8, 512, step=8)
    if hp.Choice("optimizer", ["sgd", "adam"]) == "sgd":
        with hp.conditional_scope("optimizer", ["sgd"]):
            hp.Float("momentum", 0.0, 0.99)
    return SearchSpace.from_keras_tuner(hp)


def make_log(space: SearchSpace, num_trials: int = 30, epochs: int = 4, **card) -> TrialLog:
    """Random configurations; better with a higher learning rate, later in training."""
    configurations = space.decode(space.sample(num_trials, np.random.default_rng(0)))
    trials = [
        LoggedTrial(
            f"t{number}",
            configuration,
            [
                {
                    "val_loss": 1.0 / (epoch * configuration["learning_rate"]),
                    "elapsed_s": 2.0 * epoch,
                }
                for epoch in range(1, epochs + 1)
            ],
        )
        for number, configuration in enumerate(configurations)
    ]
    facts = {"name": "made/up", "objective": "val_loss", "direction": "min", **card}
    return TrialLog.from_trials(TrialLogCard(**facts, max_fidelity=epochs), space, trials)


@pytest.fixture
def log(mixed_space) -> TrialLog:
    return make_log(mixed_space)
