"""Entries of every kind are told apart, and what is none is named with what may have been meant."""

import json

import keras_tuner
import pytest

from keras_metahpo.errors import TrialLogError
from keras_metahpo.history import LoggedTrial, TrialLog, TrialLogCard, load_logs, read_logs
from keras_metahpo.space import Hyperparameter, SearchSpace

NUM_TRIALS = 6


class NumberTuner(keras_tuner.Tuner):
    """Returns a number in place of training."""

    def run_trial(self, trial, *args, **kwargs):
        return {"val_accuracy": number(trial.hyperparameters)}


class NumberHyperband(keras_tuner.Hyperband):
    """Hyperband's own tuner, whose trials get better with their epochs."""

    def run_trial(self, trial, *args, **kwargs):
        hp = trial.hyperparameters
        return {"val_accuracy": number(hp) + 0.01 * hp.values["tuner/epochs"]}


def build(hp):
    hp.Int("units", 8, 64, step=8)
    hp.Choice("optimizer", ["adam", "sgd"])
    with hp.conditional_scope("optimizer", ["sgd"]):
        hp.Float("momentum", 0.0, 0.9)


def number(hp) -> float:
    build(hp)
    return hp.get("units") / 100


def search(directory, name: str):
    """A finished search of KerasTuner by one of its tuners."""
    place = {"hypermodel": build, "directory": str(directory), "project_name": name}
    arguments = {"objective": "val_accuracy", "seed": 1}
    if name == "Hyperband":
        tuner = NumberHyperband(max_epochs=4, factor=2, **arguments, **place)
    else:
        oracles = {
            "RandomSearch": keras_tuner.oracles.RandomSearchOracle,
            "BayesianOptimization": keras_tuner.oracles.BayesianOptimizationOracle,
            "GridSearch": keras_tuner.oracles.GridSearchOracle,
        }
        tuner = NumberTuner(oracle=oracles[name](max_trials=NUM_TRIALS, **arguments), **place)
    tuner.search(verbose=0)
    return tuner.project_dir


@pytest.mark.parametrize(
    "tuner", ["RandomSearch", "BayesianOptimization", "Hyperband", "GridSearch"]
)
def test_searches_of_every_tuner_are_read(tmp_path, tuner):
    (log,) = read_logs(search(tmp_path, tuner))
    assert (log.card.name, log.card.objective, log.card.direction) == (
        *(tuner, "val_accuracy", "max"),
    )
    assert log.space.names == ["units", "optimizer", "momentum"]
    assert len(log.trials) == NUM_TRIALS if tuner != "Hyperband" else len(log.trials) > NUM_TRIALS
    for trial, utility in zip(log.trials, log.history().utilities, strict=True):
        gain = utility - trial.configuration["units"] / 100
        assert gain == pytest.approx(0.0) or (tuner == "Hyperband" and 0 < gain <= 0.04 + 1e-9)
        assert ("momentum" in trial.configuration) == (trial.configuration["optimizer"] == "sgd")


@pytest.fixture
def log() -> TrialLog:
    space = SearchSpace([Hyperparameter("lr", "float", 0.1, low=0.0, high=1.0)])
    trials = [LoggedTrial("0", {"lr": 0.5}, [{"acc": 0.5}])]
    return TrialLog.from_trials(TrialLogCard("log", "acc", "max"), space, trials)


def test_logs_are_taken_as_they_are(log, tmp_path):
    assert read_logs(log) == [log]
    assert read_logs(log.write(str(tmp_path / "log")))[0].trials == log.trials
    assert read_logs(log.write("memory://test_loading/log"))[0].trials == log.trials


def test_a_folder_of_projects_is_no_project(tmp_path):
    trial = tmp_path / "outer" / "my_project" / "trial_0"
    trial.mkdir(parents=True)
    (trial / "trial.json").write_text(json.dumps({}))
    with pytest.raises(TrialLogError, match=r"outer, which is none of them.*\['my_project'\]"):
        read_logs(tmp_path / "outer")


def test_what_does_not_exist_is_named(tmp_path):
    with pytest.raises(TrialLogError, match=r"nowhere, which does not exist\. Check the path"):
        load_logs([tmp_path / "nowhere"], "acc", "max")


def test_entries_of_all_kinds_make_one_list(log, tmp_path):
    (tmp_path / "t.csv").write_text("lr,acc\n.1,.5\n.2,.6\n")
    logs = load_logs([log, tmp_path / "t.csv"], "acc", "max")
    assert [one.card.name for one in logs] == ["log", "t"]
    assert load_logs(tmp_path / "t.csv", "acc", "max")[0].trials == logs[1].trials
    with pytest.raises(TrialLogError, match=r"minimised.*'log'"):
        load_logs([log], "acc", "min")
