"""Studies that Optuna wrote into SQLite files become trial logs."""

import builtins
import sqlite3

import optuna
import pytest

from keras_metahpo.errors import TrialLogError
from keras_metahpo.history import FAILED_UTILITY, TrialLog, load_logs, read_logs
from keras_metahpo.history.optuna_studies import import_studies, is_study_file
from keras_metahpo.space import Condition

optuna.logging.set_verbosity(optuna.logging.ERROR)
NUM_TRIALS = 24


def new_study(file, name="study", **kwargs):
    defaults = {"direction": "maximize", "sampler": optuna.samplers.RandomSampler(seed=0)}
    return optuna.create_study(storage=f"sqlite:///{file}", study_name=name, **(defaults | kwargs))


def parameters(trial) -> dict:
    trial.suggest_float("rate", 1e-5, 1e-1, log=True)
    trial.suggest_float("dropout", 0.0, 0.5, step=0.1)
    trial.suggest_int("units", 8, 512, log=True)
    layers = trial.suggest_int("layers", 1, 3)
    for layer in range(layers):
        trial.suggest_int(f"width_{layer}", 16, 64, step=16)
    trial.suggest_categorical("norm", [True, False])
    trial.suggest_categorical("batch", [32, 64])
    trial.suggest_categorical("clip", [None, 1.0])
    if trial.suggest_categorical("optimizer", ["adam", "sgd"]) == "sgd":
        trial.suggest_float("momentum", 0.0, 0.9)
    return trial.params


def objective(trial) -> float:
    """Number 2 is pruned early, 3 raises, 4 is NaN; the others report three epochs."""
    best = parameters(trial)["dropout"]
    if trial.number == 3:
        raise RuntimeError("out of memory")
    for epoch, drop in enumerate((0.3, 0.1, 0.0)):
        if trial.number == 2 and epoch == 2:
            raise optuna.TrialPruned
        trial.report(best - drop, step=10 * epoch)
    return float("nan") if trial.number == 4 else best


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    file = tmp_path_factory.mktemp("optuna") / "my study#1.db"
    study = new_study(file, "my/study")
    study.optimize(objective, NUM_TRIALS, catch=(RuntimeError,))
    study.ask()  # Stays RUNNING.
    return file


@pytest.fixture(scope="module")
def log(file) -> TrialLog:
    return import_studies(file, lambda where, reason: None)[0]


def test_distributions_become_hyperparameters(log):
    found = {hp.name: hp for hp in log.space.hyperparameters}
    assert (found["rate"].kind, found["rate"].low, found["rate"].high) == ("float", 1e-5, 1e-1)
    assert found["rate"].sampling == found["units"].sampling == "log"
    assert (found["rate"].step, found["units"].step) == (None, None)
    assert (found["dropout"].step, found["layers"].step, found["width_0"].step) == (0.1, 1, 16)
    assert found["norm"].kind == "boolean"
    assert found["batch"].choices == (32, 64) and found["batch"].ordered
    assert found["clip"].choices == ("None", "1.0")
    assert found["optimizer"].choices == ("adam", "sgd") and not found["optimizer"].ordered
    log.space.to_keras_tuner()


def test_conditional_parameters_have_conditions(log):
    found = {hp.name: hp.conditions for hp in log.space.hyperparameters if hp.conditions}
    assert found == {
        "momentum": (Condition("optimizer", ("sgd",)),),
        "width_1": (Condition("layers", (2, 3)),),
        "width_2": (Condition("layers", (3,)),),
    }


def test_reports_become_measurements_in_the_order_of_their_steps(log):
    trial = log.trials[0]
    dropout = trial.configuration["dropout"]
    assert [m["value"] for m in trial.measurements] == pytest.approx(
        [dropout - 0.3, dropout - 0.1, dropout]
    )
    assert trial.measurements[-1]["elapsed_s"] > 0
    assert log.card.max_fidelity == 3


def test_every_state_means_something(file, log):
    skipped = []
    import_studies(file, lambda where, reason: skipped.append((where, reason)))
    where = f"{file}, study 'my/study', trial {NUM_TRIALS}"
    assert skipped == [(where, "it was left RUNNING.")]
    assert len(log.trials) == NUM_TRIALS
    utilities = log.history().utilities
    assert [i for i, u in enumerate(utilities) if u == FAILED_UTILITY] == [3, 4]
    pruned = log.trials[2]
    assert pruned.status == "COMPLETED" and len(pruned.measurements) == 2
    assert utilities[2] == pytest.approx(pruned.configuration["dropout"] - 0.1)


def test_the_utility_is_the_value_that_optuna_gives(tmp_path):
    def worse_at_the_end(trial) -> float:
        x = trial.suggest_float("x", 0.0, 1.0)
        trial.report(x - 2, step=0)
        trial.report(x - 1, step=1)
        if trial.number == 1:
            raise optuna.TrialPruned
        return x

    study = new_study(tmp_path / "s.sqlite", direction="minimize")
    study.optimize(worse_at_the_end, 4)
    (log,) = import_studies(tmp_path / "s.sqlite")
    assert (log.card.objective, log.card.direction) == ("value", "min")
    assert (-log.history().utilities).tolist() == [trial.value for trial in study.trials]
    assert [m["intermediate_value"] for m in log.trials[0].measurements] == pytest.approx(
        [log.trials[0].configuration["x"] - 2, log.trials[0].configuration["x"] - 1]
    )


def test_each_study_of_a_file_is_taken_and_the_others_are_named(tmp_path):
    file = tmp_path / "studies.db"
    for name, direction in (("one", "maximize"), ("two", "minimize")):
        new_study(file, name, direction=direction).optimize(
            lambda trial: trial.suggest_float("x", 0.0, 1.0), 3
        )
    new_study(file, "several", direction=None, directions=["minimize"] * 2).optimize(
        lambda trial: (trial.suggest_float("x", 0.0, 1.0), 0.0), 3
    )
    new_study(file, "empty")
    skipped = {}
    logs = import_studies(file, lambda where, reason: skipped.update({where: reason}))
    assert [(log.card.name, log.card.direction) for log in logs] == [("one", "max"), ("two", "min")]
    assert "2 objectives" in skipped.pop(f"{file}, study 'several'")
    assert "no trial that was completed" in skipped.pop(f"{file}, study 'empty'")
    assert not skipped
    with pytest.raises(TrialLogError, match=r"minimised.*'one'"):
        load_logs([file], "val_loss", "min")


@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
def test_an_objective_with_a_name_keeps_it(tmp_path):
    study = new_study(tmp_path / "s.db")
    study.set_metric_names(["val_accuracy"])
    study.optimize(lambda trial: trial.suggest_float("x", 0.0, 1.0), 2)
    (log,) = import_studies(tmp_path / "s.db")
    assert log.card.objective == "val_accuracy"


def test_a_study_of_several_objectives_alone_is_an_error(tmp_path):
    new_study(tmp_path / "s.db", "both", direction=None, directions=["minimize"] * 2)
    with pytest.raises(TrialLogError, match=r"one objective.*s\.db.*2 objectives"):
        import_studies(tmp_path / "s.db", lambda where, reason: None)


def test_ranges_that_changed_are_joined(tmp_path):
    study = new_study(tmp_path / "s.db")
    study.optimize(lambda trial: trial.suggest_int("n", 1, 4), 2)
    study.optimize(lambda trial: trial.suggest_int("n", 3, 9, step=2), 2)
    (log,) = import_studies(tmp_path / "s.db")
    (hp,) = log.space.hyperparameters
    assert (hp.low, hp.high, hp.step) == (1, 9, None)


def test_the_url_of_a_file_is_read(file):
    assert is_study_file(f"sqlite:///{file}") and is_study_file(file)
    assert not is_study_file(file.parent)
    (log,) = read_logs(f"sqlite:///{file}", on_skipped=lambda where, reason: None)
    assert log.card.name == "my/study"


@pytest.mark.parametrize("kind", ["missing", "text", "empty", "another database"])
def test_a_file_that_is_no_storage_is_named_and_left_as_it_is(tmp_path, kind):
    file = tmp_path / "s.db"
    if kind == "text":
        file.write_text("not a database at all, but long enough for a header" * 50)
    elif kind == "empty":
        file.touch()
    elif kind == "another database":
        with sqlite3.connect(file) as connection:
            connection.execute("CREATE TABLE mine (x)")
    before = file.read_bytes() if file.exists() else None
    with pytest.raises(TrialLogError, match=rf"Received: {file}, which cannot be read"):
        import_studies(file)
    assert (file.read_bytes() if file.exists() else None) == before


def test_without_optuna_the_error_says_what_to_install(file, monkeypatch):
    real_import = builtins.__import__

    def no_optuna(name, *args, **kwargs):
        if name == "optuna":
            raise ImportError(name)
        return real_import(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", no_optuna)
    with pytest.raises(ImportError, match=r"pip install 'keras-metahpo\[optuna\]'"):
        import_studies(file)


def test_an_imported_study_is_a_trial_log_like_any_other(log, tmp_path):
    opened = TrialLog.open(log.write(str(tmp_path / "log")))
    assert opened.trials == log.trials
    assert opened.card == log.card
