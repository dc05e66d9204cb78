"""Trial logs as blackboxes: exact, nearest, predicted; and what a bad log is told."""

import dataclasses
import json

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_metahpo.benchmark.blackboxes import open_suite
from keras_metahpo.benchmark.blackboxes.lookup import Lookup, embedding
from keras_metahpo.benchmark.blackboxes.tabular import TabularBlackbox, TabularFactory
from keras_metahpo.errors import BenchmarkError, MetaHPOError, SearchSpaceError
from keras_metahpo.gaussian_process.kernels import Inputs, cross_distances
from keras_metahpo.history import LoggedTrial, TrialLog, TrialLogCard

from .conftest import make_log

pytestmark = pytest.mark.filterwarnings("error")


def with_lookup(log: TrialLog, lookup: str) -> TabularBlackbox:
    card = dataclasses.replace(log.card, lookup=lookup)
    return TabularBlackbox(TrialLog(card, log.space, log.table))


@pytest.mark.parametrize("fidelity", [1, 3, 4, None])
def test_recorded_configurations_have_the_utilities_of_the_log(log, fidelity):
    blackbox = TabularBlackbox(log)
    history = log.history(fidelity)
    for configuration, expected in zip(history.configurations, history.utilities, strict=True):
        assert blackbox.utility(blackbox.evaluate(configuration, fidelity)) == expected
    np.testing.assert_array_equal(
        blackbox.utilities(history.configurations, fidelity), history.utilities
    )


def test_seconds_are_those_of_the_log(log):
    blackbox = TabularBlackbox(log)
    configuration = log.trials[0].configuration
    assert [blackbox.evaluate(configuration, f).elapsed_s for f in (1, 2, None)] == [2.0, 4.0, 8.0]


def test_seconds_are_shared_linearly_where_only_the_final_is_known(mixed_space):
    measured = [{"val_loss": 1.0}] * 3 + [{"val_loss": 1.0, "elapsed_s": 8.0}]
    card = TrialLogCard("a", "val_loss", "min", max_fidelity=4)
    trial = LoggedTrial("t", mixed_space.default_configuration(), measured)
    blackbox = TabularBlackbox(TrialLog.from_trials(card, mixed_space, [trial]))
    assert blackbox.evaluate(trial.configuration, 1).elapsed_s == 2.0


def test_an_epoch_takes_a_second_where_no_seconds_are_known(mixed_space):
    card = TrialLogCard("a", "val_loss", "min", max_fidelity=4)
    trial = LoggedTrial("t", mixed_space.default_configuration(), [{"val_loss": 1.0}] * 3)
    blackbox = TabularBlackbox(TrialLog.from_trials(card, mixed_space, [trial]))
    assert blackbox.evaluate(trial.configuration).elapsed_s == 3.0


def test_failed_trials_fail_with_their_reason(mixed_space, log):
    configuration = mixed_space.default_configuration()
    failure = LoggedTrial("f", configuration, [], status="FAILED", message="Out of memory")
    trials = [*log.trials, failure]
    blackbox = TabularBlackbox(TrialLog.from_trials(log.card, mixed_space, trials))
    evaluation = blackbox.evaluate(configuration)
    assert np.isnan(evaluation.metrics["val_loss"])
    assert evaluation.message == "Out of memory"
    assert blackbox.utility(evaluation) == -np.inf
    assert np.isfinite(blackbox.reference().median)


def test_reference_is_that_of_all_trials(log):
    utilities = log.history().utilities
    reference = TabularBlackbox(log).reference()
    assert (reference.best, reference.median) == (utilities.max(), np.median(utilities))


@settings(deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_nearest_is_nearest_by_the_kernel(mixed_space, seed):
    rng = np.random.default_rng(seed)
    recorded, asked = mixed_space.sample(20, rng), mixed_space.sample(5, rng)
    categorical = mixed_space.categorical
    distances = cross_distances(
        Inputs.of(asked.units, asked.active, categorical),
        Inputs.of(recorded.units, recorded.active, categorical),
        np.ones(len(mixed_space)),
    )
    left, right = embedding(mixed_space, asked), embedding(mixed_space, recorded)
    np.testing.assert_allclose(((left[:, None] - right) ** 2).sum(-1), distances, atol=1e-12)
    rows = Lookup(mixed_space, mixed_space.decode(recorded)).nearest(mixed_space.decode(asked))
    np.testing.assert_allclose(distances[np.arange(5), rows], distances.min(axis=1), atol=1e-12)


def test_pool_answers_with_the_nearest(log):
    blackbox = with_lookup(log, "pool")
    recorded = dict(log.trials[0].configuration)
    near = recorded | {"learning_rate": recorded["learning_rate"] * 1.0001}
    assert blackbox.evaluate(near) == blackbox.evaluate(recorded)
    assert list(blackbox.pool) == log.history().configurations


def test_grid_refuses_what_was_not_recorded(log):
    blackbox = with_lookup(log, "grid")
    recorded = dict(log.trials[0].configuration)
    blackbox.evaluate(recorded)
    with pytest.raises(BenchmarkError, match=r"lookup 'grid'.*Received: .*nearest is.*'pool'"):
        blackbox.evaluate(recorded | {"learning_rate": 0.05})


def test_grid_forgives_rounding(log):
    blackbox = with_lookup(log, "grid")
    recorded = dict(log.trials[0].configuration)
    rounded = recorded | {"learning_rate": recorded["learning_rate"] * (1 + 1e-15)}
    assert blackbox.evaluate(rounded) == blackbox.evaluate(recorded)


def test_surrogate_follows_the_log_and_says_so(log):
    blackbox = with_lookup(log, "surrogate")
    assert blackbox.card.lookup == "surrogate"
    assert blackbox.pool is None
    history = log.history()
    predicted = blackbox.utilities(history.configurations)
    assert scipy.stats.spearmanr(predicted, history.utilities).statistic > 0.9
    evaluation = blackbox.evaluate(history.configurations[0], 2)
    assert blackbox.utility(evaluation) <= predicted[0]
    assert evaluation.elapsed_s == pytest.approx(4.0)
    assert blackbox.reference().best <= history.utilities.max() + 1e-9


def test_surrogate_predicts_failures(mixed_space):
    def trial(number, configuration):
        if configuration["learning_rate"] > 1e-2:
            return LoggedTrial(str(number), configuration, [], status="FAILED")
        return LoggedTrial(str(number), configuration, [{"val_loss": 1e18 if number == 3 else 1.0}])

    points = mixed_space.sample(200, np.random.default_rng(1))
    trials = [trial(n, c) for n, c in enumerate(mixed_space.decode(points))]
    card = TrialLogCard("a", "val_loss", "min", lookup="surrogate")
    blackbox = TabularBlackbox(TrialLog.from_trials(card, mixed_space, trials))
    good = mixed_space.default_configuration() | {"learning_rate": 1e-3}
    bad = good | {"learning_rate": 9e-2}
    assert np.isfinite(blackbox.utility(blackbox.evaluate(good)))
    assert blackbox.evaluate(bad).message == "A failure is predicted."


@pytest.mark.parametrize("lookup", ["pool", "surrogate"])
def test_value_before_the_first_measurement_is_refused(mixed_space, lookup):
    card = TrialLogCard("a", "val_loss", "min", max_fidelity=4, lookup=lookup)
    trial = LoggedTrial("t", mixed_space.default_configuration(), [{}] * 3 + [{"val_loss": 1.0}])
    blackbox = TabularBlackbox(TrialLog.from_trials(card, mixed_space, [trial]))
    assert blackbox.evaluate(trial.configuration).metrics["val_loss"] == pytest.approx(1.0)
    with pytest.raises(BenchmarkError, match=r"Received: fidelity=2.*full fidelity"):
        blackbox.evaluate(trial.configuration, 2)


@pytest.mark.parametrize("fidelity", [0, 5, -1])
def test_fidelity_out_of_range_is_refused(log, fidelity):
    with pytest.raises(BenchmarkError, match=f"from 1 to 4.*fidelity={fidelity}"):
        TabularBlackbox(log).evaluate(log.trials[0].configuration, fidelity)


def test_illegal_configuration_is_refused(log):
    with pytest.raises(SearchSpaceError, match="dropout"):
        TabularBlackbox(log).evaluate({"dropout": 0.5})


def test_log_without_trials_is_refused(log):
    empty = TrialLog.from_trials(log.card, log.space, [])
    with pytest.raises(BenchmarkError, match="must hold trials"):
        TabularBlackbox(empty).reference()


@pytest.fixture
def directory(log, tmp_path):
    log.write(str(tmp_path / "made-up"))
    return tmp_path / "made-up"


def edit_card(directory, **changes) -> None:
    card = json.loads((directory / "card.json").read_text())
    (directory / "card.json").write_text(json.dumps(card | changes))


def edit_table(directory, edit) -> None:
    file = directory / "trials.parquet"
    columns = pyarrow.parquet.read_table(file).to_pydict()
    edit(columns)
    pyarrow.parquet.write_table(pyarrow.table(columns), file)


def drop_objective(columns):
    del columns["val_loss"]


def drop_hyperparameter(columns):
    del columns["hp:units"]


def add_hyperparameter(columns):
    columns["hp:dropout"] = [0.5] * len(columns["epoch"])


def repeat_a_row(columns):
    for values in columns.values():
        values.append(values[-1])


def lose_a_trial_s_objective(columns):
    columns["val_loss"][4:8] = [float("nan")] * 4


def lose_a_learning_rate(columns):
    columns["hp:learning_rate"][4:8] = [float("nan")] * 4


def write_objective_as_text(columns):
    columns["val_loss"] = [str(value) for value in columns["val_loss"]]


@pytest.mark.parametrize(
    ("damage", "complaint"),
    [
        (drop_objective, r"trials.parquet has no column.*'val_loss'.*add the column"),
        (drop_hyperparameter, r"trials.parquet must have.*missing \['hp:units'\].*Write"),
        (add_hyperparameter, r"trials.parquet.*space.json lacks \['hp:dropout'\].*Write"),
        (repeat_a_row, r"trials.parquet, row 120: .*already in row 119.*Drop"),
        (lose_a_trial_s_objective, r"trials.parquet: .*finite.*row 4 .*Mark it FAILED"),
        (lose_a_learning_rate, r"trials.parquet, .*'learning_rate'.*nan.*row 4. Correct the row"),
        (write_objective_as_text, r"trials.parquet: .*'val_loss' must hold numbers.*Convert"),
    ],
)
def test_bad_tables_are_told_file_row_and_remedy(directory, damage, complaint):
    edit_table(directory, damage)
    with pytest.raises(MetaHPOError, match=complaint):
        TabularFactory(str(directory)).open()


def test_direction_that_is_none_is_refused(directory):
    edit_card(directory, direction="up")
    with pytest.raises(MetaHPOError, match=r"card.json: direction must be.*Received: 'up'"):
        TabularFactory(str(directory)).open()


def test_direction_against_the_metric_is_refused(directory):
    edit_card(directory, direction="max")
    with pytest.raises(BenchmarkError, match=r"card.json: 'val_loss'.*Received: 'max'.*Correct"):
        _ = TabularFactory(str(directory)).open().card


def test_suite_of_a_folder_a_log_a_pattern_and_several(mixed_space, tmp_path):
    for name in ("a/one", "a/two", "b/one"):
        make_log(mixed_space, name=name).write(str(tmp_path / name.replace("/", "-")))
    names = {"a/one", "a/two", "b/one"}
    assert set(open_suite("tabular", tmp_path).blackboxes) == names
    assert set(open_suite("tabular", str(tmp_path / "a-*")).blackboxes) == names - {"b/one"}
    several = [str(tmp_path / "a-one"), str(tmp_path / "b-one")]
    suite = open_suite("tabular", several)
    assert set(suite.blackboxes) == {"a/one", "b/one"}
    assert suite.blackboxes["b/one"].open().card.family == "b"
    renamed = open_suite("tabular", several, tasks=["b/one"], family="own")
    assert renamed.blackboxes["b/one"].open().card.family == "own"


def test_two_logs_of_one_name_are_refused(mixed_space, tmp_path):
    for folder in "ab":
        make_log(mixed_space, name="same").write(str(tmp_path / folder))
    with pytest.raises(BenchmarkError, match=r"name of its own.*'same'"):
        open_suite("tabular", str(tmp_path))


@pytest.mark.parametrize("path", [None, "nowhere", []])
def test_suite_without_logs_is_refused(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BenchmarkError, match=r"card\.json"):
        open_suite("tabular", path)


def test_broken_card_is_named(directory):
    (directory / "card.json").write_text("{")
    with pytest.raises(BenchmarkError, match=r"made-up/card.json must be"):
        open_suite("tabular", str(directory))
