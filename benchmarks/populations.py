"""Trials an hour: populations trained at once against KerasTuner, one trial after the other (JAX).

    KERAS_BACKEND=jax python benchmarks/populations.py --sizes 16 32

Each search has 32 trials of the task's epochs; what counts is its whole wall clock: suggestions,
building, compiling, training and saving. Run nothing beside it.
"""

import argparse
import json
import platform
import tempfile
import time
from pathlib import Path

import keras
import keras_tuner
import numpy as np

from keras_metahpo import MetaTuner
from keras_metahpo.benchmark.blackboxes.live import device_name
from keras_metahpo.tasks import get_task

NUM_TRIALS = 32
BASELINE = "RandomSearch"
TASKS = ("image_dense/digits", "image_convnet/digits", "text_bag/trec")
# On a GPU, and for perceptrons on a CPU.
TARGETS = {"gpu": 10.0, "cpu": 1.0}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", nargs="+", default=list(TASKS), help="names in the library")
    parser.add_argument("--sizes", nargs="+", type=int, default=[16, 32], help="of populations")
    parser.add_argument("--trials", type=int, default=NUM_TRIALS)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, default=Path("benchmarks/results/populations.json"))
    options = parser.parse_args()
    if keras.backend.backend() != "jax":
        parser.error(f"Populations need KERAS_BACKEND=jax. Received: {keras.backend.backend()}.")
    results: dict = {"device": device_name(), "processor": platform.machine(), "tasks": {}}
    for name in options.tasks:
        rows = results["tasks"][name] = {}
        for size in [None, 1, *options.sizes]:
            rows[_label(size)] = search(name, size, options.trials, options.seed)
            print(name, _label(size), rows[_label(size)], flush=True)
        options.output.write_text(json.dumps(results, indent=1) + "\n")
    report(results)


def _label(size: int | None) -> str:
    return BASELINE if size is None else f"MetaTuner(population={size})"


def search(task_name: str, size: int | None, num_trials: int, seed: int) -> dict[str, float]:
    """Trials an hour, and what they found."""
    task = get_task(task_name)
    data = task.data.load()
    keras.utils.set_random_seed(seed)
    with tempfile.TemporaryDirectory() as folder:
        given = {
            "objective": keras_tuner.Objective(task.objective, task.direction),
            "max_trials": num_trials,
            "seed": 1000 * seed + 1,
            "directory": folder,
        }
        tuner = (
            keras_tuner.RandomSearch(task.hypermodel(), **given)
            if size is None
            else MetaTuner(task.hypermodel(), population=size, **given)
        )
        began = time.perf_counter()
        tuner.search(
            *data.train, validation_data=data.validation, epochs=task.max_fidelity, verbose=0
        )
        seconds = time.perf_counter() - began
        scores = [t.score for t in tuner.oracle.trials.values() if t.status == "COMPLETED"]
    best = max(scores) if task.direction == "max" else min(scores)
    return {
        "trials_an_hour": round(3600 * num_trials / seconds),
        "best": round(float(best), 4),
        "median": round(float(np.median(scores)), 4),
    }


def report(results: dict) -> None:
    """Prints how many times as many trials there were."""
    kind = "gpu" if "gpu" in results["device"].lower() else "cpu"
    for name, rows in results["tasks"].items():
        for label, row in rows.items():
            ratio = row["trials_an_hour"] / rows[BASELINE]["trials_an_hour"]
            verdict = ""
            if "population" in label and not label.endswith("=1)"):
                verdict = f" (target {TARGETS[kind]:g}: "
                verdict += "met)" if ratio >= TARGETS[kind] else "MISSED)"
            print(f"{name}, {label}: {ratio:.1f} times the trials of {BASELINE}{verdict}")


if __name__ == "__main__":
    main()
