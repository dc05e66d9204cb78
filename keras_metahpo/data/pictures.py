"""Pictures of a description that are made of lines: spreads, and correlations along the epochs."""

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from keras_metahpo.benchmark.plot_axes import INK, LABEL_HEIGHT, new_figure, style
from keras_metahpo.data.description import Description, TaskDescription
from keras_metahpo.data.heat_maps import correlation_figure, importance_figure
from keras_metahpo.data.spread import MIN_RATIO

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

CONFIGURATIONS, SEEDS, BAD = "#2e6f95", "#e07b39", "#d1495b"
LINE_STYLES = ("-", "--", ":", "-.")
# Shares of the epochs at which families of different lengths are averaged.
GRID = np.linspace(0.02, 1.0, 50)
# Families in a title.
MAX_NAMED = 3


def draw(description: Description) -> Iterator[tuple[str, str, str, "Figure"]]:
    """File stem, title, explanation and figure of every picture there is something to show in."""
    known = [task for task in description.tasks if math.isfinite(task.spread.p10)]
    if known:
        yield (
            "spread",
            "Configurations against seeds",
            "Bars reach from the 10th to the 90th percentile of the configurations' objective, "
            "first seed each. The block at their median is one seed deviation to either side. The "
            "number is the ratio of the two lengths, p90 - p10 to one seed deviation: below "
            f"{MIN_RATIO:g}, tuning mostly chases noise.",
            spread_figure(known),
        )
    known = [task for task in description.tasks if task.importances]
    if known:
        yield (
            "importance",
            "Importance of hyperparameters",
            "Per cent of the variance of a configuration's rank that hyperparameters of a role "
            "explain, each on its own (fANOVA). The last column is the rest: interactions and "
            "noise. Empty: no such hyperparameter. Inactive ones are given random values, so a "
            "conditional one counts for what it does where it is active, times how often it is.",
            importance_figure(known),
        )
    known = [task for task in description.tasks if task.correlations]
    if known:
        yield (
            "fidelity",
            "Early epochs and the final result",
            "Spearman's rank correlation of the best objective so far with the final one; means "
            "over the tasks of a family. Failed trials rank last. While all configurations have "
            "the same result, it counts as 0.",
            fidelity_figure(known),
        )
    families = {task.label: task.family for task in description.tasks}
    text = (
        "A random forest that has seen the row's task ranks the column's configurations: "
        "Spearman's correlation of its predictions with the truth, times 100. On the framed "
        "diagonal, it predicts configurations of its own task that it has not seen. "
    )
    for number, space in enumerate(description.spaces, start=1):
        if space.compared:
            of_space = list(dict.fromkeys(families[label] for label in space.compared))
            text += f"Search space: {', '.join(space.hyperparameters)}."
            more = ", ..." if len(of_space) > MAX_NAMED else ""
            title = f"From task to task: {', '.join(of_space[:MAX_NAMED])}{more}"
            yield f"correlation-{number}", title, text, correlation_figure(space)
            text = ""


def spread_figure(tasks: Sequence[TaskDescription]) -> "Figure":
    """A bar a task, the largest ratio on top; a panel an objective."""
    panels: dict[str, list[TaskDescription]] = {}
    for task in sorted(tasks, key=lambda task: _order(task.spread.ratio)):
        panels.setdefault(task.objective, []).append(task)
    heights = [len(panel) + 3.2 for panel in panels.values()]
    with style():
        figure = new_figure(LABEL_HEIGHT * sum(heights) + 0.4)
        grid = figure.subplots(len(panels), 1, squeeze=False, height_ratios=heights)[:, 0]
        for axes, (objective, panel) in zip(grid, panels.items(), strict=True):
            _draw_spreads(axes, panel)
            axes.set_xlabel(objective)
        figure.legend(
            *grid[0].get_legend_handles_labels(), loc="outside upper right", ncols=2, frameon=False
        )
    return figure


def _order(ratio: float) -> float:
    return -ratio if math.isfinite(ratio) or ratio > 0 else math.inf


def _draw_spreads(axes: "Axes", tasks: Sequence[TaskDescription]) -> None:
    bar: dict = {"solid_capstyle": "butt", "zorder": 3}
    column: dict = {"xycoords": ("axes fraction", "data"), "ha": "right", "va": "center"}
    for row, task in enumerate(tasks):
        spread, first = task.spread, row == 0
        label = "p10 to p90 of configurations" if first else None
        ends = [spread.p10, spread.p90]
        axes.plot(ends, [row, row], color=CONFIGURATIONS, linewidth=3, label=label, **bar)
        deviation = spread.seed_deviation
        if math.isfinite(deviation):
            ends = [spread.median - deviation, spread.median + deviation]
            axes.plot(ends, [row, row], color=SEEDS, linewidth=8, **bar)
        axes.plot(spread.median, row, "|", color=INK, markersize=8, zorder=4)
        is_bad = math.isfinite(spread.ratio) and spread.ratio < MIN_RATIO
        axes.annotate(
            "\N{EN DASH}" if math.isnan(spread.ratio) else f"{spread.ratio:.1f}",
            (1.07, row),
            **column,
            color=BAD if is_bad else INK,
            fontweight="bold" if is_bad else "normal",
        )
    axes.plot([], [], color=SEEDS, linewidth=8, label="seed deviation, either side", **bar)
    axes.annotate("ratio", (1.07, -1), **column)
    axes.set_yticks(range(len(tasks)), [task.label for task in tasks])
    axes.set_ylim(len(tasks) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", color=INK, alpha=0.12, linewidth=0.8)


def fidelity_figure(tasks: Sequence[TaskDescription]) -> "Figure":
    """A line a family, in the legend in the order of their heights."""
    import matplotlib

    families: dict[str, list[np.ndarray]] = {}
    for task in tasks:
        shares = np.arange(1, len(task.correlations) + 1) / len(task.correlations)
        known = np.nan_to_num(task.correlations)
        line = np.interp(GRID, shares, known, left=math.nan)
        families.setdefault(task.family, []).append(line)
    # A line begins where all tasks have an epoch: one that left would look like a step.
    means = {name: np.mean(lines, axis=0) for name, lines in families.items()}
    quarter = int(np.searchsorted(GRID, 0.25))
    by_height = sorted(means, key=lambda name: -np.nan_to_num(means[name][quarter:]).mean())
    palette = matplotlib.color_sequences["tab10"]
    with style():
        figure = new_figure(max(3.8, 0.8 + LABEL_HEIGHT * len(means)))
        axes = figure.subplots()
        for number, name in enumerate(by_height):
            num_tasks = len(families[name])
            axes.plot(
                100 * GRID,
                means[name],
                color=palette[number % len(palette)],
                linestyle=LINE_STYLES[number // len(palette) % len(LINE_STYLES)],
                linewidth=1.8,
                label=f"{name} ({num_tasks} {'task' if num_tasks == 1 else 'tasks'})",
            )
        lowest = min(float(np.nanmin(mean)) for mean in means.values())
        axes.set(xlabel="per cent of the epochs", ylabel="rank correlation with the final result")
        axes.set(xlim=(0, 100), ylim=(min(0.0, lowest), 1.02))
        axes.grid(color=INK, alpha=0.12, linewidth=0.8)
        figure.legend(loc="outside right upper", frameon=False)
    return figure
