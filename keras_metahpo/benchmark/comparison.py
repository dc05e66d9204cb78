"""What makes searches comparable: one scale of regret a task, and cells that all finished."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from keras_metahpo.benchmark.records import FINISHED, TaskFacts

if TYPE_CHECKING:
    import pandas as pd

SEARCH = ["policy", "task", "seed"]
# A policy that finished less than this share of the cells of the fullest one is not compared:
# it would take the others' results away.
MIN_SHARE_OF_CELLS = 0.5
# A diverged loss of 1e18 would decide every mean alone. Twice as far from the best as the median
# is as bad as no result.
MOST_REGRET = 2.0


def normalised_regrets(
    trials: "pd.DataFrame", facts: Mapping[str, TaskFacts], random_policy: str | None
) -> tuple[np.ndarray, list[str]]:
    """Regret of each trial's incumbent, at most `MOST_REGRET`, NaN on tasks without a scale.

    Returns:
        The regrets, and what a report has to say of them.
    """
    regrets = np.full(len(trials), np.nan)
    measured, flat = [], []
    for task, rows in trials.groupby("task").indices.items():
        values, incumbents = (trials[c].to_numpy()[rows] for c in ("utility", "incumbent"))
        best, median = facts[task].best, facts[task].median
        if best is None or median is None:
            measured.append(task)
        if best is None:
            best = incumbents.max()
        if median is None:
            own = values[trials["policy"].to_numpy()[rows] == random_policy]
            median = _median_with_failures(own if np.isfinite(own).any() else values)
        if not np.isfinite(best - median) or best <= median:
            flat.append(task)
            continue
        regret = (best - incumbents) / (best - median)
        succeeded = np.isfinite(regret)
        regret = np.where(succeeded, regret, regret[succeeded].max(initial=1.0))
        regrets[rows] = np.minimum(regret, MOST_REGRET)
    notes = []
    if np.any(regrets == MOST_REGRET):
        notes.append(f"Regret beyond {MOST_REGRET:g} counts as {MOST_REGRET:g}.")
    if measured:
        whose = f"the trials of {random_policy}" if random_policy else "all trials"
        notes.append(
            f"Regret on {len(measured)} tasks is normalised by this study's own results, from the "
            f"best incumbent of all its searches to the median of {whose}: {', '.join(measured)}."
        )
    if flat:
        notes.append(
            "Left out, since the best known configuration is no better than the median one: "
            f"{', '.join(flat)}."
        )
    return regrets, notes


def _median_with_failures(utilities: np.ndarray) -> float:
    """Median, where failed trials count as the worst that succeeded."""
    succeeded = utilities[np.isfinite(utilities)]
    if not len(succeeded):
        return float("nan")
    return float(np.median(np.where(np.isfinite(utilities), utilities, succeeded.min())))


def comparison(
    searches: "pd.DataFrame", trials: "pd.DataFrame", policies: tuple[str, ...]
) -> tuple["pd.Series", list[str]]:
    """Which searches are compared, and notes about those that are not."""
    scaled = set(trials.loc[trials["regret"].notna(), "task"])
    usable = searches["end"].eq(FINISHED) & searches["num_trials"].gt(0)
    usable &= searches["task"].isin(scaled)
    compared = usable & False
    notes = []
    for suite, rows in searches[searches["task"].isin(scaled)].groupby("suite", sort=False):
        finished = rows[usable[rows.index]]
        counts = finished.groupby("policy").size().reindex(policies, fill_value=0)
        num_cells = len(rows.drop_duplicates(["task", "seed"]))
        taking_part = counts[(counts > 0) & (counts >= MIN_SHARE_OF_CELLS * counts.max())].index
        for policy in counts.index.difference(taking_part, sort=False):
            notes.append(
                f"{suite}: {policy} is not compared; it finished {counts[policy]} of "
                f"{num_cells} cells."
            )
        finished = finished[finished["policy"].isin(taking_part)]
        sizes = finished.groupby(["task", "seed"])["policy"].transform("size")
        common = finished[sizes == len(taking_part)]
        compared[common.index] = True
        missing = num_cells - len(common.drop_duplicates(["task", "seed"]))
        if missing and len(taking_part):
            short = counts[taking_part][counts[taking_part] < num_cells]
            whose = ", ".join(f"{policy} {num_cells - count}" for policy, count in short.items())
            notes.append(
                f"{suite}: {missing} of {num_cells} cells are left out, since not every compared "
                f"policy finished them (unfinished: {whose})."
            )
    return compared, notes
