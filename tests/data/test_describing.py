"""Descriptions of logs, also of those about which little can be said."""

import json
import math

import numpy as np
import pytest

from keras_metahpo.data import describe
from keras_metahpo.errors import TrialLogError

from .conftest import CONDITIONAL_SPACE, drawn, log_by, log_of


@pytest.fixture(scope="module")
def description(logs):
    return describe(logs)


def only(log):
    return describe([log]).tasks[0]


def test_each_log_has_its_facts(description):
    first, _, hopeless, last = description.tasks
    assert (first.label, first.family, first.objective) == ("one/a", "one", "score")
    assert (first.num_trials, first.num_configurations, first.num_failed) == (20, 20, 0)
    assert first.seconds == 4.0
    assert next(iter(first.importances)) == "learning_rate"
    assert first.correlations == pytest.approx((1.0, 1.0))
    assert hopeless.num_failed == 3
    assert 0.2 < last.active["momentum"] < 0.8
    assert last.active["units"] == 1.0


def test_tasks_of_a_space_are_compared_as_far_as_they_say_something(description):
    first, second = description.spaces
    assert first.labels == ("one/a", "one/<b>", "one/c")
    assert first.compared == ("one/a", "one/<b>")
    assert first.correlations.min() > 0.7
    assert second.labels == ("two/d",)
    assert second.compared == ()


def test_roles_sum_their_hyperparameters(description):
    task = description.tasks[0]
    roles = task.role_importances
    assert roles["width"] == task.importances["units"]
    assert sum(roles.values()) == pytest.approx(sum(task.importances.values()))


def test_numbers_are_plain_and_unknown_ones_are_null(description):
    def refuse(name):
        raise AssertionError(name)

    content = json.loads(json.dumps(description.to_json()), parse_constant=refuse)
    tasks = content["tasks"]
    assert tasks[0]["correlations_at"] == {"0.25": 1.0, "0.5": 1.0, "0.75": 1.0}
    assert tasks[2]["spread"]["best"] is None
    assert tasks[2]["correlations_at"]["0.5"] is None
    assert np.shape(content["spaces"][0]["correlations"]) == (2, 2)


def test_progress_ends_when_all_is_done(logs):
    steps = []
    describe(logs[2:], lambda done, total, what: steps.append((done, total)))
    assert steps == [(0, 2), (1, 2), (2, 2)]


def test_too_few_configurations_leave_a_row_that_says_so():
    task = only(log_by(lambda c: c["momentum"], count=9))
    assert task.spread.best > task.spread.median
    assert not task.importances
    assert not task.correlations
    assert any("there are 9: collect more" in note for note in task.notes)


def test_a_log_in_which_all_failed_says_why():
    task = only(log_of([(c, None) for c in drawn(20)]))
    assert task.notes == ("every trial failed, the first one because: out of memory",)
    assert math.isnan(task.seconds)


def test_a_log_without_curves_has_importances_and_no_correlations():
    task = only(log_of([(c, [c["momentum"]]) for c in drawn(30)]))
    assert next(iter(task.importances)) == "momentum"
    assert math.isnan(task.correlation_at(0.25))
    assert any("no curves" in note for note in task.notes)


def test_configurations_with_one_result_cannot_be_ranked():
    task = only(log_of([(c, [0.5, 0.5]) for c in drawn(12)]))
    assert not task.importances
    assert any("same result" in note for note in task.notes)


def test_an_empty_log_is_a_row():
    assert only(log_of([])).notes == ("the log holds no trial",)


def test_seeds_without_repeats_are_noted(description):
    assert any("several seeds" in note for note in description.tasks[0].notes)


def test_failures_rank_last():
    trials = [
        (c, None if c["optimizer"] == "adam" else [0.0, 1.0 + c["units"] / 1e6])
        for c in drawn(80, space=CONDITIONAL_SPACE)
    ]
    task = only(log_of(trials, space=CONDITIONAL_SPACE))
    assert task.num_failed > 20
    assert next(iter(task.importances)) == "optimizer"


def test_two_logs_of_one_task_are_two_rows_that_are_compared():
    log = log_by(lambda c: c["momentum"], count=15)
    description = describe([log, log])
    assert [task.label for task in description.tasks] == ["made/up (1)", "made/up (2)"]
    assert description.spaces[0].correlations[0, 1] > 0.8


def test_no_log_is_an_error():
    with pytest.raises(TrialLogError, match="at least one trial log"):
        describe([])


def test_a_share_of_the_epochs_is_rounded_up():
    task = only(log_by(lambda c: c["momentum"], count=10))
    object.__setattr__(task, "correlations", (0.1, 0.2, 0.3, 0.4, 0.5, 1.0))
    assert [task.correlation_at(share) for share in (0.25, 0.5, 0.75, 1)] == [0.2, 0.3, 0.5, 1.0]
