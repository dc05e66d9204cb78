"""The report of a study: one page without a network, its figures, and its numbers."""

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_metahpo.benchmark import figures
from keras_metahpo.benchmark.metrics import (
    ALL_SUITES,
    WORSE_MARGIN,
    curves,
    final_metrics,
    horizon_table,
    mean_of_families,
    needed,
    scores,
    speed_ups,
)
from keras_metahpo.benchmark.page import render
from keras_metahpo.benchmark.records import FAILED, SKIPPED
from keras_metahpo.benchmark.results import Results, read_results
from keras_metahpo.benchmark.statistics import compare, critical_difference
from keras_metahpo.benchmark.summary import summarise

if TYPE_CHECKING:
    import pandas as pd

PAGE, SUMMARY, FIGURES = "report.html", "summary.json", "figures"
# How this package's own policies are called.
OURS_PREFIXES = ("Meta", "freeze and thaw")
# Early enough that prior knowledge shows, late enough that luck does not decide.
KEY_HORIZON = 10
GRID_POINTS = 80
EARLIEST = 1e-3
ALPHA = 0.05


def write_report(directory: Path) -> Path:
    """Writes `report.html`, `summary.json` and `figures/` beside a study's records.

    A study that still runs is reported as far as it is; the page says so. The content of
    `summary.json` is described at `summary.summarise`.

    Args:
        directory: A study's output folder.

    Returns:
        The page: self-contained, its figures inline.

    Raises:
        BenchmarkError: The folder is not a study's output.
    """
    directory = Path(directory)
    results = read_results(directory)
    summary = summarise(results)
    (directory / SUMMARY).write_text(json.dumps(summary, indent=1) + "\n")
    ours = [name for name in results.policies if name in _ours(results)]
    palette = figures.colours(results.policies, ours)
    table = scores(results)
    suites = [
        suite
        for suite in (*results.suites, ALL_SUITES)
        if any(suite in of_policy for of_policy in summary["policies"].values())
    ]
    sections = [
        _section(results, table, suite, ours, palette, directory / FIGURES) for suite in suites
    ]
    (directory / PAGE).write_text(
        render(
            header=results.header,
            summary=summary,
            sections=sections,
            palette=palette,
            ours=ours,
            policies=results.policies,
            failures=_failures(results),
            lookups=sorted({facts.lookup for facts in results.facts.values()}),
            key=_key_horizon(results),
            margin=WORSE_MARGIN,
            alpha=ALPHA,
        )
    )
    return directory / PAGE


def _ours(results: Results) -> Sequence[str]:
    return [name for name in results.policies if name.startswith(OURS_PREFIXES)]


def _key_horizon(results: Results) -> int:
    return max([k for k in results.horizons if k <= KEY_HORIZON] or results.horizons[:1])


def _section(
    results: Results, table: "pd.DataFrame", suite: str, ours: Sequence[str], palette, folder: Path
) -> dict[str, Any]:
    """What the page shows of a suite, or of all of them."""
    key, last = _key_horizon(results), results.horizons[-1]
    regrets = {
        k: horizon_table(table, "regret", k, suite, results.policies) for k in results.horizons
    }
    rows = table[table["suite"].eq(suite) | (suite == ALL_SUITES)]
    best_first = mean_of_families(regrets[key]).sort_values().index
    section: dict[str, Any] = {
        "suite": suite,
        "policies": list(best_first),
        "best": {k: mean_of_families(regrets[k]).idxmin() for k in regrets},
        "num_tasks": len(regrets[key]),
        "num_families": regrets[key].index.get_level_values("family").nunique(),
        "num_seeds": int(rows["seed"].nunique()),
        "comparisons": [
            (name, {k: compare(regrets[k], name) for k in regrets})
            for name in ours
            if name in regrets[key] and len(best_first) > 1
        ],
        "tasks": {k: regrets[k] for k in sorted({key, last})},
        "figures": [],
    }
    if suite != ALL_SUITES:
        section["final"] = final_metrics(results, suite)
        for title, text, name, figure in _figures(results, table, suite, ours, palette):
            stem = folder / re.sub(r"[^\w@.]+", "-", f"{suite}-{name}")
            drawn = {"title": title, "text": text, "svg": figures.save(figure, stem)}
            section["figures"].append(drawn | {"file": f"{FIGURES}/{stem.name}"})
    return section


def _figures(results: Results, table: "pd.DataFrame", suite: str, ours, palette) -> Iterator[tuple]:
    """Title, text, name and figure, one after the other."""
    trials = results.trials[results.trials["compared"] & (results.trials["suite"] == suite)]
    axes = {"step": "trials", "seconds": "time"}
    if results.axis != "step":
        del axes["step"]
    if trials["fidelity"].nunique() > 1:
        axes["epochs"] = "epochs"
    for axis, name in axes.items():
        values = curves(results, suite, axis, _grid(results, trials, axis))
        text = "Mean of families with 95 % intervals, clustered by family and task."
        if axis != "step":
            text += " Before its first trial ends, a search counts as one without a success."
        yield (
            f"Regret against {name}",
            text,
            f"regret-{name}",
            figures.regret_figure(values, palette, ours, axis),
        )
    policies, baseline = results.compared(suite), results.random_policy
    if baseline in policies and len(policies) > 1:
        axes = {"trials": "step"}
        # Where nothing costs any time, nothing can be sooner.
        axes |= {"seconds": "seconds"} if trials["seconds"].gt(0).all() else {}
        found = {
            unit: speed_ups(needed(results, suite, baseline, axis), baseline)
            for unit, axis in axes.items()
        }
        text = (
            f"How many times sooner a policy reaches {baseline}'s final median: the median of the "
            "tasks with its 95 % interval, and the share of the tasks where it gets there at all."
        )
        figure = figures.speed_up_figure(found, baseline, palette)
        yield f"Time to {baseline}'s result", text, "time-to-target", figure
    if len(policies) < 2:
        return
    for k in sorted({_key_horizon(results), results.horizons[-1]}):
        tables = [horizon_table(table, column, k, suite, policies) for column in ("rank", "regret")]
        difference = critical_difference(*tables)
        text = (
            "Mean ranks, best on the left. A bar joins policies that Wilcoxon's signed-rank test "
            f"over {difference.num_tasks} tasks cannot tell apart (after Holm, p {ALPHA} or more)."
        )
        if np.isfinite(difference.friedman):
            p = "< 0.001" if difference.friedman < 0.001 else f"{difference.friedman:.3f}"
            text += f" Friedman's p that all are alike: {p}."
        figure = figures.critical_difference_figure(difference, palette)
        unit = "trials" if results.axis == "step" else "full trainings"
        yield f"Ranks after {k} {unit}", text, f"ranks-{k}", figure


def _grid(results: Results, trials: "pd.DataFrame", axis: str) -> Sequence[float]:
    if axis == "step":
        # The last trial's result holds for a while, too.
        return [*range(1, results.num_trials + 1), results.num_trials + 0.5]
    # Until half of the searches have a trial, there is little to see.
    first = max(float(trials.loc[trials["step"] == 1, axis].median()), EARLIEST)
    last = float(trials[axis].max())
    return list(np.geomspace(first, max(last, first), GRID_POINTS))


def _failures(results: Results) -> list[dict[str, Any]]:
    """Searches that failed or were skipped, those with the same reason together."""
    searches = results.searches[results.searches["end"].isin([FAILED, SKIPPED])]
    return [
        {
            **dict(zip(("policy", "end", "reason"), key, strict=True)),
            "cells": [f"{task}, seed {seed}" for task, seed in rows[["task", "seed"]].to_numpy()],
        }
        for key, rows in searches.groupby(["policy", "end", "reason"], sort=False)
    ]
