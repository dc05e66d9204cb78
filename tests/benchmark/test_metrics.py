"""Regret, ranks and speed-ups: known answers, and what must hold for any study."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keras_metahpo.benchmark.metrics import (
    ALL_SUITES,
    curves,
    final_metrics,
    horizon_table,
    mean_of_families,
    needed,
    scores,
    speed_ups,
    worse_than_random,
    worst_decile,
)
from keras_metahpo.benchmark.results import read_results
from keras_metahpo.errors import BenchmarkError

# The default facts make regret 1 - value.
TWO = {("ours", "a", 0): [0.5, 0.9], ("random", "a", 0): [0.0, 0.2]}


def regrets(results, horizon, suite="tables@1"):
    return horizon_table(scores(results, [horizon]), "regret", horizon, suite, results.policies)


def test_regret_of_the_incumbent_after_so_many_trials(write_study):
    results = read_results(write_study(TWO))
    assert regrets(results, 1).loc[("curves", "a")].to_dict() == {"ours": 0.5, "random": 1.0}
    assert regrets(results, 2)["ours"].tolist() == pytest.approx([0.1])


def test_minimised_objectives_are_scaled_by_their_utilities(write_study):
    task = {"a": {"direction": "min", "best": -1.0, "median": -3.0}}
    results = read_results(write_study({("ours", "a", 0): [4.0, 2.0]}, task))
    assert regrets(results, 1)["ours"].tolist() == [1.5]
    assert regrets(results, 2)["ours"].tolist() == [0.5]


def test_start_without_success_counts_as_the_worst_seen(write_study):
    values = {("ours", "a", 0): [None, 0.9], ("random", "a", 0): [-0.5, 0.2]}
    assert regrets(read_results(write_study(values)), 1)["ours"].tolist() == [1.5]


def test_a_diverged_objective_does_not_decide_every_mean(write_study):
    results = read_results(write_study({("ours", "a", 0): [-1e18, 0.9]}))
    assert regrets(results, 1)["ours"].tolist() == [2.0]
    assert any("counts as 2" in note for note in results.notes)


def test_start_without_success_is_at_least_as_bad_as_the_median(write_study):
    values = {("ours", "a", 0): [None, 0.9], ("random", "a", 0): [0.5, 0.6]}
    assert regrets(read_results(write_study(values)), 1)["ours"].tolist() == [1.0]


def test_tasks_without_facts_are_scaled_by_the_study(write_study):
    values = {("ours", "a", 0): [4.0, 8.0], ("random", "a", 0): [0.0, 4.0]}
    results = read_results(write_study(values, {"a": {"best": None, "median": None}}))
    # Best 8, median of random search's own values 2.
    assert regrets(results, 1).loc[("curves", "a")].tolist() == pytest.approx([4 / 6, 8 / 6])
    assert any("random" in note and "normalised" in note for note in results.notes)


def test_without_random_search_the_median_is_of_all_trials(write_study):
    values = {("ours", "a", 0): [4.0, 8.0], ("tpe", "a", 0): [0.0, None]}
    facts = {"a": {"best": None, "median": None}}
    results = read_results(write_study(values, facts, random_policy=None))
    # Values 4, 8, 0 and a failure that counts as 0: the median is 2.
    assert regrets(results, 1)["ours"].tolist() == pytest.approx([4 / 6])
    assert worse_than_random(regrets(results, 1), results.random_policy).isna().all()


def test_flat_task_is_left_out_and_named(write_study):
    values = {**TWO, ("ours", "flat", 0): [1.0, 1.0], ("random", "flat", 0): [1.0, 1.0]}
    results = read_results(write_study(values, {"flat": {"best": 1.0, "median": 1.0}}))
    assert list(regrets(results, 1).index) == [("curves", "a")]
    assert any("flat" in note for note in results.notes)


def test_only_cells_that_all_policies_finished_are_compared(write_study):
    values = {
        (policy, "a", seed): [seed / 10] for policy in ("ours", "random") for seed in range(4)
    }
    results = read_results(write_study(values, ends={("random", "a", 3): "failed"}))
    assert sorted(set(scores(results, [1])["seed"])) == [0, 1, 2]
    assert any("1 of 4 cells" in note and "random 1" in note for note in results.notes)


def test_policy_that_finished_little_does_not_take_the_others_results(write_study):
    values = {(policy, "a", seed): [0.5] for policy in ("ours", "random") for seed in range(4)}
    ends = {("random", "a", seed): None for seed in range(3)}
    results = read_results(write_study(values, ends=ends))
    assert results.compared("tables@1") == ["ours"]
    assert any("random is not compared; it finished 1 of 4" in note for note in results.notes)
    assert results.num_ended == 5


def test_search_that_ended_early_keeps_its_last_incumbent(write_study):
    results = read_results(write_study({**TWO, ("grid", "a", 0): [0.4]}, trials=2))
    assert regrets(results, 2)["grid"].tolist() == [0.6]


def test_ties_share_their_mean_rank(write_study):
    values = {("ours", "a", 0): [0.5], ("tpe", "a", 0): [0.5], ("random", "a", 0): [0.1]}
    results = read_results(write_study(values))
    ranks = horizon_table(scores(results), "rank", 1, "tables@1", results.policies)
    assert ranks.loc[("curves", "a")].to_dict() == {"ours": 1.5, "tpe": 1.5, "random": 3.0}


def test_families_weigh_the_same():
    index = pd.MultiIndex.from_tuples([("x", 1), ("x", 2), ("y", 1)], names=["family", "task"])
    table = pd.DataFrame({"ours": [0.0, 1.0, 2.0]}, index=index)
    assert mean_of_families(table)["ours"] == 1.25


def test_worst_decile_is_the_mean_of_the_worst_tenth():
    table = pd.DataFrame({"ours": np.arange(20.0)})
    assert worst_decile(table)["ours"] == 18.5


def test_worse_than_random_only_beyond_the_margin():
    table = pd.DataFrame({"ours": [0.54, 0.56, 0.1], "random": [0.5, 0.5, 0.5]})
    assert worse_than_random(table, "random").to_dict() == {"ours": 1 / 3, "random": 0}


def test_curve_against_seconds_begins_with_the_worst(write_study):
    results = read_results(write_study(TWO))
    line = curves(results, "tables@1", "seconds", [1.0, 2.0, 3.9, 4.0])["ours"].iloc[0]
    # A trial takes two seconds.
    assert line.tolist() == pytest.approx([1.0, 0.5, 0.5, 0.1])
    epochs = curves(results, "tables@1", "epochs", [10, 20])["ours"].iloc[0]
    assert epochs.tolist() == pytest.approx([0.5, 0.1])


def test_speed_up_to_the_baselines_final_median(write_study):
    values = {
        ("ours", "a", 0): [0.5, 0.6, 0.6, 0.6],
        ("tpe", "a", 0): [0.1, 0.1, 0.1, 0.1],
        ("random", "a", 0): [0.1, 0.1, 0.2, 0.4],
    }
    results = read_results(write_study(values))
    trials = needed(results, "tables@1", "random")
    assert trials.loc[("curves", "a")].to_dict() == {"ours": 1, "tpe": math.inf, "random": 4}
    seconds = needed(results, "tables@1", "random", "seconds")
    assert seconds.loc[("curves", "a")].to_dict() == {"ours": 2, "tpe": math.inf, "random": 8}
    times = speed_ups(trials, "random").loc[("curves", "a")]
    assert times.to_dict() == {"ours": 4, "tpe": 0, "random": 1}


def test_baseline_reaches_its_own_target_with_an_even_number_of_seeds(write_study):
    values = {("random", "a", 0): [0.1, 0.2], ("random", "a", 1): [0.1, 0.4]}
    trials = needed(read_results(write_study(values)), "tables@1", "random")
    assert trials["random"].tolist() == [2]


def test_final_metrics_only_where_tasks_are_live(made_up_study):
    results = read_results(made_up_study)
    assert final_metrics(results, "tables@1").empty
    final = final_metrics(results, "keras@1")
    assert list(final.columns) == ["test_accuracy", "macro_f1", "recall", "compute_s"]
    assert final.notna().all(axis=None)


def test_all_suites_hold_the_policies_compared_on_each(write_study):
    values = {**TWO, ("ours", "b", 0): [0.5, 0.5]}
    results = read_results(write_study(values, {"b": {"suite": "live@1", "family": "images"}}))
    assert list(regrets(results, 1, ALL_SUITES)) == ["ours"]
    assert len(regrets(results, 1, ALL_SUITES)) == 2


def test_record_of_an_unknown_task_is_an_error(write_study):
    directory = write_study(TWO)
    (directory / "tasks.json").write_text("{}")
    with pytest.raises(BenchmarkError, match=r"tasks\.json. Received: task='a'"):
        read_results(directory)


def test_folder_without_a_study_is_an_error(tmp_path):
    with pytest.raises(BenchmarkError, match="header"):
        read_results(tmp_path)


def test_study_without_records_can_be_read(write_study):
    results = read_results(write_study({}, policies=["ours"], trials=5))
    assert results.num_ended == 0
    assert results.compared("tables@1") == []


VALUES = st.one_of(st.none(), st.floats(-2, 1, allow_nan=False))
SEARCHES = st.integers(1, 4).flatmap(
    lambda trials: st.lists(
        st.tuples(*[st.lists(VALUES, min_size=trials, max_size=trials)] * 3),
        min_size=1,
        max_size=3,
    )
)


@given(SEARCHES, st.permutations(["ours", "tpe", "random"]))
@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_laws_of_regret_and_rank(write_study, searches, order):
    values = {
        (policy, "a", seed): lists[number]
        for number, policy in enumerate(["ours", "tpe", "random"])
        for seed, lists in enumerate(searches)
    }
    num_trials = len(searches[0][0])
    header = {"horizons": list(range(1, num_trials + 1))}
    results = read_results(write_study(values, **header))
    table = scores(results)
    wide = table.pivot(index=["policy", "seed"], columns="horizon", values="regret")
    assert (wide.diff(axis="columns").iloc[:, 1:] <= 0).all(axis=None)
    means = table.groupby(["task", "seed", "horizon"])["rank"].mean()
    assert np.allclose(means, (3 + 1) / 2)
    for policy in results.policies:
        line = curves(results, "tables@1", "step", results.horizons)[policy].iloc[0]
        assert np.allclose(line, wide.loc[policy].mean())

    shuffled = {search: values[search] for name in order for search in values if search[0] == name}
    again = read_results(write_study(dict(reversed(shuffled.items())), **header))
    key = ["policy", "seed", "horizon"]
    pd.testing.assert_frame_equal(
        table.sort_values(key, ignore_index=True),
        scores(again).sort_values(key, ignore_index=True),
    )
