"""Tables of trials, as people and other tools write them, become trial logs."""

import csv
import io
import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keras_metahpo.errors import TrialLogError
from keras_metahpo.history import FAILED_UTILITY, TrialLog, read_logs
from keras_metahpo.history.csv_files import import_csv
from keras_metahpo.space import Condition, Hyperparameter, SearchSpace

ONE_ROW_A_TRIAL = """\
learning_rate,units,dropout,optimizer,momentum,batch_norm,version,val_accuracy,val_loss
0.1,16,0.0,sgd,0.9,True,2,0.5,1.5
0.01,32,0.25,adam,,False,2,0.75,1.0
0.001,64,0.5,adam,,True,2,0.625,
0.0001,128,0.5,sgd,0.0,True,2,,
"""
A_ROW_A_MEASUREMENT = """\
trial_id;epoch;elapsed_s;status;rate;acc;loss;message
b;2;20.5;COMPLETED;0.1;0.75;1;
b;1;10.0;COMPLETED;0.1;0.5;2;
a;1;5;FAILED;0.01;0.25;3;out of memory
c;1;5;RUNNING;0.02;0.9;3;
d;0;5;pruned;0.5;0.5;3;
"""


@pytest.fixture
def table(tmp_path):
    def write(text: str | bytes, name: str = "table.csv") -> str:
        (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
        return str(tmp_path / name)

    return write


@pytest.fixture
def read(table):
    """Imports a text; returns the log and what was skipped."""

    def read(text, objective="val_accuracy", direction="max", space=None):
        skipped = {}
        path = table(text)
        log = import_csv(
            path, objective, direction, space, lambda where, reason: skipped.update({where: reason})
        )
        return log, {where.removeprefix(f"{path}, "): reason for where, reason in skipped.items()}

    return read


def test_the_space_is_inferred_from_the_values(read):
    log, skipped = read(ONE_ROW_A_TRIAL)
    found = {hp.name: hp for hp in log.space.hyperparameters}
    assert set(found) == {
        *("learning_rate", "units", "dropout", "optimizer", "momentum", "batch_norm", "version")
    }
    rate, units, dropout = found["learning_rate"], found["units"], found["dropout"]
    assert (rate.kind, rate.low, rate.high, rate.sampling) == ("float", 0.0001, 0.1, "log")
    assert (units.kind, units.low, units.high, units.sampling) == ("int", 16, 128, "linear")
    assert (dropout.kind, dropout.low, dropout.high, dropout.sampling) == (
        *("float", 0.0, 0.5, "linear"),
    )
    assert found["optimizer"].choices == ("sgd", "adam")
    assert found["momentum"].conditions == (Condition("optimizer", ("sgd",)),)
    assert found["batch_norm"].kind == "boolean"
    assert found["version"].kind == "fixed" and found["version"].default == 2
    assert not skipped


def test_a_row_is_a_trial(read):
    log, _ = read(ONE_ROW_A_TRIAL)
    assert log.trials[1].configuration == {
        "learning_rate": 0.01,
        "units": 32,
        "dropout": 0.25,
        "optimizer": "adam",
        "batch_norm": False,
        "version": 2,
    }
    assert log.trials[0].measurements == [{"val_accuracy": 0.5, "val_loss": 1.5}]
    assert log.history().utilities.tolist() == [0.5, 0.75, 0.625, FAILED_UTILITY]
    assert (log.card.name, log.card.objective) == ("table", "val_accuracy")


def test_a_row_is_a_measurement(read):
    log, skipped = read(A_ROW_A_MEASUREMENT, "acc")
    assert log.space.names == ["rate"]
    b, a, d = log.trials
    assert b.measurements == [
        {"acc": 0.5, "loss": 2.0, "elapsed_s": 10.0},
        {"acc": 0.75, "loss": 1.0, "elapsed_s": 20.5},
    ]
    assert (a.trial_id, a.status, a.message) == ("a", "FAILED", "out of memory")
    assert (d.trial_id, d.status) == ("d", "COMPLETED")
    assert skipped == {"trial 'c'": "its status is 'RUNNING'."}
    assert log.history().utilities.tolist() == [0.75, FAILED_UTILITY, 0.5]


def test_a_given_space_decides_what_is_tuned(read):
    space = SearchSpace(
        [
            Hyperparameter("learning_rate", "float", 0.01, low=1e-5, high=1.0, sampling="log"),
            Hyperparameter("version", "choice", "1", choices=("1", "2")),
            Hyperparameter("units", "int", 16, low=16, high=64, step=16),
        ]
    )
    log, skipped = read(ONE_ROW_A_TRIAL, space=space)
    assert log.space == space
    assert log.trials[0].configuration == {"learning_rate": 0.1, "units": 16, "version": "2"}
    assert list(skipped) == ["trial '00003'"]
    assert "'units' must be a whole number from 16 to 64" in skipped["trial '00003'"]


def test_a_given_space_needs_its_columns(read):
    space = SearchSpace([Hyperparameter("width", "int", 1, low=1, high=9)])
    with pytest.raises(TrialLogError, match=r"column for each hyperparameter.*\['width'\]"):
        read(ONE_ROW_A_TRIAL, space=space)


@pytest.mark.parametrize("prefix", ["hp:", "params_", "config/", "config."])
def test_a_prefix_says_what_is_tuned(read, prefix):
    log, _ = read(
        f"number,value,{prefix}lr,{prefix}opt,epochs\n0,.5,.1,a,3\n1,.7,.2,b,4\n", "value"
    )
    assert log.space.names == ["lr", "opt"]


def test_results_names_and_dates_are_no_hyperparameters(read):
    rows = "\n".join(
        f"{i},2024-01-0{i + 1},run-{i},{0.1 * i},{i},{5 * i},{0.2 * i},{i % 2}" for i in range(9)
    )
    log, _ = read(
        "Unnamed: 0,started,label,train_loss,train_time_s,runtime,test_acc,train_batch_size\n"
        f"{rows}",
        "test_acc",
    )
    assert log.space.names == ["train_batch_size"]


def test_what_changes_within_trials_is_measured(read):
    log, _ = read(
        "trial_id,epoch,lr,gap,acc\n1,1,.1,3,.5\n1,2,.1,2,.6\n2,1,.2,5,.4\n2,2,.2,4,.5\n", "acc"
    )
    assert log.space.names == ["lr"]
    assert log.trials[0].measurements[1] == {"acc": 0.6, "gap": 2.0}


def test_whole_numbers_that_a_data_frame_wrote_with_a_point_are_whole(read):
    log, _ = read("kind,units,acc\na,64.0,.5\nb,,.6\na,32.0,.7\n", "acc")
    units = next(hp for hp in log.space.hyperparameters if hp.name == "units")
    assert (units.kind, units.low, units.high) == ("int", 32, 64)


def test_damaged_lines_are_skipped_and_named(read):
    rows = "".join(f"{0.01 * i},{i},0.{i}\n" for i in range(1, 10))
    text = f"lr,units,acc\n{rows}broken,3,0.5\n0.5,3\n\n0.05,4,good\n0.06,5,inf\n0.07,inf,0.7\n"
    log, skipped = read(text, "acc")
    assert skipped == {
        "line 11": "lr must be a number. Received: 'broken'.",
        "line 12": "expected 3 cells. Received: 2.",
        "line 14": "acc must be a number. Received: 'good'.",
        "trial '00010'": "expected one finite value of each of ['units']. Received: [[inf]].",
    }
    assert len(log.trials) == 10
    assert log.trials[-1].status == "FAILED"


def test_trials_that_contradict_themselves_are_skipped_and_named(read):
    log, skipped = read(
        "trial_id,epoch,lr,acc\n1,1,.1,.5\n1,1,.1,.6\n2,1,.2,.4\n2,2,.3,.5\n,1,.4,.5\n"
        "3,1,.4,.5\n3,2,.4,.5\n3,x,.4,.9\n4,1,.5,.5\n4,2,.5,.5\n",
        "acc",
    )
    assert [trial.trial_id for trial in log.trials] == ["1", "3", "4"]
    assert set(skipped) == {"line 3", "line 6", "line 9", "trial '2'"}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "cannot be read: Empty CSV file"),
        ("lr,acc\n", "Expected finished trials"),
        ("lr,acc\n.1,\n.2,nan\n", "finite 'acc'.*2 trials, none"),
        ("lr,accuracy\n.1,.5\n", "column of the objective.*'accuracy'.*objective='acc'"),
        ("acc,loss\n.1,.5\n", "any that varies"),
        ("lr,lr,acc\n.1,.2,.5\n", r"once. Received: \['lr'\]"),
        ("epoch,lr,acc\n1,.2,.5\n", "'trial_id'.*Add it"),
        ("lr,kind,acc\n.1,é,.5\n".encode("latin-1"), "UTF-8"),
        (b"\x00\x01\x02\xff" * 40, "table.csv"),
    ],
)
def test_a_bad_table_is_an_error_that_names_it(table, text, complaint):
    path = table(text)
    with pytest.raises(TrialLogError, match=complaint) as caught:
        import_csv(path, "acc", "max", on_skipped=lambda where, reason: None)
    assert path in str(caught.value)


@pytest.mark.parametrize(("objective", "direction"), [(None, "max"), ("acc", None), (None, None)])
def test_what_was_optimised_must_be_said(table, objective, direction):
    with pytest.raises(TrialLogError, match=r"table\.csv does not say.*Give both"):
        read_logs(table("lr,acc\n1,2\n"), objective, direction)


def test_a_missing_table_is_named(tmp_path):
    with pytest.raises(TrialLogError, match=r"nowhere\.csv"):
        read_logs(tmp_path / "nowhere.csv", "acc", "max")


def test_tabs_and_byte_order_marks_are_read(tmp_path):
    (tmp_path / "t.TSV").write_bytes(b"\xef\xbb\xbflr\tacc\n.1\t.5\n.2\t.6\n")
    (log,) = read_logs(tmp_path / "t.TSV", "acc", "max")
    assert log.space.names == ["lr"]


def test_an_imported_table_is_a_trial_log_like_any_other(read, tmp_path):
    log, _ = read(ONE_ROW_A_TRIAL)
    opened = TrialLog.open(log.write(str(tmp_path / "log")))
    assert opened.trials == log.trials
    assert opened.space == log.space


@settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(seed=st.integers(0, 10_000), num_trials=st.integers(2, 30))
def test_what_is_written_is_read(table, seed, num_trials):
    space = SearchSpace(
        [
            Hyperparameter("lr", "float", 1e-3, low=1e-5, high=1.0, sampling="log"),
            Hyperparameter("units", "int", 8, low=8, high=512),
            Hyperparameter("opt", "choice", "adam", choices=("adam", "sgd")),
            Hyperparameter(
                "momentum",
                "float",
                0.0,
                low=0.0,
                high=0.9,
                conditions=(Condition("opt", ("sgd",)),),
            ),
        ]
    )
    rng = np.random.default_rng(seed)
    configurations = space.decode(space.sample(num_trials, rng))
    accuracies = rng.random(num_trials).tolist()
    stream = io.StringIO()
    writer = csv.DictWriter(stream, [*space.names, "acc"], restval="")
    writer.writeheader()
    for configuration, accuracy in zip(configurations, accuracies, strict=True):
        writer.writerow({**configuration, "acc": accuracy})
    path = table(stream.getvalue())
    for log in (import_csv(path, "acc", "max"), import_csv(path, "acc", "max", space)):
        history = log.history()
        assert history.configurations == configurations
        assert history.utilities.tolist() == accuracies
        units = log.space.encode(configurations).units
        assert np.isfinite(units).all() and math.isfinite(units.sum())
