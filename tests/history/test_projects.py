"""KerasTuner project folders, written by real searches, become trial logs."""

import json
import logging
from pathlib import Path

import keras_tuner
import pytest

from keras_metahpo.errors import ProjectError
from keras_metahpo.history import FAILED_UTILITY, TrialLog, import_project, is_project
from keras_metahpo.history.projects import trial_from_state

NUM_TRIALS = 6


def build(hp: keras_tuner.HyperParameters):
    hp.Int("units", 8, 64, step=8)
    hp.Choice("optimizer", ["adam", "sgd"])
    with hp.conditional_scope("optimizer", ["sgd"]):
        hp.Float("momentum", 0.0, 0.9)


def quality(hp: keras_tuner.HyperParameters) -> float:
    return hp.get("units") / 100 + (0.05 if hp.get("optimizer") == "adam" else 0.0)


class FormulaTuner(keras_tuner.Tuner):
    """Reports formulas in place of training."""

    def run_trial(self, trial, *args, **kwargs):
        hp = trial.hyperparameters
        self.hypermodel.build(hp)
        return {"val_accuracy": quality(hp), "val_loss": 3 - quality(hp), "seconds": 7.0}


class FlakyTuner(FormulaTuner):
    """Fails for one half of the search space, and diverges for some of the rest."""

    def run_trial(self, trial, *args, **kwargs):
        if trial.hyperparameters.get("units") > 32:
            raise keras_tuner.errors.FailedTrialError("out of memory")
        if trial.hyperparameters.get("units") == 8:
            return {"val_accuracy": float("nan")}
        return super().run_trial(trial)


class EpochTuner(FormulaTuner):
    """Reports a curve that gets worse after its third epoch."""

    def run_trial(self, trial, *args, **kwargs):
        best = quality(trial.hyperparameters)
        for step, drop in enumerate((0.3, 0.1, 0.0, 0.2)):
            self.oracle.update_trial(trial.trial_id, {"val_accuracy": best - drop}, step=step)


def search(directory, oracle, tuner_class=FormulaTuner) -> Path:
    tuner = tuner_class(
        oracle=oracle, hypermodel=build, directory=str(directory), project_name="project"
    )
    tuner.search(verbose=0)
    return Path(tuner.project_dir)


def random_oracle(objective="val_accuracy", **kwargs):
    return keras_tuner.oracles.RandomSearchOracle(
        objective=objective, max_trials=NUM_TRIALS, seed=1, **kwargs
    )


def expected_quality(configuration) -> float:
    return configuration["units"] / 100 + (0.05 if configuration["optimizer"] == "adam" else 0.0)


def assert_holds_the_search(log: TrialLog, sign: int, offset: float) -> None:
    history = log.history()
    for configuration, utility in zip(history.configurations, history.utilities, strict=True):
        assert utility == pytest.approx(sign * (expected_quality(configuration) - offset))
        assert ("momentum" in configuration) == (configuration["optimizer"] == "sgd")
        log.space.complete(configuration)


def test_maximised_objective_is_inferred(tmp_path):
    project = search(tmp_path, random_oracle())
    log = import_project(str(project))
    assert (log.card.objective, log.card.direction) == ("val_accuracy", "max")
    assert log.card.name == "project"
    assert len(log.trials) == NUM_TRIALS
    assert log.space.names == ["units", "optimizer", "momentum"]
    assert_holds_the_search(log, 1, 0.0)


def test_minimised_objective_is_inferred(tmp_path):
    project = search(tmp_path, random_oracle("val_loss"))
    log = import_project(str(project))
    assert (log.card.objective, log.card.direction) == ("val_loss", "min")
    assert_holds_the_search(log, 1, 3.0)


@pytest.mark.parametrize("direction", ["min", "max"])
def test_direction_of_a_metric_with_an_unheard_name_is_inferred(tmp_path, direction):
    project = search(tmp_path, random_oracle(keras_tuner.Objective("seconds", direction)))
    log = import_project(str(project))
    assert (log.card.objective, log.card.direction) == ("seconds", direction)
    sign = 1 if direction == "max" else -1
    assert log.history().utilities.tolist() == [7.0 * sign] * NUM_TRIALS


def test_given_objective_is_taken(tmp_path):
    project = search(tmp_path, random_oracle())
    log = import_project(str(project), objective="val_loss", direction="min")
    assert (log.card.objective, log.card.direction) == ("val_loss", "min")
    assert_holds_the_search(log, 1, 3.0)


def test_given_half_of_the_objective_is_never_overruled(tmp_path):
    project = search(tmp_path, random_oracle())
    log = import_project(str(project), direction="max")
    assert (log.card.objective, log.card.direction) == ("val_accuracy", "max")
    log = import_project(str(project), objective="val_accuracy")
    assert (log.card.objective, log.card.direction) == ("val_accuracy", "max")
    with pytest.raises(ProjectError, match="Give `objective` and `direction`"):
        import_project(str(project), objective="val_loss")


def test_hyperband_bookkeeping_is_left_out(tmp_path):
    oracle = keras_tuner.oracles.HyperbandOracle(
        objective="val_accuracy", max_epochs=4, factor=2, seed=1
    )
    project = search(tmp_path, oracle)
    values = [
        json.loads(f.read_text())["hyperparameters"]["values"]
        for f in project.glob("trial_*/trial.json")
    ]
    assert any("tuner/epochs" in v for v in values)
    log = import_project(str(project))
    assert len(log.trials) == len(values)
    assert set(log.space.names) == {"units", "optimizer", "momentum"}
    assert_holds_the_search(log, 1, 0.0)


def test_every_reported_epoch_is_kept(tmp_path):
    project = search(tmp_path, random_oracle(), EpochTuner)
    log = import_project(str(project))
    assert log.card.max_fidelity == 4
    for trial in log.trials:
        best = expected_quality(trial.configuration)
        curve = [m["val_accuracy"] for m in trial.measurements]
        assert curve == pytest.approx([best - 0.3, best - 0.1, best, best - 0.2])
    first_two = [expected_quality(t.configuration) - 0.1 for t in log.trials]
    assert log.history(2).utilities == pytest.approx(first_two)


def test_failed_and_diverged_trials_rank_last(tmp_path):
    project = search(tmp_path, random_oracle(max_consecutive_failed_trials=99), FlakyTuner)
    log = import_project(str(project), "val_accuracy", "max")
    statuses = set()
    for trial, utility in zip(log.trials, log.history().utilities, strict=True):
        statuses.add(trial.status)
        works = 8 < trial.configuration["units"] <= 32
        assert trial.status == ("COMPLETED" if works else "FAILED")
        assert (utility > FAILED_UTILITY) == works
        if trial.configuration["units"] > 32:
            assert "out of memory" in trial.message
    assert statuses == {"COMPLETED", "FAILED"}


def test_truncated_trial_is_skipped_with_a_warning(tmp_path, caplog):
    project = search(tmp_path, random_oracle())
    whole = import_project(str(project))
    damaged = sorted(project.glob("trial_*/trial.json"))[2]
    damaged.write_text(damaged.read_text()[:50])
    with caplog.at_level(logging.WARNING, logger="keras_metahpo"):
        log = import_project(str(project))
    assert [r for r in caplog.records if str(damaged) in r.getMessage()]
    assert len(caplog.records) == 1
    lost = damaged.parent.name.removeprefix("trial_")
    assert log.trials == [t for t in whole.trials if t.trial_id != lost]
    assert len(log.trials) == NUM_TRIALS - 1


def test_unfinished_trial_is_left_out(tmp_path):
    project = search(tmp_path, random_oracle())
    file = sorted(project.glob("trial_*/trial.json"))[0]
    file.write_text(json.dumps(json.loads(file.read_text()) | {"status": "RUNNING"}))
    assert len(import_project(str(project)).trials) == NUM_TRIALS - 1


def test_project_without_oracle_file_is_read(tmp_path):
    project = search(tmp_path, random_oracle())
    (project / "oracle.json").unlink()
    assert is_project(project)
    assert len(import_project(str(project)).trials) == NUM_TRIALS


def test_imported_project_is_a_trial_log_like_any_other(tmp_path):
    log = import_project(str(search(tmp_path, random_oracle())))
    opened = TrialLog.open(log.write(str(tmp_path / "log")))
    assert opened.trials == log.trials
    assert opened.card == log.card


@pytest.mark.parametrize("exists", [True, False])
def test_folder_without_trials_is_refused(tmp_path, exists):
    folder = tmp_path if exists else tmp_path / "nowhere"
    assert not is_project(folder)
    with pytest.raises(ProjectError) as caught:
        import_project(str(folder))
    assert f"Received: {folder}, which has none. Check the path" in str(caught.value)


def test_state_gives_averaged_executions_without_hyperbands_bookkeeping():
    state = {
        "trial_id": "3",
        "status": "COMPLETED",
        "hyperparameters": {"values": {"units": 8, "tuner/epochs": 2}},
        "metrics": {
            "metrics": {"val_loss": {"observations": [{"value": [1.0, 2.0], "step": 0}]}},
        },
        "score": 1.5,
    }
    trial = trial_from_state(state, "min", "val_loss")
    assert trial.measurements == [{"val_loss": 1.5}]
    assert trial.configuration == {"units": 8}


def test_an_objective_that_was_not_measured_is_refused(tmp_path):
    folder = tmp_path / "project" / "trial_0"
    folder.mkdir(parents=True)
    observations = [{"value": [0.5], "step": 0}]
    state = {
        "trial_id": "0",
        "status": "COMPLETED",
        "score": 0.5,
        "best_step": 0,
        "message": None,
        "metrics": {"metrics": {"acc": {"direction": "max", "observations": observations}}},
        "hyperparameters": {"space": [], "values": {}},
    }
    (folder / "trial.json").write_text(json.dumps(state))
    with pytest.raises(ProjectError, match=r"one of \['acc'\].*objective='accc'"):
        import_project(str(tmp_path / "project"), "accc", "max")


@pytest.mark.parametrize("sampling", ["log", "reverse_log"])
def test_one_beyond_a_logarithmic_range_is_its_end(tmp_path, sampling):
    """KerasTuner's Bayesian search tries 513 in `Int(8, 512, sampling="log")`."""
    hp = keras_tuner.HyperParameters()
    hp.Int("units", 8, 512, sampling=sampling)
    for number, units in enumerate((8, 512, 513)):
        hp.values["units"] = units
        observations = [{"value": [0.1 * units], "step": 0}]
        metrics = {"acc": {"direction": "max", "observations": observations}}
        state = {
            "trial_id": str(number),
            "status": "COMPLETED",
            "score": 0.1 * units,
            "metrics": {"metrics": metrics},
            "hyperparameters": hp.get_config(),
        }
        (tmp_path / f"trial_{number}").mkdir()
        (tmp_path / f"trial_{number}" / "trial.json").write_text(json.dumps(state))
    log = import_project(str(tmp_path))
    assert [trial.configuration["units"] for trial in log.trials] == [8, 512, 512]
