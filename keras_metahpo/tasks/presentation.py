"""Tables of tasks, search spaces and spreads for the command line."""

import statistics
from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table

from keras_metahpo.space.hyperparameter import Hyperparameter
from keras_metahpo.tasks.spread import MIN_RATIO, Spread
from keras_metahpo.tasks.suites import TaskSuite, get_suite, list_suites
from keras_metahpo.tasks.task import Task


def card_of(task: Task) -> dict:
    """What is known of a task without building it, as plain values."""
    return {
        "name": task.name,
        "family": task.family,
        "data set": str(getattr(task.data, "dataset", "")),
        "source": repr(task.data),
        "objective": task.objective,
        "direction": task.direction,
        "epochs": task.max_fidelity,
        "tags": list(task.tags),
        "licence": task.licence,
        "citation": task.citation,
        "version": task.version,
    }


def print_list(console: Console, tasks: Sequence[Task], suite: TaskSuite | None) -> None:
    """A row a task, and its part where they are of a suite."""
    table = Table(
        title=f"{len(tasks)} tasks" + (f" of {suite.name}@{suite.version}" if suite else "")
    )
    columns = ["name", "data set", "epochs", "tags", "version"]
    for column in [*columns, "part"] if suite else columns:
        table.add_column(column)
    for task in tasks:
        card = card_of(task)
        row = [card["name"], card["data set"], str(card["epochs"]), ", ".join(task.tags)]
        part = [str(suite.part_of(task.name)).replace("_", "-")] if suite else []
        table.add_row(*row, task.version, *part)
    console.print(table)


def print_task(console: Console, task: Task) -> None:
    """The card, the suites that the task is in, and the search space."""
    card = card_of(task)
    suites = [(name, get_suite(name).part_of(task.name)) for name in list_suites()]
    card["suites"] = ", ".join(f"{name} ({part})" for name, part in suites if part) or "none"
    card["tags"] = ", ".join(card["tags"])
    table = Table(title=card.pop("name"), show_header=False)
    for name, value in card.items():
        table.add_row(name, str(value))
    console.print(table)
    space = Table(title="search space")
    for column in ("hyperparameter", "kind", "values", "default", "if"):
        space.add_column(column)
    for hyperparameter in task.search_space().hyperparameters:
        conditions = [f"{c.parent} in {list(c.values)}" for c in hyperparameter.conditions]
        space.add_row(
            hyperparameter.name,
            hyperparameter.kind,
            _values(hyperparameter),
            _text(hyperparameter.default),
            " and ".join(conditions),
        )
    console.print(space)


def print_features(console: Console, features: Mapping[str, float | str]) -> None:
    """A row a feature."""
    table = Table(title="features", show_header=False)
    for name, value in features.items():
        table.add_row(name, _text(value))
    console.print(table)


def print_spreads(console: Console, spreads: Sequence[Spread]) -> None:
    """A row a task; those whose hyperparameters hardly matter are marked.

    "CPU s" is the median of a trial; "repeat" the difference of two trainings from one seed.
    """
    table = Table(title="Do the hyperparameters matter?")
    columns = ("task", "p10", "p90", "diverged", "seed deviation", "ratio", "CPU s", "repeat", "")
    for column in columns:
        table.add_column(column, justify="left" if column in ("task", "") else "right")
    for spread in spreads:
        low, high = spread.p10_p90
        diverged = sum(value != value for value in spread.configurations)
        table.add_row(
            spread.task,
            f"{low:.3f}",
            f"{high:.3f}",
            f"{diverged} of {len(spread.configurations)}",
            f"{spread.seed_deviation:.4f}",
            f"{spread.ratio:.1f}",
            f"{statistics.median(spread.cpu_s):.1f}",
            f"{spread.repeat_difference:.0e}",
            "" if spread.ratio >= MIN_RATIO else f"below {MIN_RATIO:g}: mostly noise",
        )
    console.print(table)


def _values(hyperparameter: Hyperparameter) -> str:
    if hyperparameter.choices:
        return ", ".join(map(_text, hyperparameter.choices))
    step = "" if hyperparameter.step is None else f", step {_text(hyperparameter.step)}"
    bounds = f"{_text(hyperparameter.low)} to {_text(hyperparameter.high)}"
    return f"{bounds}{step} ({hyperparameter.sampling})"


def _text(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
