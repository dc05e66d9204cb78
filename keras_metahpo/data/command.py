"""The command `metahpo data describe`."""

import argparse
from pathlib import Path


def add_commands(commands, add_command) -> None:
    """Adds it to the subcommands of `data`.

    Args:
        commands: Of argparse.
        add_command: `add_command(commands, name, function, help_text, example)`.
    """
    describe = add_command(
        commands,
        "describe",
        _describe,
        "Say of each trial log how far its configurations spread, what seeds do, which "
        "hyperparameters matter and how early that shows; and what one task tells of another.",
        "metahpo data describe my_logs --output description",
    )
    describe.add_argument("logs", nargs="+", metavar="LOG", help="trial logs, or folders of them")
    describe.add_argument("--output", type=Path, help="folder of a page, pictures and all numbers")


def _describe(options: argparse.Namespace) -> None:
    from rich.console import Console

    from keras_metahpo.data.describing import describe
    from keras_metahpo.data.labels import require_extra
    from keras_metahpo.data.printing import print_description
    from keras_metahpo.data.writing import write_description
    from keras_metahpo.log_arguments import open_logs
    from keras_metahpo.progress import progress_bars

    require_extra()
    console = Console()
    logs = open_logs(console, options.logs)
    with progress_bars(console) as progress:
        bar = progress.add_task("describing", total=None)
        description = describe(
            logs,
            lambda done, total, what: progress.update(
                bar, completed=done, total=total, description=what
            ),
        )
    print_description(console, description)
    if options.output is None:
        console.print("A page with pictures, and all numbers: --output FOLDER.", highlight=False)
    else:
        with console.status("drawing"):
            page = write_description(description, options.output)
        console.print(f"Wrote {page}")
