"""A description as tables for the terminal."""

from collections.abc import Iterable, Sequence

import numpy as np
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from keras_metahpo.data.description import SHARES, Description
from keras_metahpo.data.spread import MIN_RATIO
from keras_metahpo.data.writing import (
    correlation_text,
    notes_of,
    number_text,
    percent_text,
)

# More names would bury what is said of them.
MAX_NAMED = 4
MAX_IMPORTANT = 3


def print_description(console: Console, description: Description) -> None:
    """Two tables with a row a task, one with a row a search space, then notes."""
    _print_spreads(console, description)
    _print_effects(console, description)
    _print_spaces(console, description)
    for note, labels in notes_of(description).items():
        console.print(f"{note}: {_some(labels)}", markup=False, highlight=False)


def _print_spreads(console: Console, description: Description) -> None:
    numbers = ("trials", "failed", "s", "median", "best", "p10", "p90", "seeds", "ratio")
    table = _table("Do the hyperparameters matter?", "task", numbers)
    table.caption = (
        "s: seconds a trial; p10, p90: of configurations; seeds: deviation over seeds; "
        f"ratio: (p90 - p10) / seeds, {MIN_RATIO:g} or more wanted"
    )
    for task in description.tasks:
        spread = task.spread
        values = (task.seconds, spread.median, spread.best, spread.p10, spread.p90)
        ratio = number_text(spread.ratio)
        table.add_row(
            escape(task.label),
            str(task.num_trials),
            percent_text(task.num_failed / task.num_trials) if task.num_trials else "",
            *map(number_text, values),
            number_text(spread.seed_deviation, 2),
            f"[red]{ratio}[/red]" if spread.ratio < MIN_RATIO else ratio,
        )
    console.print(table)


def _print_effects(console: Console, description: Description) -> None:
    tasks = [task for task in description.tasks if task.importances]
    if not tasks:
        return
    table = _table("Which ones, and how early does it show?", "task", map(percent_text, SHARES))
    table.add_column("most important, per cent of variance")
    table.caption = "25 %: rank correlation with the final result after 25 % of the epochs"
    for task in tasks:
        values = (correlation_text(task.correlation_at(share)) for share in SHARES)
        main = list(task.importances.items())[:MAX_IMPORTANT]
        text = ", ".join(f"{name} {100 * share:.0f}" for name, share in main)
        table.add_row(escape(task.label), *values, escape(text))
    console.print(table)


def _print_spaces(console: Console, description: Description) -> None:
    spaces = [space for space in description.spaces if space.compared]
    if not spaces:
        return
    columns = ("same task", "another: median", "lowest", "highest")
    table = _table("What does one task tell of another?", "tasks of one search space", columns)
    table.caption = "rank correlations of a random forest that has seen one task"
    for space in spaces:
        same = np.diag(space.correlations)
        others = space.correlations[~np.eye(len(same), dtype=bool)]
        values = (np.median(same), np.median(others), others.min(), others.max())
        table.add_row(escape(_some(space.compared)), *map(correlation_text, values))
    console.print(table)


def _table(title: str, first: str, numbers: Iterable[str]) -> Table:
    table = Table(title=title, box=box.SIMPLE_HEAD, padding=0, caption_justify="left")
    table.add_column(first, overflow="fold")
    for column in numbers:
        table.add_column(column, justify="right")
    return table


def _some(labels: Sequence[str]) -> str:
    more = f" and {len(labels) - MAX_NAMED} more" if len(labels) > MAX_NAMED else ""
    return ", ".join(labels[:MAX_NAMED]) + more
