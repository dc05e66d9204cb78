"""How fast trials are collected beside KerasTuner, and whether memory grows.

    python benchmarks/collecting.py --output benchmarks/results/collecting.json
    python benchmarks/collecting.py --memory-trials 1000 --output benchmarks/results/collecting.json

Each hypermodel of the library is trained on one of its tasks, the same configurations for the same
epochs: by `keras_tuner.Tuner` and `fit` in one process with all threads, as a user would, and by
`metahpo collect` on as many workers as there are cores. Both have started before the clock does.
What is measured later replaces what is in the file; the rest stays.
"""

import argparse
import json
import os
import platform
import resource
import tempfile
import time
from pathlib import Path

import keras
import keras_tuner
from rich.console import Console
from rich.table import Table

from keras_metahpo.collector.collection import collect
from keras_metahpo.collector.config import PlanConfig
from keras_metahpo.collector.plan import is_repeat
from keras_metahpo.collector.task_collection import TaskCollection
from keras_metahpo.collector.training import Trainer
from keras_metahpo.history import TrialLog
from keras_metahpo.tasks import get_suite, get_task

SUITES = ("image-small", "text-small", "fewshot-small")
MEMORY_TASK = "image_dense/digits"
MEMORY_EVERY = 50


class Replay(keras_tuner.Oracle):
    """Hands out given configurations, at the cost of random search."""

    def __init__(self, configurations, **kwargs):
        super().__init__(max_trials=len(configurations), **kwargs)
        self.configurations = configurations

    def populate_space(self, trial_id):
        return {"status": "RUNNING", "values": self.configurations[int(trial_id)]}


def main() -> None:
    options = parse_options()
    console = Console()
    results = json.loads(options.output.read_text()) if options.output.exists() else {}
    results["machine"] = machine()
    if options.memory_trials:
        results["memory"] = memory(options.memory_trials, console)
    else:
        families = results.setdefault("families", {})
        for task in options.tasks or one_task_of_each_hypermodel():
            families[task] = compare(task, options.configurations, console)
            write(options.output, results)
        report(families, console)
    write(options.output, results)


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--tasks", nargs="+", metavar="TASK", help="one of each hypermodel if none")
    add("--configurations", type=int, default=10, help="of each task")
    add("--memory-trials", type=int, help="trains so many trials in one process instead")
    add("--output", type=Path, required=True, help="file of the results, extended if it is there")
    return parser.parse_args()


def one_task_of_each_hypermodel() -> list[str]:
    first: dict[str, str] = {}
    for suite in SUITES:
        for name in get_suite(suite).task_names:
            first.setdefault("/".join(get_task(name).tags[:2]), name)
    return list(first.values())


def compare(task_name: str, num_configurations: int, console: Console) -> dict:
    """Seconds a trial of both, on the same configurations."""
    workers = os.cpu_count() or 1
    config = PlanConfig(num_configurations, proposed_share=0.0, num_seeds=1)
    with tempfile.TemporaryDirectory() as output:
        # The first configuration starts the workers and writes the plan.
        warm_up = PlanConfig(1, proposed_share=0.0, num_seeds=1)
        list(collect([task_name], output, warm_up, workers))
        started = time.perf_counter()
        num_trials = sum(r.num_trained for r in collect([task_name], output, config, workers))
        collected_s = (time.perf_counter() - started) / num_trials
        log = TrialLog.open(TaskCollection(output, task_name, config).log_path)
    configurations = [dict(t.configuration) for t in log.trials if not is_repeat(t.trial_id)][1:]
    tuner_s = keras_tuner_seconds(task_name, configurations) / len(configurations)
    result = {
        "trials": num_trials,
        "keras_tuner_s": round(tuner_s, 2),
        "collect_s": round(collected_s, 2),
        "ratio": round(tuner_s / collected_s, 2),
        "trained_by": log.card.provenance["trained_by"],
    }
    console.print(f"{task_name}: {result}")
    return result


def keras_tuner_seconds(task_name: str, configurations: list[dict]) -> float:
    task = get_task(task_name)
    data = task.data.load()
    with tempfile.TemporaryDirectory() as directory:
        oracle = Replay(
            configurations,
            objective=keras_tuner.Objective(task.objective, task.direction),
            hyperparameters=task.hyperparameters(),
        )
        tuner = keras_tuner.Tuner(
            oracle, task.hypermodel(), directory=directory, project_name="search"
        )
        started = time.perf_counter()
        tuner.search(
            *data.train, validation_data=data.validation, epochs=task.max_fidelity, verbose=0
        )
        return time.perf_counter() - started


def memory(num_trials: int, console: Console) -> dict:
    """Resident memory of one process over many trials of changing structures."""
    task = get_task(MEMORY_TASK)
    config = PlanConfig(num_trials, proposed_share=0.0, num_seeds=1)
    with tempfile.TemporaryDirectory() as output:
        groups = TaskCollection(output, MEMORY_TASK, config).plan.space_filling()
    trainer, space = Trainer(), task.search_space()
    resident: dict[int, float] = {}
    done = 0
    for group in groups:
        for trial in group.trials:
            trainer.train(task, space, trial.configuration, trial.seed)
            done += 1
            if done % MEMORY_EVERY == 0:
                resident[done] = round(resident_mb())
                console.print(f"{done} trials: {resident[done]} MB")
        trainer.clear()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
    return {"task": MEMORY_TASK, "resident_mb": resident, "peak_mb": round(peak)}


def resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def report(families: dict, console: Console) -> None:
    table = Table(title="seconds a trial")
    for column in ("task", "KerasTuner + fit", "metahpo collect", "ratio"):
        table.add_column(column)
    for task, row in families.items():
        table.add_row(task, *(str(row[k]) for k in ("keras_tuner_s", "collect_s", "ratio")))
    slow, fast = (sum(row[k] for row in families.values()) for k in ("keras_tuner_s", "collect_s"))
    table.add_row("one trial of each", f"{slow:.1f}", f"{fast:.1f}", f"{slow / fast:.2f}")
    console.print(table)


def machine() -> dict:
    return {
        "processor": platform.machine(),
        "cores": os.cpu_count(),
        "backend": keras.backend.backend(),
        "keras": keras.__version__,
        "keras_tuner": keras_tuner.__version__,
        "python": platform.python_version(),
    }


def write(output: Path, results: dict) -> None:
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
