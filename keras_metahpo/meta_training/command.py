"""The command `metahpo learn`: imports finished searches and fine-tunes a preset on them."""

import argparse
import json
import os
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from keras_metahpo.errors import SearchSpaceError, TrialLogError
from keras_metahpo.history import TrialLog, read_logs
from keras_metahpo.space import SearchSpace

LOGS, PRESET = "logs", "preset"


def add_arguments(command: argparse.ArgumentParser, positive) -> None:
    """Adds the arguments of `learn`.

    Args:
        command: The parser.
        positive: Type of positive integers.
    """
    add = command.add_argument
    add(
        "sources",
        nargs="+",
        metavar="SOURCE",
        help="KerasTuner project folder, trial log, Optuna storage (.db, .sqlite) or table (.csv)",
    )
    add("--output", type=Path, required=True, help="folder of the trial logs and the preset")
    add("--objective", help="metric of tables, and of project folders that do not tell")
    add("--direction", choices=("min", "max"), help="of the objective")
    add("--space", type=Path, help="search space of tables: HyperParameters.get_config() as JSON")
    add("--dataset", help="what the models were trained on, for the preset's card")
    add("--preset", default="base", help="where fine-tuning starts: a name or a folder")
    add("--no-training", action="store_true", help="only import")
    add("--steps", type=positive, default=argparse.SUPPRESS, help="gradient steps of each training")
    add("--synthetic", type=positive, default=argparse.SUPPRESS, help="number of synthetic tasks")
    add("--seed", type=int, default=0, help="seed of everything")


def run(options: argparse.Namespace) -> None:
    """Reads everything, then writes the logs, then trains."""
    from rich.console import Console
    from rich.markup import escape

    from keras_metahpo.rankers import Preset

    console = Console()
    preset = None if options.no_training else Preset(options.preset)
    if options.output.exists() and not options.output.is_dir():
        raise TrialLogError(f"--output must be a folder. Received: the file {options.output}.")
    skipped: Counter[str] = Counter()
    logs: list[TrialLog] = []
    space = None if options.space is None else _read_space(options.space)
    for source in _distinct(options.sources):

        def on_skipped(where: str, reason: str, source: str = source) -> None:
            text = escape(f"{where}: {reason}")
            console.print(f"[yellow]skipping[/] {text}", soft_wrap=True)
            skipped[source] += 1

        logs += read_logs(source, options.objective, options.direction, space, on_skipped)
    logs = _with_dataset(_with_unique_names(logs), options.dataset)
    learnable = [] if preset is None else _learnable(console, logs)
    for log in logs:
        log.write(str(options.output / LOGS / _folder(log.card.name)))
    _print_logs(console, logs, skipped.total())
    console.print(f"Wrote {options.output / LOGS}", soft_wrap=True)
    if preset is not None:
        _fine_tune(console, preset, learnable, options)


def _learnable(console, logs: Sequence[TrialLog]) -> list[TrialLog]:
    from keras_metahpo.meta_training.own_searches import MIN_TRIALS, is_learnable

    learnable = [log for log in logs if is_learnable(log)]
    few = [log.card.name for log in logs if log not in learnable]
    if not learnable:
        raise TrialLogError(
            f"Expected a search with {MIN_TRIALS} completed trials that differ. Received: {few}, "
            "which have fewer. Give more searches, or --no-training."
        )
    if few:
        console.print(f"Not trained on, with fewer than {MIN_TRIALS} trials that differ: {few}")
    return learnable


def _fine_tune(console, preset, logs: Sequence[TrialLog], options: argparse.Namespace) -> None:
    from rich.progress import TaskID

    from keras_metahpo.meta_training.fine_tuning import FINE_TUNING
    from keras_metahpo.meta_training.own_searches import fine_tune_preset
    from keras_metahpo.progress import progress_bars

    given = {"steps": "num_steps", "synthetic": "num_synthetic_tasks", "seed": "seed"}
    config = replace(FINE_TUNING, **{given[k]: v for k, v in vars(options).items() if k in given})
    with progress_bars(console) as progress:
        bars: dict[str, TaskID] = {}

        def on_step(done: int, total: int, stage: str) -> None:
            if stage not in bars:
                bars[stage] = progress.add_task(stage, total=total)
            progress.update(bars[stage], completed=done)

        directory = options.output / PRESET
        result = fine_tune_preset(preset, logs, directory, config, on_step)
    _print_result(console, result)
    use = f"MetaTuner(..., ranker={str(directory)!r}) uses it"
    console.print(f"Wrote {directory}: {use}", soft_wrap=True)


def _print_logs(console, logs: Sequence[TrialLog], num_skipped: int) -> None:
    from rich.table import Table

    table = Table("search", "from", "objective", "hyperparameters", "trials", "failed")
    for log in logs:
        failed = log.history().failed
        objective = f"{log.card.direction} {log.card.objective}"
        names = ", ".join(log.space.names)
        counts = (str(len(failed)), str(int(failed.sum())))
        table.add_row(log.card.name, log.card.source, objective, names, *counts)
    console.print(table)
    total = sum(len(log.trials) for log in logs)
    console.print(f"Searches: {len(logs)}, trials: {total}, skipped: {num_skipped}")


def _print_result(console, result) -> None:
    from rich.table import Table

    if result.before:
        table = Table("zero-shot rank correlation, held out", "before", "after")
        for name, before in result.before.items():
            table.add_row(name, f"{before:.2f}", f"{result.after[name]:.2f}")
        console.print(table)
        if result.best_step == 0 or result.part == 0.0:
            console.print("Fine-tuning gains nothing on held-out searches: the weights stay.")
    else:
        console.print(
            "What fine-tuning gains cannot be told: that takes two searches, one of them unknown "
            "to the preset."
        )
    console.print(
        f"On synthetic tasks: {result.synthetic_before:.2f} before, "
        f"{result.synthetic_after:.2f} after"
    )


def _distinct(sources: Sequence[str]) -> list[str]:
    """The sources without those that are the same file or folder."""
    return list({s if "://" in s else os.path.realpath(s): s for s in sources}.values())


def _read_space(path: Path) -> SearchSpace:
    try:
        return SearchSpace.from_config(json.loads(path.read_text()))
    except (OSError, SearchSpaceError, ValueError) as error:
        raise TrialLogError(f"--space {path} cannot be read: {error}") from error


def _with_unique_names(logs: Sequence[TrialLog]) -> list[TrialLog]:
    """Logs whose folders differ; later ones of a name are numbered."""
    from keras_metahpo.meta_training.trainer import NOT_FAMILIES

    # Reports of training tell searches apart by their names.
    taken = set(NOT_FAMILIES)
    renamed = []
    for log in logs:
        name, number = log.card.name, 1
        while _folder(name) in taken:
            number += 1
            name = f"{log.card.name}_{number}"
        taken.add(_folder(name))
        renamed.append(_with_card(log, name=name))
    return renamed


def _with_dataset(logs: Sequence[TrialLog], dataset: str | None) -> list[TrialLog]:
    """Logs whose cards name the data set, where they do not yet."""
    features = {} if dataset is None else {"dataset": dataset}
    return [_with_card(log, features={**features, **log.card.features}) for log in logs]


def _with_card(log: TrialLog, **changes) -> TrialLog:
    return TrialLog(replace(log.card, **changes), log.space, log.table, log.path)


def _folder(name: str) -> str:
    """A name of one folder, on any file system."""
    return re.sub(r"[^\w.-]+", "-", name).strip(".-") or "search"
