"""The numbers by which policies are judged, from the cells that all compared policies finished.

A task table has a row a task (index: family, task), a column a policy, in the study's order, and
holds means over seeds.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from keras_metahpo.benchmark.comparison import SEARCH
from keras_metahpo.benchmark.results import Results

if TYPE_CHECKING:
    import pandas as pd

# Stands for all suites together wherever a suite is named.
ALL_SUITES = "mean of families"
# A neutral second random search is "worse than random" on 37 to 39 % of tasks; beyond this
# difference in regret it hardly ever is.
WORSE_MARGIN = 0.05
TASK = ["family", "task"]
# Of epochs as a share of a full training.
ROUNDING = 1e-9


def scores(results: Results, horizons: Sequence[int] | None = None) -> "pd.DataFrame":
    """Regret and rank of every compared search after so many trials, or full trainings.

    A finished search that ended early, having tried all there was, keeps its last incumbent.

    Args:
        results: Of a study.
        horizons: Numbers of what the study counts; its own when `None`.

    Returns:
        A row a search and horizon: policy, task, seed, suite, family, horizon, regret, rank (from
        1, the least regret, among the policies on the same task and seed; ties share their mean).
    """
    import pandas as pd

    trials = results.trials[results.trials["compared"]]
    tables = []
    for horizon in results.horizons if horizons is None else horizons:
        last = trials[trials[results.axis] <= horizon + ROUNDING].drop_duplicates(
            SEARCH, keep="last"
        )
        tables.append(last[[*SEARCH, "suite", "family", "regret"]].assign(horizon=horizon))
    table = pd.concat(tables, ignore_index=True)
    table["rank"] = table.groupby(["task", "seed", "horizon"])["regret"].rank(method="average")
    return table


def task_table(rows: "pd.DataFrame", column: str, suite: str, policies: Sequence[str]):
    """A task table of a column, its seeds averaged.

    Args:
        rows: With policy, task, suite, family and `column`; such as `scores` at one horizon.
        column: What to average.
        suite: Or `ALL_SUITES`, for the policies that are compared on every suite.
        policies: In the order of the table's columns; others are left out.
    """
    if suite != ALL_SUITES:
        rows = rows[rows["suite"] == suite]
    table = rows.pivot_table(index=TASK, columns="policy", values=column, aggfunc="mean")
    return table[[policy for policy in policies if policy in table]].dropna(axis="columns")


def horizon_table(rows: "pd.DataFrame", column: str, horizon: int, suite: str, policies):
    """The task table of `scores` at one horizon."""
    return task_table(rows[rows["horizon"] == horizon], column, suite, policies)


def mean_of_families(table: "pd.DataFrame") -> "pd.Series":
    """The mean over families of the means over their tasks, a policy."""
    return table.groupby(level="family").mean().mean()


def worst_decile(table: "pd.DataFrame") -> "pd.Series":
    """Mean of a policy's own worst tenth of the tasks, of one task at least."""
    number = max(1, int(np.ceil(len(table) / 10)))
    return table.apply(lambda column: column.nlargest(number).mean())


def worse_than_random(table: "pd.DataFrame", random_policy: str | None) -> "pd.Series":
    """Share of the tasks with more than `WORSE_MARGIN` regret beyond random search's.

    NaN where there was no random search.
    """
    if random_policy not in table:
        return table.mean() * np.nan
    return table.sub(table[random_policy], axis="index").gt(WORSE_MARGIN).mean()


def curves(results: Results, suite: str, axis: str, grid: Sequence[float]) -> "pd.DataFrame":
    """Regret along trials, time or epochs; what has not ended by then does not count yet.

    Args:
        results: Of a study.
        suite: Its name.
        axis: `"step"`, `"seconds"` (simulated) or `"epochs"`.
        grid: Where to look.

    Returns:
        Index: family, task; columns: policy, point of the grid. Before its first trial ends, a
        search counts as one that has no success yet.
    """
    import pandas as pd

    trials = results.trials
    worst = trials.groupby("task")["regret"].max().clip(lower=1.0)
    trials = trials[trials["compared"] & (trials["suite"] == suite)]
    keys, lines = [], []
    points, regrets = trials[axis].to_numpy(), trials["regret"].to_numpy()
    for key, rows in trials.groupby(["family", "task", "policy", "seed"]).indices.items():
        line = np.append(regrets[rows], worst[key[1]])
        # Position -1, before the first trial, is the appended one.
        lines.append(line[np.searchsorted(points[rows], grid, side="right") - 1])
        keys.append(key)
    index = pd.MultiIndex.from_tuples(keys, names=[*TASK, "policy", "seed"])
    table = pd.DataFrame(lines, index=index, columns=pd.Index(grid, name=axis))
    table = table.groupby(level=[*TASK, "policy"]).mean().unstack("policy")
    return table.swaplevel(axis="columns")[results.compared(suite)]


def needed(results: Results, suite: str, baseline: str, axis: str = "step") -> "pd.DataFrame":
    """Trials or seconds until a task's target is reached: the baseline's final median regret.

    Args:
        results: Of a study.
        suite: Its name.
        baseline: A compared policy.
        axis: `"step"`, `"seconds"` or `"epochs"`.

    Returns:
        A task table of medians over seeds, infinite where half of the seeds never get there. Of
        two middle seeds the earlier one counts, so that the baseline itself always gets there.
    """
    trials = results.trials
    trials = trials[trials["compared"] & (trials["suite"] == suite)]
    final = trials.drop_duplicates(SEARCH, keep="last")
    target = final[final["policy"] == baseline].groupby("task")["regret"].median()
    reached = trials[trials["regret"] <= trials["task"].map(target)]
    first = reached.groupby(SEARCH)[axis].min()
    rows = final[["family", *SEARCH]].join(first, on=SEARCH).fillna({axis: np.inf})
    medians = rows.groupby([*TASK, "policy"])[axis].quantile(0.5, interpolation="lower")
    return medians.unstack("policy")[results.compared(suite)]


def speed_ups(table: "pd.DataFrame", baseline: str) -> "pd.DataFrame":
    """How many times sooner than the baseline a target is reached; 0 where it never is.

    Args:
        table: As `needed` returns it.
        baseline: The same one.
    """
    return table.rdiv(table[baseline], axis="index")


def final_metrics(results: Results, suite: str) -> "pd.DataFrame":
    """Metrics of the final models of live tasks, on data that no search has seen.

    Returns:
        A row a policy, a column a metric, means over the tasks of means over seeds. Empty where
        no task was live.
    """
    import pandas as pd

    searches = results.searches
    searches = searches[searches["compared"] & (searches["suite"] == suite)]
    metrics = pd.DataFrame(list(searches["final"]), index=searches.index)
    means = metrics.groupby([searches["policy"], searches["task"]]).mean()
    return means.groupby(level="policy").mean().reindex(results.compared(suite))
