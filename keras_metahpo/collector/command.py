"""The command `metahpo collect`."""

import argparse
import contextlib
import os
from collections import Counter

from keras_metahpo.collector.config import PlanConfig
from keras_metahpo.errors import CollectionError

BACKENDS = ("loky", "ray")


def add_arguments(command: argparse.ArgumentParser, positive) -> None:
    """Adds the arguments of `collect`.

    Args:
        command: The parser.
        positive: Type of positive integers.
    """
    defaults = PlanConfig()
    add = command.add_argument
    add("--suite", nargs="+", default=[], metavar="SUITE", help="all tasks of these suites")
    add("--tasks", nargs="+", default=[], metavar="TASK", help="names, FILE.py or FILE.py:NAME")
    add("--output", required=True, help="folder of the trial logs; any URL that fsspec opens")
    add("--configurations", type=positive, default=defaults.num_configurations, help="a task")
    add("--seeds", type=positive, default=defaults.num_seeds, help="of every tenth configuration")
    add("--seed", type=int, default=defaults.seed, help="of configurations and training")
    add("--workers", type=positive, help="processes of one thread each; one a core, one for a GPU")
    add(
        "--population",
        type=positive,
        default=defaults.group_size,
        help="configurations of one structure: one graph serves them, and JAX trains them at once",
    )
    add("--backend", choices=BACKENDS, default="loky", help="ray: on the cluster of RAY_ADDRESS")


def run(options: argparse.Namespace) -> None:
    """Collects, with a bar, and says what failed and what had to be trained by `fit`."""
    from rich.console import Console

    from keras_metahpo.collector.collection import collect, num_missing
    from keras_metahpo.progress import progress_bars
    from keras_metahpo.tasks import get_suite

    console = Console()
    names = [name for suite in options.suite for name in get_suite(suite).task_names]
    names = list(dict.fromkeys(names + options.tasks))
    if not names:
        raise CollectionError("Expected tasks to collect. Received none: give --suite or --tasks.")
    config = PlanConfig(
        options.configurations,
        group_size=options.population,
        num_seeds=options.seeds,
        seed=options.seed,
    )
    num_workers = options.workers or _default_workers()
    failures: Counter[str] = Counter()
    trained_by: Counter[str] = Counter()
    with progress_bars(console) as progress, _backend(options.backend, num_workers):
        missing = num_missing(names, options.output, config)
        bar = progress.add_task("collecting", total=missing)
        for report in collect(names, options.output, config, num_workers):
            failures.update(report.failures)
            trained_by.update(report.trained_by)
            progress.update(bar, advance=report.num_trained, description=report.task)
        progress.update(bar, total=trained_by.total(), completed=trained_by.total())
    for what, count in trained_by.most_common():
        console.print(f"{count} trials trained by {what}")
    for reason, count in failures.most_common(10):
        console.print(f"{count} failed: {reason}")


def _default_workers() -> int:
    """One a core; on a GPU a single one, since JAX takes most of its memory."""
    import keras

    if keras.backend.backend() == "jax":
        import jax

        if jax.default_backend() != "cpu":
            return 1
    return os.cpu_count() or 1


@contextlib.contextmanager
def _backend(name: str, num_workers: int):
    import joblib

    if name == "ray":
        try:
            from ray.util.joblib import register_ray
        except ImportError as error:
            raise CollectionError("--backend ray needs Ray: pip install ray") from error
        register_ray()
    with joblib.parallel_config(name, n_jobs=num_workers):
        yield
