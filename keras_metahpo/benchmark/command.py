"""The commands `metahpo bench run`, `report` and `policies`."""

import argparse
import os
from pathlib import Path

LIVE_SUITE, LOGS_SUITE = "live", "logs"


def add_commands(commands, add_command) -> None:
    """Adds them to the subcommands of `bench`.

    Args:
        commands: Of argparse.
        add_command: `add_command(commands, name, function, help_text, example)`.
    """
    run = add_command(
        commands,
        "run",
        _run,
        "Run a study: policies x tasks x seeds. What was stopped goes on where it was.",
        "metahpo bench run --log my_logs/* --policies MetaOracle,RandomSearch --trials 20 "
        "--output results",
    )
    run.add_argument("study", nargs="?", help="study file; or give --log or --task")
    run.add_argument(
        "--log", nargs="+", default=[], metavar="DIR", help="trial logs, or folders of them"
    )
    run.add_argument("--task", nargs="+", default=[], metavar="TASK", help="tasks to train live")
    run.add_argument("--policies", help="names, separated by commas; FILE.py:NAME for your own")
    run.add_argument("--trials", type=int, help="of each search")
    run.add_argument("--seeds", type=int, help="searches of each policy on each task")
    run.add_argument("--data", help="folder below which the paths of a study file lie")
    run.add_argument("--output", type=Path, required=True, help="folder of the results")
    run.add_argument("--workers", type=int, default=os.cpu_count(), help="processes")
    run.add_argument("--retry-failed", action="store_true", help="run failed searches again")
    report = add_command(
        commands,
        "report",
        _report,
        "Write report.html, summary.json and figures/ into a study's output.",
        "metahpo bench report results",
    )
    report.add_argument("directory", type=Path, help="output of `metahpo bench run`")
    add_command(
        commands, "policies", _policies, "List the built-in policies.", "metahpo bench policies"
    )


def _run(options: argparse.Namespace) -> None:
    from rich.console import Console

    from keras_metahpo.benchmark.report import write_report
    from keras_metahpo.benchmark.runner import run_study
    from keras_metahpo.progress import progress_bars

    console = Console()
    study = _study(console, options)
    with progress_bars(console) as progress:
        bar = progress.add_task("searching", total=None)
        run_study(
            study,
            options.output,
            options.data,
            options.workers,
            options.retry_failed,
            lambda done, total, label: progress.update(
                bar, completed=done, total=total, description=label or "searching"
            ),
        )
    console.print(f"Wrote {write_report(options.output)}")


def _study(console, options: argparse.Namespace):
    from dataclasses import replace

    from keras_metahpo.benchmark.contestants import RANDOM
    from keras_metahpo.benchmark.study import Study, SuiteSpec, read_study
    from keras_metahpo.errors import BenchmarkError
    from keras_metahpo.log_arguments import open_logs

    given = {name: getattr(options, name) for name in ("trials", "seeds")}
    given = {name: value for name, value in given.items() if value is not None}
    if options.policies:
        names = [name.strip() for name in options.policies.split(",")]
        given["policies"] = tuple(name for name in names if name)
    if options.study and not (options.log or options.task):
        return replace(read_study(options.study), **given)
    if options.study or not (options.log or options.task):
        raise BenchmarkError(
            "Expected a study file, or --log or --task. "
            f"Received: study={options.study!r}, log={options.log}, task={options.task}."
        )
    logs = open_logs(console, options.log)
    suites = [SuiteSpec("tabular", os.path.abspath(log.path), LOGS_SUITE) for log in logs]
    suites += [_live_suite(task) for task in options.task]
    policies = {"policies": ("MetaOracle", RANDOM)}
    return Study(name=options.output.name, suites=tuple(suites), **(policies | given))


def _live_suite(task: str):
    """A task of the library, or `FILE.py` or `FILE.py:name`."""
    from keras_metahpo.benchmark.study import SuiteSpec

    if ".py" not in task:
        return SuiteSpec("live", name=LIVE_SUITE, options={"tasks": [task]})
    path, _, name = task.partition(":") if ".py:" in task else (task, "", "")
    options = {"tasks": [name]} if name else {}
    return SuiteSpec("live", os.path.abspath(path), LIVE_SUITE, options)


def _report(options: argparse.Namespace) -> None:
    from keras_metahpo.benchmark.report import write_report

    print(f"Wrote {write_report(options.directory)}")


def _policies(options: argparse.Namespace) -> None:
    from keras_metahpo.benchmark.contestants import list_contestants

    print("\n".join(list_contestants()))
