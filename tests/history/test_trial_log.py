"""Trial logs: writing, opening and reading them as histories."""

import json
import uuid

import keras_tuner
import pyarrow
import pyarrow.parquet
import pytest

from keras_metahpo.history import FAILED_UTILITY, LoggedTrial, TrialLog, TrialLogCard
from keras_metahpo.space import SearchSpace


def every_type() -> SearchSpace:
    hp = keras_tuner.HyperParameters()
    hp.Int("units", 8, 512, sampling="log")
    hp.Float("learning_rate", 1e-5, 1e-1, sampling="log")
    hp.Choice("activation", ["relu", "tanh"])
    hp.Choice("kernel", [3, 5])
    hp.Boolean("bias")
    hp.Fixed("version", "two")
    with hp.conditional_scope("activation", ["tanh"]):
        hp.Float("gain", 0.5, 2.0)
    return SearchSpace.from_keras_tuner(hp)


RELU = {
    "units": 64,
    "learning_rate": 0.01,
    "activation": "relu",
    "kernel": 5,
    "bias": True,
    "version": "two",
}
TANH = RELU | {"activation": "tanh", "bias": False, "gain": 1.5}
TRIALS = [
    LoggedTrial(
        "00000",
        RELU,
        [
            {"val_accuracy": 0.5, "val_loss": 1.5, "elapsed_s": 0.5},
            {"val_accuracy": 0.75, "val_loss": 1.25, "elapsed_s": 1.0},
            {"val_accuracy": 0.625, "val_loss": 1.0, "elapsed_s": 1.5},
        ],
    ),
    LoggedTrial("00001", TANH, [{"val_accuracy": 0.25, "elapsed_s": 0.25}]),
    LoggedTrial("00002", TANH, [], status="FAILED", message="OOM: too wide"),
]
CARD = TrialLogCard(
    name="tiny",
    objective="val_accuracy",
    direction="max",
    version="2",
    source="a test",
    licence="Apache-2.0",
    max_fidelity=3,
    lookup="grid",
    features={"num_classes": 10, "family": "image"},
    provenance={"seed": 0},
)


@pytest.fixture(params=["local", "memory"])
def directory(request, tmp_path):
    """A directory that does not exist yet."""
    if request.param == "local":
        return str(tmp_path / "logs" / "tiny")
    return f"memory://{uuid.uuid4().hex}/logs/tiny"


@pytest.fixture
def log() -> TrialLog:
    return TrialLog.from_trials(CARD, every_type(), TRIALS)


def test_writing_and_opening_change_nothing(log, directory):
    assert log.write(directory) == directory
    opened = TrialLog.open(directory)
    assert opened.card == CARD
    assert opened.space == every_type()
    assert opened.trials == TRIALS == log.trials
    assert opened.path == directory
    assert opened.metric_names == ["val_accuracy", "val_loss"]


def test_values_keep_their_types(log, directory):
    log.write(directory)
    for read, written in zip(TrialLog.open(directory).trials, TRIALS, strict=True):
        expected = {name: type(value) for name, value in written.configuration.items()}
        assert {name: type(value) for name, value in read.configuration.items()} == expected


def test_trailing_slash_makes_no_difference(log, directory):
    log.write(directory + "/")
    assert TrialLog.open(directory + "/").trials == TRIALS


def test_log_is_overwritten_as_a_whole(log, directory):
    log.write(directory)
    TrialLog.from_trials(CARD, every_type(), TRIALS[:1]).write(directory)
    assert TrialLog.open(directory).trials == TRIALS[:1]


def test_inactive_hyperparameters_are_null_in_the_table(log, tmp_path):
    log.write(str(tmp_path))
    table = pyarrow.parquet.read_table(tmp_path / "trials.parquet")
    assert table.num_rows == 5
    assert table.column("hp:gain").to_pylist() == [None, None, None, 1.5, 1.5]
    assert table.column("epoch").to_pylist() == [1, 2, 3, 1, None]
    assert table.column("message").to_pylist()[-1] == "OOM: too wide"


def test_space_file_is_kerastuners_config(log, tmp_path):
    log.write(str(tmp_path))
    config = json.loads((tmp_path / "space.json").read_text())
    hp = keras_tuner.HyperParameters.from_config(config)
    assert SearchSpace.from_keras_tuner(hp) == every_type()


def mixed_types() -> SearchSpace:
    """`size` is a whole number, a fraction, a word or a truth value, by condition."""
    hp = keras_tuner.HyperParameters()
    hp.Choice("kind", ["int", "float", "word", "flag"])
    with hp.conditional_scope("kind", ["int"]):
        hp.Int("size", 1, 9)
    with hp.conditional_scope("kind", ["float"]):
        hp.Float("size", 0.0, 1.0)
    with hp.conditional_scope("kind", ["word"]):
        hp.Choice("size", ["small", "7"])
    with hp.conditional_scope("kind", ["flag"]):
        hp.Boolean("size")
    return SearchSpace.from_keras_tuner(hp)


MIXED = {"int": 4, "float": 1.0, "word": "7", "flag": True}


@pytest.mark.parametrize(
    "kinds", [("int",), ("word",), ("int", "float"), ("int", "word", "flag"), tuple(MIXED)]
)
def test_one_name_may_have_values_of_several_types(kinds, tmp_path):
    configurations = [{"kind": kind, "size": MIXED[kind]} for kind in kinds]
    card = TrialLogCard("mixed", "loss", "min")
    trials = [LoggedTrial(str(i), c, [{"loss": 1.0}]) for i, c in enumerate(configurations)]
    path = TrialLog.from_trials(card, mixed_types(), trials).write(str(tmp_path))
    read = [t.configuration for t in TrialLog.open(path).trials]
    assert read == configurations
    assert [type(c["size"]) for c in read] == [type(c["size"]) for c in configurations]


def test_float_column_takes_a_whole_default():
    hp = keras_tuner.HyperParameters()
    hp.Float("rate", 0.0, 2.0)
    card = TrialLogCard("rates", "loss", "min")
    trials = [LoggedTrial(str(i), {"rate": v}, [{"loss": 1.0}]) for i, v in enumerate([1, 0.5])]
    log = TrialLog.from_trials(card, SearchSpace.from_keras_tuner(hp), trials)
    assert [t.configuration["rate"] for t in log.trials] == [1.0, 0.5]


@pytest.mark.parametrize(
    ("max_fidelity", "best"), [(1, 0.5), (2, 0.75), (3, 0.75), (None, 0.75), (99, 0.75)]
)
def test_history_takes_the_best_epoch_up_to_the_fidelity(log, max_fidelity, best):
    history = log.history(max_fidelity)
    assert history.utilities.tolist() == [best, 0.25, FAILED_UTILITY]
    assert history.configurations == [t.configuration for t in TRIALS]


@pytest.mark.parametrize(("max_fidelity", "best"), [(1, -1.5), (2, -1.25), (None, -1.0)])
def test_history_of_a_minimised_objective(max_fidelity, best):
    card = TrialLogCard("loss", "val_loss", "min", max_fidelity=3)
    log = TrialLog.from_trials(card, every_type(), TRIALS[:1])
    assert log.history(max_fidelity).utilities.tolist() == [best]


def test_non_finite_epochs_are_passed_over():
    curve = [{"val_loss": 2.0}, {"val_loss": float("-inf")}, {"val_loss": float("nan")}]
    card = TrialLogCard("loss", "val_loss", "min", max_fidelity=3)
    log = TrialLog.from_trials(card, every_type(), [LoggedTrial("0", RELU, curve)])
    assert log.history().utilities.tolist() == [-2.0]


def test_failed_trial_with_measurements_still_ranks_last():
    trial = LoggedTrial("0", RELU, [{"val_accuracy": 0.99}], status="FAILED", message="killed")
    log = TrialLog.from_trials(CARD, every_type(), [trial])
    assert log.trials == [trial]
    assert log.history().utilities.tolist() == [FAILED_UTILITY]


def test_unrecorded_epochs_count_as_epochs(log, tmp_path):
    log.write(str(tmp_path))
    file = tmp_path / "trials.parquet"
    pyarrow.parquet.write_table(pyarrow.parquet.read_table(file).take([2, 0, 3]), file)
    first = TrialLog.open(str(tmp_path)).trials[0]
    assert [m.get("val_accuracy") for m in first.measurements] == [0.5, None, 0.625]
    assert TrialLog.open(str(tmp_path)).history(2).utilities.tolist() == [0.5, 0.25]


def test_log_of_failures_only_needs_no_objective_column():
    log = TrialLog.from_trials(CARD, every_type(), TRIALS[2:])
    assert log.history().utilities.tolist() == [FAILED_UTILITY]


def test_empty_log_round_trips(directory):
    TrialLog.from_trials(CARD, every_type(), []).write(directory)
    assert len(TrialLog.open(directory).history()) == 0
