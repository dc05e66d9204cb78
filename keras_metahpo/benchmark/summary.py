"""A study in numbers, and whether it met its targets."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from keras_metahpo.benchmark.metrics import (
    ALL_SUITES,
    final_metrics,
    horizon_table,
    mean_of_families,
    needed,
    scores,
    speed_ups,
    task_table,
    worse_than_random,
    worst_decile,
)
from keras_metahpo.benchmark.records import FAILED, FINISHED, SKIPPED
from keras_metahpo.benchmark.results import RUNNING, Results
from keras_metahpo.benchmark.statistics import interval, median, paired_difference
from keras_metahpo.errors import BenchmarkError

if TYPE_CHECKING:
    import pandas as pd

FORMAT = 1
MET, MISSED, OPEN = "met", "missed", "open"
PERCENTILE = 0.95
SPEED_UPS = {"trial_speed_up": "step", "time_speed_up": "seconds"}
# Beyond this a number tells of rounding.
DIGITS = 6


def summarise(results: Results) -> dict[str, Any]:
    """The content of `summary.json`.

    Returns:
        `format`, `study`, `complete`, `searches` (numbers of them by their end), `horizons`,
        `random_policy`, `notes`, and:

        `policies`: policy -> suite -> numbers; a suite on which a policy is not compared is
        absent, and `"mean of families"` stands for all suites where there are several. At each
        horizon k: `regret@k` (mean of families) with `regret_low@k` and `regret_high@k` (95 %
        interval), `rank@k`, `worse_than_random@k` (share of tasks), `median_regret@k`,
        `worst_decile@k`. Besides `num_tasks`, `seconds` (simulated, of a search, mean of families),
        `suggestion_p95_s`; inside one suite `trial_speed_up` and `time_speed_up` (medians over
        tasks, to random search's final median), and a live suite's final metrics as `final_NAME`.

        `targets`: the header's, each with `value`, `bound`, `status` (`"met"`, `"missed"`, or
        `"open"`, where the study cannot tell yet), `reason`, and for paired ones on regret
        `difference`, `low` and `high`.
    """
    table = scores(results)
    suites = results.suites if len(results.suites) == 1 else [*results.suites, ALL_SUITES]
    policies: dict[str, dict[str, dict]] = {policy: {} for policy in results.policies}
    for suite in suites:
        for policy, numbers in _suite_numbers(results, table, suite).items():
            policies[policy][suite] = numbers
    ends = results.searches["end"].value_counts()
    return {
        "format": FORMAT,
        "study": results.header.get("study", ""),
        "complete": results.num_ended >= results.expected,
        "searches": {
            "expected": results.expected,
            **{end: int(ends.get(end, 0)) for end in (FINISHED, FAILED, SKIPPED, RUNNING)},
        },
        "horizons": results.horizons,
        "random_policy": results.random_policy,
        "notes": list(results.notes),
        "policies": policies,
        "targets": [
            judge(target, policies, results, table)
            for target in results.header.get("targets") or ()
        ],
    }


def judge(
    target: Mapping, policies: Mapping, results: Results, table: "pd.DataFrame"
) -> dict[str, Any]:
    """A target and whether it was met.

    Args:
        target: `suite`, `policy`, `metric` (a key of the numbers), and `at_most` or `at_least`, a
            number; or `than`, a policy that must be no better, at `than_metric` where it differs.
            A speed-up with `than` is one to that policy's final median.
        policies: As in the summary.
        results, table: Of the study, and its scores.
    """
    if not {"suite", "policy", "metric"} <= set(target) or not (
        {"at_most", "at_least", "than"} & set(target)
    ):
        raise BenchmarkError(
            "A target must have 'suite', 'policy', 'metric' and 'at_most', 'at_least' or 'than'. "
            f"Received: {dict(target)}. Correct it in the study file, or in header.json."
        )
    suite, policy, metric = target["suite"], target["policy"], target["metric"]
    rival, rival_metric = target.get("than"), target.get("than_metric", metric)
    value = _number(policies, policy, suite, metric)
    if rival and metric in SPEED_UPS and suite in results.suites:
        found = _speed_ups(results, suite, rival).get(metric, {}).get(policy)
        value = None if found is None else _plain(found)
    judged = {**target, "value": value, "status": OPEN}
    at_least = target.get("at_least")
    bound = target.get("at_most", at_least)
    if bound is None:
        bound = _number(policies, rival, suite, rival_metric)
    judged["bound"] = bound
    if judged["value"] is None:
        judged["reason"] = f"{policy} has no {metric} on {suite} yet"
    elif bound is None:
        judged["reason"] = f"{rival} has no {rival_metric} on {suite} yet"
    else:
        met = judged["value"] >= bound if at_least is not None else judged["value"] <= bound
        judged |= {"status": MET if met else MISSED, "reason": ""}
        kind, _, horizon = metric.partition("@")
        if rival is not None and kind == "regret" and rival_metric == metric:
            pair = horizon_table(table, kind, int(horizon), suite, results.policies)
            found = paired_difference(pair, policy, rival)
            judged |= dict(zip(("difference", "low", "high"), map(_plain, found), strict=True))
    return judged


def _number(policies: Mapping, policy: str | None, suite: str, metric: str) -> float | None:
    return policies.get(policy, {}).get(suite, {}).get(metric)


def _suite_numbers(results: Results, table: "pd.DataFrame", suite: str) -> dict[str, dict]:
    """Numbers of each policy that is compared on a suite, or on all of them."""
    columns: dict[str, pd.Series] = {}
    for k in results.horizons:
        regrets = horizon_table(table, "regret", k, suite, results.policies)
        if regrets.empty:
            return {}
        bounds = interval(regrets)
        columns[f"regret@{k}"] = mean_of_families(regrets)
        columns[f"regret_low@{k}"], columns[f"regret_high@{k}"] = bounds["low"], bounds["high"]
        ranks = horizon_table(table, "rank", k, suite, results.policies)
        columns[f"rank@{k}"] = mean_of_families(ranks)
        columns[f"worse_than_random@{k}"] = worse_than_random(regrets, results.random_policy)
        columns[f"median_regret@{k}"] = median(regrets)
        columns[f"worst_decile@{k}"] = worst_decile(regrets)
    searches = results.searches[results.searches["compared"]]
    columns["seconds"] = mean_of_families(task_table(searches, "seconds", suite, results.policies))
    trials = results.trials[results.trials["compared"]]
    if suite != ALL_SUITES:
        trials = trials[trials["suite"] == suite]
        columns |= _speed_ups(results, suite, results.random_policy)
        columns |= {
            f"final_{name}": column for name, column in final_metrics(results, suite).items()
        }
    columns["suggestion_p95_s"] = trials.groupby("policy")["suggestion_s"].quantile(PERCENTILE)
    return {
        policy: {"num_tasks": len(regrets)}
        | {name: _plain(column[policy]) for name, column in columns.items()}
        for policy in regrets
    }


def _speed_ups(results: Results, suite: str, baseline: str | None) -> dict[str, "pd.Series"]:
    """Median speed-ups over tasks, by name; none where the baseline is not compared."""
    if baseline not in results.compared(suite):
        return {}
    return {
        name: median(speed_ups(needed(results, suite, baseline, axis), baseline))
        for name, axis in SPEED_UPS.items()
    }


def _plain(number: float) -> float | None:
    """A number for JSON; `None` for NaN."""
    return round(float(number), DIGITS) if math.isfinite(number) else None
