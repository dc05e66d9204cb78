"""Every kind of damage to a trial log is a `TrialLogError` that names file, row and remedy."""

import json
from pathlib import Path

import keras_tuner
import pyarrow
import pyarrow.parquet
import pytest

from keras_metahpo.errors import TrialLogError
from keras_metahpo.history import LoggedTrial, TrialLog, TrialLogCard
from keras_metahpo.space import SearchSpace

CARD = TrialLogCard("tiny", "val_loss", "min", max_fidelity=2)


def search_space() -> SearchSpace:
    hp = keras_tuner.HyperParameters()
    hp.Int("units", 8, 512)
    hp.Choice("activation", ["relu", "tanh"])
    return SearchSpace.from_keras_tuner(hp)


def trials() -> list[LoggedTrial]:
    return [
        LoggedTrial(
            f"t{i}", {"units": 8 + i, "activation": "relu"}, [{"val_loss": 2.0}, {"val_loss": 1.0}]
        )
        for i in range(2)
    ]


@pytest.fixture
def directory(tmp_path) -> Path:
    TrialLog.from_trials(CARD, search_space(), trials()).write(str(tmp_path))
    return tmp_path


def edit_json(file: Path, **changes) -> None:
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


def edit_table(directory: Path, edit) -> None:
    """Replaces the table by `edit(columns)`, a dictionary of lists."""
    file = directory / "trials.parquet"
    columns = pyarrow.parquet.read_table(file).to_pydict()
    edit(columns)
    pyarrow.parquet.write_table(pyarrow.table(columns), file)


def refusal(directory: Path) -> str:
    with pytest.raises(TrialLogError) as caught:
        TrialLog.open(str(directory))
    return str(caught.value)


@pytest.mark.parametrize("name", ["card.json", "space.json", "trials.parquet"])
def test_missing_file(directory, name):
    (directory / name).unlink()
    assert f"{directory}, where {name} is missing" in refusal(directory)


def test_missing_directory(tmp_path):
    assert "nowhere" in refusal(tmp_path / "nowhere")
    with pytest.raises(TrialLogError, match=r"memory://nowhere/x, where card\.json is missing"):
        TrialLog.open("memory://nowhere/x")


@pytest.mark.parametrize("kept", [0, 100, -5])
def test_truncated_table(directory, kept):
    file = directory / "trials.parquet"
    file.write_bytes(file.read_bytes()[:kept])
    message = refusal(directory)
    assert f"{directory}/trials.parquet cannot be read" in message
    assert "Write the log again" in message


@pytest.mark.parametrize("name", ["card.json", "space.json"])
@pytest.mark.parametrize("content", [b"", b'{"name": "ti', b"\xff\xfe"])
def test_broken_json(directory, name, content):
    (directory / name).write_bytes(content)
    message = refusal(directory)
    assert f"{directory}/{name} cannot be read" in message
    assert "Write the log again" in message


@pytest.mark.parametrize("name", ["card.json", "space.json"])
def test_json_of_something_else(directory, name):
    (directory / name).write_text("[1, 2]")
    assert f"{directory}/{name}" in refusal(directory)


def test_space_with_an_unknown_class(directory):
    edit_json(directory / "space.json", space=[{"class_name": "Ordinal", "config": {"name": "x"}}])
    message = refusal(directory)
    assert f"{directory}/space.json" in message
    assert "'Ordinal'" in message


def test_later_format_version(directory):
    edit_json(directory / "card.json", format_version=2, colour="red")
    message = refusal(directory)
    assert f"{directory}/card.json has format version 2" in message
    assert "Upgrade keras-metahpo" in message


def test_unknown_and_missing_card_entries(directory):
    card = json.loads((directory / "card.json").read_text())
    del card["objective"]
    (directory / "card.json").write_text(json.dumps(card | {"colour": "red"}))
    assert "missing ['objective'], unknown ['colour']" in refusal(directory)


@pytest.mark.parametrize(
    ("entry", "value", "legal"),
    [("direction", "up", "'min' or 'max'"), ("lookup", "guess", "('grid', 'pool', 'surrogate')")],
)
def test_illegal_card_entry(directory, entry, value, legal):
    edit_json(directory / "card.json", **{entry: value})
    message = refusal(directory)
    assert f"{directory}/card.json: {entry} must be" in message
    assert legal in message
    assert repr(value) in message


@pytest.mark.parametrize("column", ["trial_id", "status", "epoch", "elapsed_s", "hp:units"])
def test_missing_column(directory, column):
    edit_table(directory, lambda columns: columns.pop(column))
    message = refusal(directory)
    assert f"{directory}/trials.parquet" in message
    assert f"missing ['{column}']" in message
    assert "TrialLog.from_trials" in message


def test_column_of_an_unknown_hyperparameter(directory):
    edit_table(directory, lambda columns: columns.update({"hp:depth": [1] * 4}))
    assert "hyperparameters that space.json lacks ['hp:depth']" in refusal(directory)


def test_missing_objective_column(directory):
    edit_json(directory / "card.json", objective="val_accuracy")
    message = refusal(directory)
    assert "no column for the objective 'val_accuracy'" in message
    assert "card.json" in message


def test_duplicate_measurement(directory):
    edit_table(directory, lambda columns: columns["epoch"].__setitem__(3, 1))
    message = refusal(directory)
    assert f"{directory}/trials.parquet, row 3: trial 't1' has epoch 1 already in row 2" in message
    assert "Drop one" in message


@pytest.mark.parametrize("epoch", [0, -1, 3, None])
def test_epoch_out_of_range(directory, epoch):
    edit_table(directory, lambda columns: columns["epoch"].__setitem__(1, epoch))
    message = refusal(directory)
    assert (
        f"{directory}/trials.parquet, row 1: expected an epoch from 1 to max_fidelity=2" in message
    )
    assert f"Received: epoch={epoch}" in message
    assert "Correct the row" in message


def test_epoch_out_of_range_in_a_failed_trial(directory):
    def edit(columns):
        columns["status"][2:] = ["FAILED"] * 2
        columns["epoch"][3] = 3

    edit_table(directory, edit)
    assert "row 3: expected an epoch from 1 to max_fidelity=2" in refusal(directory)


@pytest.mark.parametrize(
    ("column", "value"), [("status", "RUNNING"), ("status", None), ("trial_id", None)]
)
def test_illegal_identity(directory, column, value):
    edit_table(directory, lambda columns: columns[column].__setitem__(2, value))
    message = refusal(directory)
    assert "row 2: expected a trial_id and a status COMPLETED or FAILED" in message
    assert f"{column}={value!r}" in message


@pytest.mark.parametrize("elapsed_s", [-0.5, float("nan")])
def test_illegal_time(directory, elapsed_s):
    edit_table(directory, lambda columns: columns.update(elapsed_s=[1.0, elapsed_s, 1.0, 2.0]))
    assert "row 1: elapsed_s must not be negative" in refusal(directory)


@pytest.mark.parametrize("value", [None, float("nan"), float("inf"), float("-inf")])
def test_completed_trial_without_a_finite_objective(directory, value):
    edit_table(directory, lambda columns: columns.update(val_loss=[2.0, 1.0, value, value]))
    message = refusal(directory)
    assert f"{directory}/trials.parquet: trial 't1' is COMPLETED without one finite" in message
    assert "Mark it FAILED" in message


@pytest.mark.parametrize(
    ("column", "values", "legal"),
    [
        ("hp:units", [8, 8, 513, 513], "from 8 to 512"),
        ("hp:units", [8.0, 8.0, 8.5, 8.5], "a whole number from 8 to 512"),
        ("hp:units", ["8", "8", "many", "many"], "from 8 to 512"),
        ("hp:activation", ["relu", "relu", "gelu", "gelu"], "('relu', 'tanh')"),
        ("hp:activation", [0, 0, 1, 1], "('relu', 'tanh')"),
    ],
)
def test_illegal_hyperparameter_value(directory, column, values, legal):
    edit_table(directory, lambda columns: columns.update({column: values}))
    message = refusal(directory)
    assert f"{directory}/trials.parquet, trial 't" in message
    assert repr(column.removeprefix("hp:")) in message
    assert legal in message
    assert "Correct the row, or widen the hyperparameter in space.json" in message


@pytest.mark.parametrize("value", [513, "many", True, None])
def test_trials_are_checked_before_they_are_written(value):
    bad = LoggedTrial("t9", {"activation": value}, [{"val_loss": 1.0}])
    if value is None:  # Not named, so the default.
        assert TrialLog.from_trials(CARD, search_space(), [bad]).trials[0].configuration == {}
    else:
        with pytest.raises(TrialLogError, match=r"trials\.parquet, trial 't9': .*'activation'"):
            TrialLog.from_trials(CARD, search_space(), [*trials(), bad])


def test_same_trial_id_twice_is_refused():
    with pytest.raises(TrialLogError, match="row 2: trial 't0' has epoch 1 already in row 0"):
        TrialLog.from_trials(CARD, search_space(), [trials()[0], trials()[0]])


def test_more_epochs_than_the_card_says_are_refused():
    long = LoggedTrial("t0", {"units": 8}, [{"val_loss": 1.0}] * 3)
    with pytest.raises(TrialLogError, match="row 2: expected an epoch from 1 to max_fidelity=2"):
        TrialLog.from_trials(CARD, search_space(), [long])
