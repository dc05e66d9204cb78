"""The demo's table, picture and `result.json`."""

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path

from keras_metahpo.demo.searches import Search

COLOURS = {"MetaTuner": "#d1495b", "RandomSearch": "#8d99ae", "BayesianOptimization": "#2e6f95"}
# With the same seed, BayesianOptimization begins with RandomSearch's very trials.
DASHED = "BayesianOptimization"
MILESTONES = (1, 3, 5)


def print_table(console, searches: Sequence[Search]) -> None:
    """Prints best validation accuracies after a few trials and at the end."""
    from rich.table import Table

    num_trials = max(len(s.values) for s in searches)
    milestones = [m for m in MILESTONES if m < num_trials] + [num_trials]
    table = Table(title="Best validation accuracy so far, scikit-learn digits")
    table.add_column("tuner", no_wrap=True)
    for milestone in milestones:
        table.add_column(f"{milestone} trials" if milestone > 1 else "1 trial", justify="right")
    table.add_column("test", justify="right")
    table.add_column("seconds", justify="right")
    for search in searches:
        best = search.incumbents
        table.add_row(
            search.tuner,
            *(f"{best[min(m, len(best)) - 1]:.3f}" for m in milestones),
            f"{search.test_accuracy:.3f}",
            f"{search.seconds[-1]:.0f}",
        )
    console.print(table)
    console.print(f"[bold]{verdict(searches)}[/bold]")


def verdict(searches: Sequence[Search]) -> str:
    """One sentence: when our search reached what the others had at their end."""
    ours, *others = searches
    best_other = max(others, key=lambda search: search.incumbents[-1])
    target = best_other.incumbents[-1]
    reached = [i for i, value in enumerate(ours.incumbents) if value >= target]
    if not reached:
        return (
            f"In {len(ours.values)} trials MetaTuner did not reach the {target:.3f} of "
            f"{best_other.tuner}. One seed says little; try others with --seed."
        )
    return (
        f"MetaTuner reached {best_other.tuner}'s final {target:.3f} after {reached[0] + 1} of "
        f"{len(ours.values)} trials, in {ours.seconds[reached[0]]:.0f} s instead of "
        f"{best_other.seconds[-1]:.0f} s. One seed says little; try others with --seed."
    )


def save_picture(path: Path, searches: Sequence[Search]) -> None:
    """Draws best-so-far accuracy against trials and against seconds."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    figure = Figure(figsize=(10, 4), layout="constrained")
    by_trial, by_time = figure.subplots(1, 2, sharey=True)
    for search in searches:
        style = {"color": COLOURS[search.tuner], "label": search.tuner, "linewidth": 2}
        style["linestyle"] = "--" if search.tuner == DASHED else "-"
        trials = range(1, len(search.values) + 1)
        by_trial.step(trials, search.incumbents, where="post", **style)
        by_trial.plot(trials, search.values, ".", color=COLOURS[search.tuner], alpha=0.5)
        by_time.step(search.seconds, search.incumbents, where="post", **style)
    by_trial.set(xlabel="trials", ylabel="validation accuracy, best so far")
    by_trial.xaxis.set_major_locator(MaxNLocator(integer=True))
    by_time.set(xlabel="wall clock (s)")
    # Diverged trials would flatten what there is to see.
    by_trial.set_ylim(bottom=max(0.0, min(s.incumbents[0] for s in searches) - 0.05), top=1.0)
    for axes in (by_trial, by_time):
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    by_time.legend(loc="lower right", frameon=False)
    figure.savefig(path, dpi=150)


def save_result(path: Path, searches: Sequence[Search], seed: int) -> None:
    """Writes everything measured as JSON."""
    content = {
        "seed": seed,
        "objective": "val_accuracy",
        "searches": [
            dataclasses.asdict(search) | {"incumbents": search.incumbents} for search in searches
        ],
    }
    path.write_text(json.dumps(content, indent=1) + "\n")
