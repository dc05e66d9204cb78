"""The commands `metahpo tasks list`, `show`, `new`, `check` and `spread`."""

import argparse
import json
from importlib import resources
from pathlib import Path
from string import Template

from keras_metahpo.atomic import write_text
from keras_metahpo.errors import TaskError, unknown


def add_commands(commands, add_command) -> None:
    """Adds them to the subcommands of `tasks`.

    Args:
        commands: Of argparse.
        add_command: `add_command(commands, name, function, help_text, example)`.
    """
    listing = add_command(
        commands, "list", _list, "List the task library.", "metahpo tasks list --suite image-small"
    )
    listing.add_argument("--json", action="store_true", help="for programs")
    listing.add_argument("--family", help="only tasks of this family")
    listing.add_argument("--suite", help="only tasks of this suite; NAME@VERSION, or the latest")
    show = add_command(
        commands,
        "show",
        _show,
        "Show a task's card, search space and suites.",
        "metahpo tasks show image_dense/mnist_250",
    )
    show.add_argument("task", help="name; FILE.py or FILE.py:NAME for your own")
    show.add_argument("--features", action="store_true", help="also facts of its data, loaded")
    new = add_command(
        commands,
        "new",
        _new,
        "Write a task definition to start from; it passes `metahpo tasks check`.",
        "metahpo tasks new my_images/perceptron --output my_tasks",
    )
    new.add_argument("task", help="FILE_STEM/VARIANT, in small letters")
    new.add_argument("--output", type=Path, default=Path("."), help="folder of the file")
    check = add_command(
        commands,
        "check",
        _check,
        "Build each task of a file, train it on fake data, and say what is wrong.",
        "metahpo tasks check my_tasks/my_images.py",
    )
    check.add_argument("files", nargs="+", metavar="FILE", help="files that define `TASKS`")
    spread = add_command(
        commands,
        "spread",
        _spread,
        "Train random configurations and seeds of a task: do its hyperparameters matter?",
        "metahpo tasks spread image_dense/mnist_250 --output spread",
    )
    spread.add_argument("tasks", nargs="*", metavar="TASK", help="names, FILE.py or FILE.py:NAME")
    spread.add_argument("--suite", help="also all tasks of this suite")
    spread.add_argument("--configurations", type=int, default=20, help="random ones of each task")
    spread.add_argument("--seeds", type=int, default=5, help="trainings of the default one")
    spread.add_argument("--seed", type=int, default=0, help="of the configurations")
    spread.add_argument("--output", type=Path, required=True, help="folder of the results")


def _list(options: argparse.Namespace) -> None:
    from rich.console import Console

    from keras_metahpo.tasks.presentation import card_of, print_list
    from keras_metahpo.tasks.registry import get_task, list_tasks
    from keras_metahpo.tasks.suites import get_suite

    suite = get_suite(options.suite) if options.suite else None
    tasks = [get_task(name) for name in (suite.task_names if suite else list_tasks())]
    families = sorted({task.family for task in tasks})
    if options.family and options.family not in families:
        raise TaskError(unknown("family", options.family, families))
    tasks = [task for task in tasks if options.family in (None, task.family)]
    if options.json:
        print(json.dumps([card_of(task) for task in tasks], indent=1))
    else:
        print_list(Console(), tasks, suite)


def _show(options: argparse.Namespace) -> None:
    from rich.console import Console

    from keras_metahpo.tasks.features import task_features
    from keras_metahpo.tasks.presentation import print_features, print_task
    from keras_metahpo.tasks.registry import get_task

    task, console = get_task(options.task), Console()
    print_task(console, task)
    if options.features:
        print_features(console, task_features(task))


def _new(options: argparse.Namespace) -> None:
    from keras_metahpo.tasks.checking import NAME

    if not NAME.fullmatch(options.task):
        raise TaskError(
            "A task is called FILE_STEM/VARIANT, in small letters, digits and underscores. "
            f"Received: {options.task!r}."
        )
    stem, _, variant = options.task.partition("/")
    file = options.output / f"{stem}.py"
    if file.exists():
        raise TaskError(f"{file} exists already. Choose another name or --output.")
    template = Template(resources.files("keras_metahpo.tasks").joinpath("new_task.txt").read_text())
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(template.substitute(stem=stem, variant=variant))
    print(f"Wrote {file}. Change it, then run: metahpo tasks check {file}")


def _check(options: argparse.Namespace) -> None:
    from rich.console import Console

    from keras_metahpo.tasks.checking import Finding, check_file

    console = Console()
    findings: list[Finding] = []
    checked: list[str] = []
    for file in options.files:
        with console.status(f"checking {file}"):
            findings += check_file(file, checked.append)
    for finding in findings:
        console.print(str(finding), markup=False, highlight=False, soft_wrap=True)
    if findings:
        raise TaskError(f"{len(findings)} findings in {len(options.files)} files.")
    console.print(f"{len(checked)} tasks in {len(options.files)} files: no findings.")


def _spread(options: argparse.Namespace) -> None:
    from dataclasses import asdict

    import numpy as np
    from rich.console import Console
    from rich.progress import track

    from keras_metahpo.tasks.presentation import print_spreads
    from keras_metahpo.tasks.registry import get_task
    from keras_metahpo.tasks.spread import Spread, measure_spread
    from keras_metahpo.tasks.suites import get_suite

    console = Console()
    names = [*options.tasks, *(get_suite(options.suite).task_names if options.suite else ())]
    if not names:
        raise TaskError("Name tasks or a --suite whose spread is to be measured. Received: none.")
    tasks, spreads = [get_task(name) for name in names], []
    for task in track(tasks, "training", console=console):
        file = options.output / f"{task.name.replace('/', '-')}.json"
        if file.exists():
            stored = json.loads(file.read_text())
            spreads.append(Spread(**stored))
            continue
        rng = np.random.default_rng(options.seed)
        spreads.append(measure_spread(task, options.configurations, options.seeds, rng))
        write_text(file, json.dumps(asdict(spreads[-1])) + "\n")
    print_spreads(console, spreads)
