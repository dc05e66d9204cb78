"""Trial logs whose contents are known, and descriptions of any size."""

import numpy as np
import pytest

from keras_metahpo.data import Description, SpaceDescription, TaskDescription
from keras_metahpo.data.spread import Spread
from keras_metahpo.history import LoggedTrial, TrialLog, TrialLogCard
from keras_metahpo.space import Condition, Hyperparameter, SearchSpace

SPACE = SearchSpace(
    [
        Hyperparameter("learning_rate", "float", 1e-3, low=1e-5, high=1.0, sampling="log"),
        Hyperparameter("units", "int", 32, low=8, high=128),
        Hyperparameter("activation", "choice", "relu", choices=("relu", "tanh", "elu")),
        Hyperparameter("momentum", "float", 0.5, low=0.0, high=1.0),
    ]
)
SGD_ONLY = (Condition("optimizer", ("sgd",)),)
CONDITIONAL_SPACE = SearchSpace(
    [
        Hyperparameter("optimizer", "choice", "sgd", choices=("sgd", "adam")),
        Hyperparameter("momentum", "float", 0.5, low=0.0, high=1.0, conditions=SGD_ONLY),
        Hyperparameter("units", "int", 32, low=8, high=128),
    ]
)


def log_of(trials, name="made/up", space=SPACE, direction="max", **card) -> TrialLog:
    """A log of (configuration, curve of the objective), or (configuration, None) if it failed."""
    longest = max((len(curve) for _, curve in trials if curve is not None), default=1)
    card = TrialLogCard(name, "score", direction, **({"max_fidelity": longest} | card))
    logged = [
        LoggedTrial(
            f"{number}",
            configuration,
            [
                {"score": float(value), "elapsed_s": 2.0 * epoch}
                for epoch, value in enumerate(curve or (), start=1)
            ],
            status="FAILED" if curve is None else "COMPLETED",
            message="out of memory" if curve is None else None,
        )
        for number, (configuration, curve) in enumerate(trials)
    ]
    return TrialLog.from_trials(card, space, logged)


def drawn(count, seed=0, space=SPACE):
    """Random configurations."""
    return space.decode(space.sample(count, np.random.default_rng(seed)))


def log_by(function, count=20, seed=0, space=SPACE, **card) -> TrialLog:
    """A log whose objective is a function of the configuration, reached in two epochs."""
    trials = [(c, [function(c) - 1.0, function(c)]) for c in drawn(count, seed, space)]
    return log_of(trials, space=space, **card)


def description_of(num_tasks: int) -> Description:
    """As many tasks of a dozen families, at least two of them in one space."""
    rng = np.random.default_rng(0)
    tasks = []
    for number in range(num_tasks):
        family = f"family_{number % max(num_tasks // 8, 1)}"
        names = ["learning_rate", "units", "dropout", "optimizer", "gizmo"][: 3 + number % 3]
        median, width = rng.random(2)
        tasks.append(
            TaskDescription(
                label=f"{family}/quite_a_long_name_{number}",
                family=family,
                path="",
                objective="score",
                direction="max",
                num_trials=240,
                num_failed=number,
                num_configurations=200,
                spread=Spread(median + width, median, median - width, median + width / 2, 0.05, 20),
                importances=dict(zip(names, rng.dirichlet(np.ones(len(names))), strict=True)),
                correlations=tuple(np.linspace(0.2, 1.0, 3 + number % 7)),
            )
        )
    families: dict[str, list[str]] = {}
    for task in tasks:
        families.setdefault(task.family, []).append(task.label)
    spaces = [
        SpaceDescription(("units",), tuple(labels), tuple(labels), np.full((len(labels),) * 2, 0.5))
        for labels in families.values()
    ]
    return Description(tuple(tasks), tuple(spaces))


@pytest.fixture(scope="session")
def logs() -> list[TrialLog]:
    """Two tasks of one space that agree, one that is hopeless, and one of another space."""
    return [
        log_by(lambda c: np.log(c["learning_rate"]), name="one/a"),
        log_by(lambda c: np.log(c["learning_rate"]), seed=1, name="one/<b>"),
        log_of([(c, None) for c in drawn(3)], name="one/c"),
        log_by(lambda c: c["units"], space=CONDITIONAL_SPACE, name="two/d"),
    ]
