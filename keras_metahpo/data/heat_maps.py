"""Pictures of a description that are made of cells: importances, and tasks against tasks."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from keras_metahpo.benchmark.plot_axes import INK, LABEL_HEIGHT, new_figure, style
from keras_metahpo.data.description import OTHER_ROLE, SpaceDescription, TaskDescription

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

POSITIVE, NEGATIVE = "#2e6f95", "#d1495b"
REST = "rest"
# Inches of a cell of a square matrix: with numbers in it, and without.
CELL, SMALL_CELL = 0.34, 0.16
# With more tasks than this, numbers in the cells of a matrix would be too small.
MAX_NUMBERED = 20
# With more rows than this, columns are named at both ends.
MAX_ONE_END = 40
# A cell that is fuller than this needs light numbers.
FULL = 0.55


def importance_figure(tasks: Sequence[TaskDescription]) -> "Figure":
    """A row a task, by family; a column a role, the most important first, and one for the rest."""
    tasks = sorted(tasks, key=lambda task: (task.family, task.label))
    of_roles = [task.role_importances for task in tasks]
    roles = {role for roles in of_roles for role in roles}
    sums = {role: sum(found.get(role, 0.0) for found in of_roles) for role in roles}
    columns = sorted(roles, key=lambda role: (role == OTHER_ROLE, -sums[role]))
    values = np.array(
        [
            [*(found.get(role, math.nan) for role in columns), max(0.0, 1 - sum(found.values()))]
            for found in of_roles
        ]
    )
    with style():
        figure = new_figure(LABEL_HEIGHT * (len(tasks) + 1) + 1.2)
        axes = figure.subplots()
        _draw_cells(axes, values, fontsize=7)
        axes.axvline(len(columns), color=INK, linewidth=1)
        for row in range(1, len(tasks)):
            if tasks[row].family != tasks[row - 1].family:
                axes.axhline(row, color=INK, linewidth=0.8)
        many = len(tasks) > MAX_ONE_END
        names = [column.replace("_", " ") for column in [*columns, REST]]
        _label(axes, [task.label for task in tasks], names, rotation=90 if many else 45)
        axes.tick_params(labelbottom=many)
    return figure


def correlation_figure(space: SpaceDescription) -> "Figure":
    """A row a task that was seen, a column a task that was predicted."""
    from matplotlib.figure import Figure
    from matplotlib.patches import Rectangle

    num_tasks = len(space.compared)
    labels = _without_common_family(space.compared)
    is_numbered = num_tasks <= MAX_NUMBERED
    side = num_tasks * (CELL if is_numbered else SMALL_CELL)
    margin = 0.5 + 0.075 * max(map(len, labels))
    with style():
        figure = Figure(figsize=(side + margin, side + margin), layout="constrained")
        axes = figure.subplots()
        axes.set_aspect("equal")
        _draw_cells(axes, space.correlations, fontsize=8 if is_numbered else None)
        for row in range(num_tasks):
            frame: dict = {"fill": False, "edgecolor": INK, "zorder": 3, "clip_on": False}
            axes.add_patch(Rectangle((row, row), 1, 1, **frame))
        _label(axes, labels, labels, rotation=90, fontsize=9 if is_numbered else 7)
        axes.set(ylabel="seen", xlabel="predicted")
        axes.xaxis.set_label_position("top")
    return figure


def _draw_cells(axes: "Axes", values: np.ndarray, fontsize: int | None) -> None:
    """Cells whose colour is the fuller the farther from 0, on any background, and numbers.

    Args:
        axes: Of their own; row 0 comes on top.
        values: Float array (rows, columns), from -1 to 1; empty cells where NaN.
        fontsize: Of the numbers; `None` for no numbers.
    """
    from matplotlib.colors import to_rgba

    colours = np.zeros((*values.shape, 4))
    for (row, column), value in np.ndenumerate(values):
        if math.isfinite(value):
            strength = min(abs(value), 1.0)
            colours[row, column] = to_rgba(POSITIVE if value > 0 else NEGATIVE, strength)
            if fontsize is not None:
                number = f"{100 * value:.0f}".replace("-0", "0").replace("-", "\N{MINUS SIGN}")
                axes.text(
                    *(column + 0.5, row + 0.5, number),
                    ha="center",
                    va="center",
                    fontsize=fontsize,
                    color="white" if strength > FULL else INK,
                    alpha=1.0 if strength > 0.05 else 0.5,
                )
    # So many paths would only make a page slow.
    axes.pcolormesh(colours, rasterized=fontsize is None)
    axes.set_ylim(len(values), 0)


def _label(
    axes: "Axes",
    rows: Sequence[str],
    columns: Sequence[str],
    rotation: float,
    fontsize: float = 9,
) -> None:
    axes.set_yticks(np.arange(len(rows)) + 0.5, rows, fontsize=fontsize)
    anchor: dict = {"ha": "left", "rotation_mode": "anchor"} if rotation < 90 else {}
    axes.xaxis.tick_top()
    axes.set_xticks(
        np.arange(len(columns)) + 0.5, columns, rotation=rotation, fontsize=fontsize, **anchor
    )
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def _without_common_family(labels: Sequence[str]) -> list[str]:
    """What stands after the slash, where all have the same before it."""
    families = {label.partition("/")[0] for label in labels}
    is_common = len(families) == 1 and all("/" in label for label in labels)
    return [label.partition("/")[2] if is_common else label for label in labels]
