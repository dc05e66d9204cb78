"""What can be said of policies beyond the tasks of a study: intervals, tests, ranks.

Shapes: r resamples, t tasks. Task tables are those of `metrics`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from keras_metahpo.benchmark.metrics import mean_of_families

if TYPE_CHECKING:
    import pandas as pd

NUM_RESAMPLES = 2000
PERCENTILES = (2.5, 97.5)
# The same resamples for every table of the same tasks, so that a report repeats itself.
SEED = 0


@dataclass(frozen=True)
class CriticalDifference:
    """What a critical-difference diagram shows.

    Attributes:
        ranks: Mean rank over the tasks, a policy.
        p_values: A row and a column a policy: Wilcoxon's, after Holm.
        friedman: p value of Friedman's test that all policies are alike; NaN below three.
        num_tasks: On how many tasks.
    """

    ranks: "pd.Series"
    p_values: "pd.DataFrame"
    friedman: float
    num_tasks: int


def resampling_weights(families: Sequence[str], rng: np.random.Generator, num: int = NUM_RESAMPLES):
    """Weights of tasks in a bootstrap clustered by family, then task.

    A resample draws families with replacement and, inside each drawn one, tasks with replacement;
    with one family it draws tasks. Families weigh the same.

    Args:
        families: t families, one a task.
        rng: Random numbers.
        num: Number of resamples.

    Returns:
        Float array (r, t); rows add up to 1.
    """
    names, of_task, sizes = np.unique(families, return_inverse=True, return_counts=True)
    drawn = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=num)
    weights = np.zeros((num, len(of_task)))
    for family, size in enumerate(sizes):
        counts = rng.multinomial(drawn[:, family] * size, np.full(size, 1 / size))
        weights[:, of_task == family] = counts / (size * len(names))
    return weights


def interval(table: "pd.DataFrame", statistic: str = "mean") -> "pd.DataFrame":
    """95 % bootstrap intervals, clustered by family, then task.

    Args:
        table: A task table, or one with other columns.
        statistic: `"mean"` of families, or `"median"` of the tasks, families weighing the same.

    Returns:
        A row a column of `table`: low, high. NaN where there is one task only.
    """
    import pandas as pd

    table = table.sort_index()
    values = table.to_numpy(dtype=float)
    if len(values) < 2:
        bounds = np.full((2, values.shape[1]), np.nan)
    else:
        families = table.index.get_level_values("family")
        weights = resampling_weights(list(families), np.random.default_rng(SEED))
        draws = weights @ values if statistic == "mean" else _medians(values, weights)
        bounds = np.percentile(draws, PERCENTILES, axis=0)
    return pd.DataFrame(bounds.T, index=table.columns, columns=["low", "high"])


def median(table: "pd.DataFrame") -> "pd.Series":
    """Median of the tasks, families weighing the same, a column; of two the lower one."""
    import pandas as pd

    sizes = table.groupby(level="family").transform("size").to_numpy(dtype=float)
    values = table.to_numpy(dtype=float)
    return pd.Series(_medians(values, 1 / sizes[None])[0], index=table.columns)


def compare(table: "pd.DataFrame", policy: str) -> "pd.DataFrame":
    """A policy against each of the others, on the same tasks.

    Returns:
        A row a rival: difference (mean of families of the policy's value minus the rival's), low,
        high, p (Wilcoxon signed-rank over tasks, two-sided, after Holm over the rivals).
    """
    differences = -table.drop(columns=policy).sub(table[policy], axis="index")
    comparison = interval(differences).assign(difference=mean_of_families(differences))
    comparison["p"] = _holm(_wilcoxon(differences.to_numpy()))
    return comparison[["difference", "low", "high", "p"]]


def paired_difference(table: "pd.DataFrame", policy: str, rival: str) -> tuple[float, float, float]:
    """A policy's value minus one rival's, as `compare` has it: difference, low, high."""
    difference, low, high, _ = compare(table[[policy, rival]], policy).iloc[0]
    return float(difference), float(low), float(high)


def wilcoxon_holm(table: "pd.DataFrame") -> "pd.DataFrame":
    """p values of all pairs of policies, after Holm over the pairs; 1 on the diagonal."""
    import pandas as pd

    names, values = list(table), table.to_numpy()
    first, second = np.triu_indices(len(names), k=1)
    matrix = np.ones((len(names), len(names)))
    matrix[first, second] = _holm(_wilcoxon(values[:, first] - values[:, second]))
    return pd.DataFrame(np.minimum(matrix, matrix.T), index=names, columns=names)


def critical_difference(ranks: "pd.DataFrame", regrets: "pd.DataFrame") -> CriticalDifference:
    """Mean ranks, and which policies cannot be told apart.

    Args:
        ranks: Task table of ranks, means over seeds.
        regrets: Task table of regrets, on which the tests are done.
    """
    from scipy.stats import friedmanchisquare

    friedman = float("nan")
    if regrets.shape[1] > 2 and len(regrets) > 1 and (regrets.nunique(axis=1) > 1).any():
        friedman = float(friedmanchisquare(*(regrets[name] for name in regrets)).pvalue)
    return CriticalDifference(ranks.mean(), wilcoxon_holm(regrets), friedman, len(ranks))


def _wilcoxon(differences: np.ndarray) -> np.ndarray:
    """Two-sided p values, shape (c,), of columns of differences (t, c)."""
    from scipy.stats import wilcoxon

    p_values = np.ones(differences.shape[1])
    ordered = np.sort(np.abs(differences), axis=0)
    tied = (ordered[:1] == 0).any(axis=0) | (np.diff(ordered, axis=0) == 0).any(axis=0)
    # scipy takes one method for all columns: exact ones must not depend on another's ties.
    for columns in (tied & differences.any(axis=0), ~tied):
        if len(differences) > 1 and columns.any():
            # Demsar (2006): half of the tasks without a difference count for either side.
            found = wilcoxon(differences[:, columns], zero_method="zsplit", axis=0)
            p_values[columns] = found.pvalue
    return p_values


def _holm(p_values: np.ndarray) -> np.ndarray:
    from statsmodels.stats.multitest import multipletests

    return multipletests(p_values, method="holm")[1] if len(p_values) else p_values


def _medians(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Weighted lower medians of columns (t, c) under rows of weights (r, t): shape (r, c)."""
    order = np.argsort(values, axis=0)
    medians = []
    for column, places in zip(values.T, order.T, strict=True):
        cumulative = np.cumsum(weights[:, places], axis=1)
        # Rounding must not push an exact half to the next task.
        half = cumulative[:, -1:] * (0.5 - 1e-9)
        medians.append(column[places][(cumulative >= half).argmax(axis=1)])
    return np.array(medians).T
