"""Means, differences and pictures of searches in pools."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure
from pool_policies import OURS, RANDOM, TPE
from pool_searches import HORIZONS, POOL_SIZE, key
from rich.console import Console
from rich.table import Table

from keras_metahpo.benchmark.metrics import WORSE_MARGIN
from keras_metahpo.benchmark.statistics import compare

COLUMNS = [f"@{h}" for h in HORIZONS]
TARGETS = {1: 0.40, 3: 0.18, 5: 0.13, 10: 0.07, 25: 0.02, 50: 0.006}
BOUNDS = ["difference", "low", "high"]


def summarise(searches: dict, cells: list, policies: list[str]) -> dict:
    """Means over seeds, tasks and families; targets; paired differences with their intervals."""
    rows = [(p, *cell[:2], *searches[key(p, cell)]) for p in policies for cell in cells]
    by_task, by_family, overall = mean_regrets(rows)
    families = list(dict.fromkeys(cell[0] for cell in cells))
    targets, ours_minus = {}, {}
    if OURS in policies:
        ours = overall.loc[OURS]
        targets = {f"@{h} <= {most}": bool(ours[f"@{h}"] <= most) for h, most in TARGETS.items()}
        if TPE in policies:
            targets["@5 <= TPE's @25"] = bool(ours["@5"] <= overall.loc[TPE, "@25"])
        found = differences(by_task, OURS)
        ours_minus = {policy: found[policy] for policy in policies if policy != OURS}
    harmed = share_worse_than_random(by_task) if RANDOM in policies else {}
    return {
        "pools": {"size": POOL_SIZE, "seeds": len({c[2] for c in cells}), "families": families},
        "regret": {
            policy: {
                "mean of families": overall.loc[policy].round(4).to_dict(),
                **{kind: by_family.loc[policy, kind].round(4).to_dict() for kind in families},
            }
            for policy in policies
        },
        "targets": targets,
        "ours minus": ours_minus,
        "share of tasks worse than random": harmed,
    }


def share_worse_than_random(by_task: pd.DataFrame) -> dict[str, dict[str, float]]:
    """By policy and horizon; mean of families."""
    families = ["policy", "family"]
    is_worse = by_task - by_task.loc[RANDOM] > WORSE_MARGIN
    shares = is_worse.groupby(families).mean().groupby("policy").mean().round(4)
    return {policy: shares.loc[policy].to_dict() for policy in shares.index.drop(RANDOM)}


def mean_regrets(rows: Sequence[tuple]) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Rows of policy, family, task and regrets to their means by task, by family and over all."""
    frame = pd.DataFrame(rows, columns=["policy", "family", "task", *COLUMNS])
    by_task = frame.groupby(["policy", "family", "task"]).mean()
    by_family = by_task.groupby(["policy", "family"]).mean()
    return by_task, by_family, by_family.groupby("policy").mean()


def differences(by_task: pd.DataFrame, ours: str) -> dict[str, dict[str, list[float]]]:
    """Paired differences of one policy to each other one, with their intervals, by horizon."""
    compared = {c: compare(by_task[c].unstack("policy"), ours).round(4) for c in COLUMNS}
    others = by_task.index.unique("policy").drop(ours)
    return {p: {c: compared[c].loc[p, BOUNDS].tolist() for c in COLUMNS} for p in others}


def draw(summary: dict, title: str, output: Path) -> None:
    figure = Figure(figsize=(7.5, 3.8), layout="constrained")
    axes = figure.subplots()
    for policy, rows in summary["regret"].items():
        width = 3.0 if policy == OURS else 1.5
        axes.plot(HORIZONS, rows["mean of families"].values(), "o-", label=policy, linewidth=width)
    if summary["targets"]:
        axes.plot(list(TARGETS), list(TARGETS.values()), "k_", markersize=14, label="target")
    axes.set(
        xscale="log",
        yscale="log",
        xlabel="trials",
        ylabel="normalised regret",
        title=title,
    )
    axes.set_xticks(HORIZONS, [str(h) for h in HORIZONS], minor=False)
    axes.minorticks_off()
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=8)
    figure.savefig(output / "regret.png", dpi=130)


def report(summary: dict) -> None:
    regrets = {p: rows["mean of families"] for p, rows in summary["regret"].items()}
    print_table("mean of families", regrets, ".3f")
    harmed = summary["share of tasks worse than random"]
    if harmed:
        print_table("share of tasks worse than random", harmed, ".0%")
    for target, met in summary["targets"].items():
        Console().print(f"{target}: {'met' if met else 'missed'}")


def print_table(title: str, rows: Mapping[str, Mapping[str, float]], form: str) -> None:
    table = Table(title, *COLUMNS)
    for policy, figures in rows.items():
        table.add_row(policy, *(f"{figures[column]:{form}}" for column in COLUMNS))
    Console().print(table)
