"""The command line, `metahpo`."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from keras_metahpo.errors import MetaHPOError


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command; returns the exit status."""
    # TensorFlow's start-up messages would break into progress bars.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    options = _parser().parse_args(arguments)
    try:
        options.command(options)
    except (MetaHPOError, ImportError) as error:
        print(f"metahpo: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("metahpo: stopped", file=sys.stderr)
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="metahpo", description="Tune Keras models with prior knowledge."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for add in (
        *(_add_demo, _add_search, _add_tasks, _add_collect, _add_data),
        *(_add_train, _add_learn, _add_presets, _add_bench),
    ):
        add(commands)
    return parser


def _add_command(commands, name: str, function, help_text: str, example: str):
    command = commands.add_parser(
        name,
        help=help_text,
        description=help_text,
        epilog=f"example: {example}",
        formatter_class=_HelpFormatter,
    )
    command.set_defaults(command=function)
    return command


def _add_group(commands, name: str, help_text: str, example: str, add_commands) -> None:
    """Adds a command that has commands of its own."""
    group = commands.add_parser(
        name, help=help_text, description=help_text, epilog=f"example: {example}"
    )
    add_commands(group.add_subparsers(required=True, metavar="COMMAND"), _add_command)


def _add_demo(commands) -> None:
    command = _add_command(
        commands,
        "demo",
        _demo,
        "Search one hypermodel on scikit-learn's digits with MetaTuner, RandomSearch and "
        "BayesianOptimization.",
        "metahpo demo --trials 20 --seed 1 --output demo",
    )
    command.add_argument("--trials", type=_positive, default=5, help="trials of each tuner")
    command.add_argument("--seed", type=int, default=0, help="seed of searches and training")
    command.add_argument(
        "--output", type=Path, default=Path("metahpo-demo"), help="folder of picture and result"
    )


def _demo(options) -> None:
    from rich.console import Console

    from keras_metahpo.demo import TUNERS, compare, print_table, save_picture, save_result
    from keras_metahpo.progress import progress_bars

    console = Console()
    with progress_bars(console) as progress:
        bars = {name: progress.add_task(name, total=options.trials) for name in TUNERS}
        searches = compare(options.trials, options.seed, lambda name: progress.advance(bars[name]))
    print_table(console, searches)
    options.output.mkdir(parents=True, exist_ok=True)
    save_picture(options.output / "demo.png", searches)
    save_result(options.output / "result.json", searches, options.seed)
    console.print(f"Wrote {options.output / 'demo.png'} and {options.output / 'result.json'}")


def _add_search(commands) -> None:
    from keras_metahpo.launching import add_arguments, run

    command = _add_command(
        commands,
        "search",
        run,
        "Run a script that searches with MetaTuner with several trials at once, each in a process "
        "of its own. A worker that dies costs nothing but its time.",
        "metahpo search --workers 2 my_search.py",
    )
    add_arguments(command, _positive)


def _add_tasks(commands) -> None:
    from keras_metahpo.tasks.command import add_commands

    _add_group(
        commands,
        "tasks",
        "Look at the task library, or add to it.",
        "metahpo tasks new my_images/perceptron",
        add_commands,
    )


def _add_collect(commands) -> None:
    from keras_metahpo.collector.command import add_arguments, run

    command = _add_command(
        commands,
        "collect",
        run,
        "Train many configurations of tasks and keep their curves as trial logs. A killed "
        "collection goes on where it stopped; several machines may collect into one folder.",
        "metahpo collect --suite image-small --configurations 200 --output meta_dataset",
    )
    add_arguments(command, _positive)


def _add_data(commands) -> None:
    from keras_metahpo.data.command import add_commands

    _add_group(
        commands,
        "data",
        "Look at trial logs.",
        "metahpo data describe my_logs --output description",
        add_commands,
    )


def _add_train(commands) -> None:
    from keras_metahpo.training_report.command import add_arguments, run

    command = _add_command(
        commands,
        "train",
        run,
        "Train a ranker on trial logs and on synthetic tasks, save it as a preset, and write a "
        "page about it.",
        "metahpo train --logs meta_dataset/* --output my_preset",
    )
    add_arguments(command, _positive)


def _add_presets(commands) -> None:
    from keras_metahpo.training_report.command import add_preset_commands

    _add_group(
        commands,
        "presets",
        "Look at trained rankers.",
        "metahpo presets describe base --output description",
        add_preset_commands,
    )


def _add_learn(commands) -> None:
    from keras_metahpo.meta_training.command import add_arguments, run

    command = _add_command(
        commands,
        "learn",
        run,
        "Import one's own finished searches as trial logs, and fine-tune a preset on them.",
        "metahpo learn my_search other_search study.db --output learnt",
    )
    add_arguments(command, _positive)


def _add_bench(commands) -> None:
    from keras_metahpo.benchmark.command import add_commands

    _add_group(
        commands,
        "bench",
        "Compare tuners on many tasks.",
        "metahpo bench run --task image/mlp_mnist --trials 10 --output results",
        add_commands,
    )


class _HelpFormatter(argparse.ArgumentDefaultsHelpFormatter):
    """Shows the defaults that there are."""

    def _get_help_string(self, action):
        return super()._get_help_string(action) if action.default else action.help


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"must be a positive integer. Received: {text}")
    return number


if __name__ == "__main__":
    sys.exit(main())
