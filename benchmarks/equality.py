"""Is a collected curve that of plain `fit`? Every task of the library, on its real data.

    python benchmarks/equality.py --output benchmarks/results/equality.json

Of each task, two configurations of one structure are collected in a row; the second, which reuses
what was compiled for the first, is trained again with `fit` from the same initial weights and on
the same batches. Differences are relative where a metric is above 1. Where they are larger than the
tolerance, `fit` is run once more from initial weights of which the last bit is changed: what that
changes is the difference that rounding alone makes. Tasks that are in the output already are not
trained again.
"""

import argparse
import json
import math
import tempfile
from pathlib import Path

import keras
from rich.console import Console

from keras_metahpo.atomic import write_text
from keras_metahpo.collector.config import PlanConfig
from keras_metahpo.collector.task_collection import TaskCollection
from keras_metahpo.collector.training import Trainer
from keras_metahpo.progress import progress_bars
from keras_metahpo.tasks import get_suite, list_suites
from keras_metahpo.tasks.training import Measurements
from keras_metahpo.testing.plain_fit import TOLERANCE, fit_on_the_same_batches, largest_difference

TOGETHER = 2
LAST_BIT = 2.0**-23


def main() -> None:
    options = parse_options()
    console = Console()
    results = json.loads(options.output.read_text()) if options.output.exists() else {}
    in_suites = [t for suite in list_suites() for t in get_suite(suite).task_names]
    named = dict.fromkeys(options.tasks or in_suites)
    names = [name for name in named if name not in results]
    with progress_bars(console) as progress:
        for name in progress.track(names, description="tasks"):
            results[name] = compare(name)
            console.print(f"{name}: {results[name]}")
            write_text(options.output, json.dumps(results, indent=1) + "\n")
    differences = [row["largest_difference"] for row in results.values()]
    equal = sum(difference <= TOLERANCE for difference in differences)
    exactly = sum(difference == 0.0 for difference in differences)
    console.print(
        f"{len(differences)} tasks: {equal} within {TOLERANCE:g}, {exactly} equal bit by bit, "
        f"largest difference {max(differences):.2g}"
    )
    for name, row in results.items():
        if row["largest_difference"] > TOLERANCE:
            console.print(
                f"{name}: {row['largest_difference']:.2g}, in the first epoch "
                f"{row['in_first_epoch']:.2g}; rounding makes {row['of_rounding']:.2g}, in the "
                f"first epoch {row['of_rounding_in_first_epoch']:.2g}"
            )


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tasks", nargs="+", metavar="TASK", help="those of all suites if none")
    parser.add_argument("--output", type=Path, required=True, help="file of the results")
    return parser.parse_args()


def compare(name: str) -> dict:
    """The largest difference of any metric in any epoch, and what trained the collected curve."""
    with tempfile.TemporaryDirectory() as output:
        collection = TaskCollection(output, name, PlanConfig(10, TOGETHER, proposed_share=0.0))
        trials = collection.plan.space_filling()[1].trials[:TOGETHER]
    task, space = collection.task, collection.space
    pairs = [(trial.configuration, trial.seed) for trial in trials]
    trained, trained_by = Trainer().train_together(task, space, pairs)[-1]
    curve = [
        {k: v for k, v in epoch.items() if k not in ("elapsed_s", "num_parameters")}
        for epoch in trained.measurements
    ]
    expected = fit_on_the_same_batches(task, *pairs[-1])
    found = difference(curve, expected)
    rounding = {}
    if found > TOLERANCE:
        nudged = fit_on_the_same_batches(task, *pairs[-1], nudge=LAST_BIT)
        rounding = {
            "in_first_epoch": difference(curve[:1], expected[:1]),
            "of_rounding": difference(nudged, expected),
            "of_rounding_in_first_epoch": difference(nudged[:1], expected[:1]),
        }
    return {
        "largest_difference": found,
        **rounding,
        "epochs": len(curve),
        "message": trained.message,
        "trained_by": trained_by,
        "backend": keras.backend.backend(),
    }


def difference(curve: Measurements, expected: Measurements) -> float:
    """The largest difference; where training diverges, `fit` has to diverge in the same epoch."""
    if curve and diverged(curve[-1]):
        expected = expected[: len(curve)]  # `fit` goes on after it.
        if expected and diverged(expected[-1]):
            curve, expected = curve[:-1], expected[:-1]
    if not curve and not expected:
        return 0.0
    return largest_difference(curve, expected, is_relative=True)


def diverged(epoch: dict[str, float]) -> bool:
    return not math.isfinite(epoch["loss"])


if __name__ == "__main__":
    main()
