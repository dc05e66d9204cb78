"""Intervals, tests and ranks: known answers, coverage and invariance."""

import numpy as np
import pandas as pd
import pytest

from keras_metahpo.benchmark.statistics import (
    compare,
    critical_difference,
    interval,
    median,
    paired_difference,
    resampling_weights,
    wilcoxon_holm,
)


def task_table(columns, families=None):
    number = len(next(iter(columns.values())))
    families = families or ["one"] * number
    index = pd.MultiIndex.from_arrays([families, range(number)], names=["family", "task"])
    return pd.DataFrame(columns, index=index, dtype=float)


def test_resamples_draw_families_and_then_tasks():
    families = ["a", "b", "a", "a", "b", "c"]
    weights = resampling_weights(families, np.random.default_rng(0), 4000)
    assert weights.shape == (4000, 6)
    assert np.allclose(weights.sum(axis=1), 1)
    # Families weigh the same, and so do the tasks inside one.
    assert np.allclose(weights.mean(axis=0), [1 / 9, 1 / 6, 1 / 9, 1 / 9, 1 / 6, 1 / 3], atol=0.02)
    # Whole families are drawn: the lonely one comes 0 to 3 times.
    assert set(np.unique(weights[:, 5] * 3).round(6)) == {0, 1, 2, 3}


def test_one_family_resamples_its_tasks():
    weights = resampling_weights(["a"] * 4, np.random.default_rng(0), 50)
    assert np.allclose(weights * 4, np.round(weights * 4))
    assert len(np.unique(weights, axis=0)) > 10


def test_interval_of_one_family_is_the_ordinary_bootstrap():
    from scipy.stats import bootstrap

    values = np.random.default_rng(1).normal(size=30)
    low, high = interval(task_table({"ours": values})).loc["ours"]
    expected = bootstrap((values,), np.mean, method="percentile", rng=0).confidence_interval
    assert (low, high) == pytest.approx((expected.low, expected.high), abs=0.05)


def test_families_that_differ_widen_the_interval():
    families = ["a"] * 10 + ["b"] * 10 + ["c"] * 10
    values = np.repeat([0.0, 1.0, 2.0], 10) + np.random.default_rng(0).normal(0, 0.01, 30)
    clustered = interval(task_table({"ours": values}, families)).loc["ours"]
    plain = interval(task_table({"ours": values})).loc["ours"]
    assert clustered["high"] - clustered["low"] > 2 * (plain["high"] - plain["low"])


def test_interval_covers_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(3)
    hits = 0
    for _ in range(60):
        low, high = interval(task_table({"ours": rng.normal(size=25)})).loc["ours"]
        hits += low <= 0 <= high
    assert 50 <= hits <= 60


def test_one_task_has_no_interval():
    assert interval(task_table({"ours": [0.3]})).isna().all(axis=None)


def test_order_of_tasks_does_not_matter():
    table = task_table({"ours": np.arange(8.0), "tpe": np.ones(8)}, list("aabbbccc"))
    shuffled = table.sample(frac=1, random_state=0)
    for statistic in ("mean", "median"):
        pd.testing.assert_frame_equal(interval(table, statistic), interval(shuffled, statistic))
    pd.testing.assert_series_equal(median(table), median(shuffled))


def test_median_with_families_of_the_same_weight():
    table = task_table({"ours": [0.0, 0.1, 0.2, 9.0, np.inf]}, list("aaabc"))
    # The three of a weigh a third together; 9 holds the middle.
    assert median(table)["ours"] == 9.0
    assert median(task_table({"ours": [1.0, 2.0, 3.0]}))["ours"] == 2.0


def test_paired_difference_is_that_of_the_means():
    table = task_table({"ours": [0.1, 0.2, 0.3], "tpe": [0.2, 0.3, 0.4]})
    assert paired_difference(table, "ours", "tpe") == pytest.approx((-0.1, -0.1, -0.1))
    assert paired_difference(table, "tpe", "ours")[0] == pytest.approx(0.1)


def test_wilcoxon_with_holm_over_the_rivals():
    n = 6
    ours = np.zeros(n)
    table = task_table({"ours": ours, "tpe": ours + np.arange(1, n + 1), "twin": ours})
    found = compare(table, "ours")
    # Six differences of one sign: 2 / 2^6; times two rivals.
    assert found.loc["tpe", "p"] == pytest.approx(2 * 2 / 2**n)
    assert found.loc["twin", "p"] == 1
    assert found.loc["tpe", "difference"] == -3.5


def test_p_values_of_all_pairs_are_symmetric_and_adjusted():
    rng = np.random.default_rng(0)
    shifts = {"a": 0, "b": 0, "c": 5}
    table = task_table({name: rng.normal(shift, 1, 20) for name, shift in shifts.items()})
    p_values = wilcoxon_holm(table)
    assert np.array_equal(p_values, p_values.T)
    assert (np.diag(p_values) == 1).all()
    # 20 differences of one sign, three pairs.
    assert p_values.loc["a", "c"] == pytest.approx(3 * 2 / 2**20)
    assert p_values.loc["a", "b"] > 0.05


def test_ties_of_one_pair_leave_the_others_exact():
    rng = np.random.default_rng(0)
    columns = {name: rng.normal(size=20) for name in "ab"}
    alone = compare(task_table(columns), "a").loc["b", "p"]
    tied = compare(task_table({**columns, "c": columns["a"]}), "a").loc["b", "p"]
    assert tied == pytest.approx(min(1, 2 * alone))


@pytest.mark.parametrize("number", [1, 2, 8])
def test_critical_difference_of_any_number_of_tasks(number):
    rng = np.random.default_rng(0)
    table = task_table({"a": rng.normal(size=number), "b": np.ones(number), "c": np.ones(number)})
    found = critical_difference(table.rank(axis="columns"), table)
    assert found.ranks.sum() == pytest.approx(6)
    assert found.p_values.loc["b", "c"] == 1
    assert found.num_tasks == number
