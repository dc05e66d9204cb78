"""The commands `metahpo train` and `metahpo presets describe`."""

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

from keras_metahpo.errors import TrialLogError
from keras_metahpo.history import TrialLog


def add_arguments(command: argparse.ArgumentParser, positive) -> None:
    """Adds the arguments of `train`.

    Args:
        command: The parser.
        positive: Type of positive integers.
    """
    add = command.add_argument
    add("--logs", nargs="*", default=[], metavar="LOG", help="trial logs, or folders of them")
    add("--held-out", nargs="*", default=[], metavar="FAMILY", help="only for early stopping")
    help_text = "of the logs only the meta-train parts of these suites"
    add("--suite", nargs="*", default=[], help=help_text)
    add("--output", type=Path, required=True, help="folder of the preset and its report")
    add(
        "--kind",
        choices=("in_context", "mlp", "deep_kernel", "ranking_ensemble"),
        default=argparse.SUPPRESS,
        help="what is trained (default: in_context)",
    )
    add("--seed", type=int, default=0, help="seed of everything")
    help_text = "rankers to train, from --seed on, into seed-N inside the output, and to compare"
    add("--seeds", type=positive, help=help_text)
    for name, what in (("steps", "gradient steps"), ("synthetic", "synthetic tasks")):
        help_text = f"number of {what}"
        add(f"--{name}", type=positive, default=argparse.SUPPRESS, help=help_text)


def run(options: argparse.Namespace) -> None:
    """Trains one ranker, or one a seed, with bars, and writes the report."""
    from rich.console import Console

    from keras_metahpo.log_arguments import open_logs
    from keras_metahpo.meta_training.config import TrainingConfig
    from keras_metahpo.training_report.writing import require_extra

    console = Console()
    try:
        require_extra()
        has_extra = True
    except ImportError as error:
        has_extra = False
        console.print(f"There will be no report. {error}", highlight=False)
    logs = open_logs(console, options.logs)
    if options.suite:
        logs = _of_suites(logs, options.suite)
    given = {
        "steps": "num_steps",
        "synthetic": "num_synthetic_tasks",
        "seed": "seed",
        "kind": "kind",
    }
    config = TrainingConfig(**{given[k]: v for k, v in vars(options).items() if k in given})
    directories = [options.output]
    if options.seeds is None:
        _train(console, logs, options.held_out, config, options.output)
    else:
        seeds = range(options.seed, options.seed + options.seeds)
        directories = [options.output / f"seed-{seed}" for seed in seeds]
        for seed, directory in zip(seeds, directories, strict=True):
            of_seed = replace(config, seed=seed)
            if _is_trained(directory, logs, options.held_out, of_seed):
                console.print(f"{directory} is trained already.", highlight=False, soft_wrap=True)
            else:
                _train(console, logs, options.held_out, of_seed, directory)
    if has_extra:
        _report(console, directories, options.output)


def _of_suites(logs: Sequence[TrialLog], suites: Sequence[str]) -> list[TrialLog]:
    """The logs of the suites' meta-train parts."""
    from keras_metahpo.tasks.suites import get_suite

    names = {name for suite in suites for name in get_suite(suite).meta_train}
    chosen = [log for log in logs if log.card.name in names]
    if not chosen:
        raise TrialLogError(
            f"Expected --logs with tasks of the meta-train parts of {', '.join(suites)}. Received: "
            f"{[log.card.name for log in logs]}. Leave --suite out to train on all logs."
        )
    return chosen


def add_preset_commands(commands, add_command) -> None:
    """Adds the subcommands of `presets`.

    Args:
        commands: Of argparse.
        add_command: `add_command(commands, name, function, help_text, example)`.
    """
    describe = add_command(
        commands,
        "describe",
        _describe,
        "Write the page about a preset that `metahpo train` writes, or one that compares several.",
        "metahpo presets describe base my_preset --output description",
    )
    help_text = "names of bundled presets, or folders"
    describe.add_argument("presets", nargs="+", metavar="PRESET", help=help_text)
    describe.add_argument("--output", type=Path, required=True, help="folder of the page")


def _describe(options: argparse.Namespace) -> None:
    from rich.console import Console

    from keras_metahpo.rankers import Preset
    from keras_metahpo.training_report.writing import require_extra

    require_extra()
    for preset in options.presets:
        Preset(preset)  # One that is missing or damaged is named before anything takes time.
    _report(Console(), options.presets, options.output)


def _train(console, logs: Sequence[TrialLog], held_out, config, directory: Path) -> None:
    from rich.progress import TaskID

    from keras_metahpo.meta_training.preset import train_preset
    from keras_metahpo.progress import progress_bars

    with progress_bars(console) as progress:
        bars: dict[str, TaskID] = {}

        def on_step(done: int, total: int, stage: str) -> None:
            if stage not in bars:
                bars[stage] = progress.add_task(stage, total=total)
            progress.update(bars[stage], completed=done)

        card = train_preset(logs, held_out, config, directory, on_step)
    found = card["rank_correlations"]
    console.print(f"Wrote {directory}; zero-shot rank correlations: {found}", soft_wrap=True)


def _is_trained(directory: Path, logs: Sequence[TrialLog], held_out, config) -> bool:
    """Whether the folder holds a whole preset of this very training."""
    from keras_metahpo.meta_training.preset import CHECKPOINT, trained_on_entry
    from keras_metahpo.rankers import Preset
    from keras_metahpo.rankers.presets import CARD

    if not (directory / CARD).exists() or (directory / CHECKPOINT).exists():
        return False
    trained = [trained_on_entry(log) for log in logs if log.card.family not in held_out]
    validation = sorted(log.card.name for log in logs if log.card.family in held_out)
    wanted = (asdict(config), trained, validation)
    card = Preset(directory).card
    found = tuple(card.get(name) for name in ("training", "trained_on", "early_stopping_on"))
    return json.dumps(found) == json.dumps(wanted)


def _report(console, presets: Sequence[str | Path], directory: Path) -> None:
    """Checks presets on synthetic tasks and writes the page about them."""
    from keras_metahpo.progress import progress_bars
    from keras_metahpo.training_report import check_tasks, read_facts, write_report

    tasks = check_tasks()
    labels = [Path(preset).resolve().name for preset in presets]
    if len(set(labels)) < len(labels):
        labels = [str(preset) for preset in presets]
    facts = []
    with progress_bars(console) as progress:
        bar = progress.add_task("checking on synthetic tasks", total=len(tasks) * len(presets))
        for preset, label in zip(presets, labels, strict=True):
            facts.append(read_facts(preset, tasks, label, lambda n: progress.advance(bar, n)))
    with console.status("drawing"):
        page = write_report(facts, directory)
    console.print(f"Wrote {page}", soft_wrap=True)
