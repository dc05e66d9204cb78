"""Seconds to a good model, really trained: freezing and thawing against KerasTuner's tuners.

    python benchmarks/wall_clock.py --seeds 5

Each tuner searches each task with each seed, 30 trials of the task's epochs (Hyperband: its one
bracket round). The mark is the best final result of KerasTuner's own tuners, in the median over
seeds; what counts is the wall clock until a search reaches it, suggestions and checkpoints
included. The tasks are in no ranker's training data. Each search has a process of its own, as a
user's has: TensorFlow keeps objects of every model it has trained, and KerasTuner collects garbage
before each trial, so that in one process the later searches pay for the earlier ones. Finished
searches are kept in the output file, so that a stopped run goes on. Run nothing beside it.
"""

import argparse
import json
import multiprocessing
import platform
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import keras
import keras_tuner
import numpy as np
from matplotlib.figure import Figure
from rich.console import Console
from rich.table import Table

from keras_metahpo import MetaTuner
from keras_metahpo._kerastuner import spread_seed
from keras_metahpo._kerastuner.frozen_training import FrozenTraining
from keras_metahpo.benchmark.blackboxes.live import device_name
from keras_metahpo.progress import progress_bars
from keras_metahpo.tasks import get_task

NUM_TRIALS = 30
OURS = "MetaTuner, frozen and thawed"
BUILT_IN = ("RandomSearch", "BayesianOptimization", "Hyperband")
CONTESTANTS = (OURS, *BUILT_IN, "MetaTuner")
COLOURS = dict(
    zip(CONTESTANTS, ("#1f6f8b", "#8a8a8a", "#e0a458", "#b5533c", "#7fb3c8"), strict=True)
)
TASKS = (
    "image_dense/digits",
    "image_convnet/digits",
    "text_bag/clinc_intents",
    "text_ngram/clinc_domains",
    "fewshot/matching_clinc150",
    "fewshot/prototypical_clinc150",
)
TARGET = 3.0
PANELS_A_ROW = 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", nargs="+", default=list(TASKS), help="names in the library")
    parser.add_argument("--seeds", type=int, default=5)
    default = [OURS, *BUILT_IN]
    parser.add_argument("--contestants", nargs="+", choices=CONTESTANTS, default=default)
    parser.add_argument(
        "--output", type=Path, default=Path("benchmarks/results/wall_clock_live.json")
    )
    options = parser.parse_args()
    results = json.loads(options.output.read_text()) if options.output.exists() else {}
    searches = results.setdefault("searches", {})
    # Seeds outermost: a run that is stopped has compared all tuners on all tasks.
    cells = [
        (task, name, seed)
        for seed in range(options.seeds)
        for task in options.tasks
        for name in options.contestants
    ]
    missing = [cell for cell in cells if key(*cell) not in searches]
    spawned = multiprocessing.get_context("spawn")
    with (
        ProcessPoolExecutor(1, mp_context=spawned, max_tasks_per_child=1) as fresh_process,
        progress_bars(Console()) as progress,
    ):
        bar = progress.add_task("searching", total=len(missing))
        for cell in missing:
            searches[key(*cell)] = fresh_process.submit(search, *cell).result()
            save(results, options.output)
            progress.advance(bar)
    results["machine"] = {"device": device_name(), "processor": platform.machine()}
    results["tasks"] = summarise(searches)
    save(results, options.output)
    draw(results, options.output.with_suffix(".png"))
    report(results["tasks"])


def key(task: str, name: str, seed: int) -> str:
    return f"{task}|{name}|{seed}"


def search(task_name: str, name: str, seed: int) -> dict[str, Any]:
    """One search: seconds and incumbents whenever a training ended, and where the time went."""
    task = get_task(task_name)
    data = task.data.load()
    keras.utils.set_random_seed(seed + 1)
    seconds: list[float] = []
    values: list[float | None] = []
    with tempfile.TemporaryDirectory() as directory:
        tuner = new_tuner(name, task, seed, directory)
        end_trial = tuner.on_trial_end

        def on_trial_end(trial):
            end_trial(trial)
            score = tuner.oracle.get_trial(trial.trial_id).score
            values.append(None if score is None else round(float(score), 6))
            seconds.append(round(time.perf_counter() - started, 2))

        tuner.on_trial_end = on_trial_end
        suggesting = timed(tuner.oracle, "create_trial")
        saving = timed(FrozenTraining, "save")
        loading = timed(FrozenTraining, "load")
        told = {} if name == OURS else {"epochs": task.max_fidelity}
        started = time.perf_counter()
        tuner.search(*data.train, validation_data=data.validation, verbose=0, **told)
        total = time.perf_counter() - started
        for undo in (saving, loading):
            undo.restore()
    return {
        "seconds": seconds,
        "values": values,
        "total_s": total,
        "suggesting_s": suggesting.seconds,
        "checkpoints_s": saving.seconds + loading.seconds,
        "direction": task.direction,
    }


def new_tuner(name: str, task, seed: int, directory: str):
    common = {
        "hypermodel": task.hypermodel(),
        "objective": keras_tuner.Objective(task.objective, task.direction),
        "seed": spread_seed(seed),
        "directory": directory,
        "max_consecutive_failed_trials": 10 * NUM_TRIALS,
    }
    if name == "Hyperband":
        return keras_tuner.Hyperband(max_epochs=task.max_fidelity, **common)
    kind = MetaTuner if name in (OURS, "MetaTuner") else getattr(keras_tuner, name)
    if name == OURS:
        common["max_epochs"] = task.max_fidelity
    return kind(max_trials=NUM_TRIALS, **common)


class timed:
    """Counts the seconds of a method, until `restore`."""

    def __init__(self, owner, name: str):
        self.owner, self.name, self.seconds = owner, name, 0.0
        self.method: Callable = getattr(owner, name)
        method = self.method

        def wrapper(*args, **kwargs):
            began = time.perf_counter()
            try:
                return method(*args, **kwargs)
            finally:
                self.seconds += time.perf_counter() - began

        setattr(owner, name, wrapper)

    def restore(self) -> None:
        setattr(self.owner, self.name, self.method)


def incumbents(found: dict) -> np.ndarray:
    """The best value after each training, higher is better."""
    sign = 1.0 if found["direction"] == "max" else -1.0
    return np.fmax.accumulate(sign * np.array(found["values"], dtype=float))


def summarise(searches: dict) -> dict[str, dict]:
    """By task: the mark, and each tuner's seconds to it (`None`: not reached)."""
    by_task: dict[str, dict[str, list[dict]]] = {}
    for name, found in searches.items():
        task, tuner, _ = name.split("|")
        by_task.setdefault(task, {}).setdefault(tuner, []).append(found)
    summary = {}
    for task, tuners in by_task.items():
        finals = {
            tuner: float(np.median([incumbents(found)[-1] for found in tuners[tuner]]))
            for tuner in BUILT_IN
            if tuner in tuners
        }
        best = max(finals, key=lambda tuner: finals[tuner])
        mark = finals[best]
        table = {tuner: row(found, mark) for tuner, found in tuners.items()}
        baseline = table[best]["seconds_to_mark"]
        for numbers in table.values():
            reached = numbers["seconds_to_mark"]
            numbers["speed_up"] = None if reached is None else round(baseline / reached, 2)
        summary[task] = {"best_built_in": best, "mark": mark, "tuners": table}
    return summary


def row(searches: list[dict], mark: float) -> dict[str, Any]:
    """Medians over seeds; of two middle ones the earlier: the mark's own tuner gets there."""
    times = []
    for found in searches:
        reached = np.flatnonzero(incumbents(found) >= mark - 1e-9)
        times.append(found["seconds"][reached[0]] if len(reached) else np.inf)
    median = float(np.quantile(times, 0.5, method="lower"))
    overhead = [(f["suggesting_s"] + f["checkpoints_s"]) / f["total_s"] for f in searches]
    return {
        "searches": len(searches),
        "seconds_to_mark": round(median, 2) if np.isfinite(median) else None,
        "reached": int(np.isfinite(times).sum()),
        "final": round(float(np.median([incumbents(f)[-1] for f in searches])), 4),
        "total_s": round(float(np.median([f["total_s"] for f in searches])), 1),
        "overhead": round(float(np.median(overhead)), 3),
    }


def draw(results: dict, path: Path) -> None:
    """The median incumbent of each tuner against wall clock, a panel a task."""
    tasks = results["tasks"]
    columns = min(len(tasks), PANELS_A_ROW)
    rows = -(-len(tasks) // columns)
    figure = Figure(figsize=(4.2 * columns, 3.2 * rows), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in panels[len(tasks) :]:
        axes.remove()
    for axes, (task, facts) in zip(panels, tasks.items(), strict=False):
        searches = {k: v for k, v in results["searches"].items() if k.startswith(f"{task}|")}
        last = max(found["seconds"][-1] for found in searches.values())
        grid = np.geomspace(1.0, last, 200)
        for tuner, colour in COLOURS.items():
            found = [v for k, v in searches.items() if k.split("|")[1] == tuner]
            if found:
                lines = [at(f, grid) for f in found]
                axes.plot(grid, np.median(lines, axis=0), color=colour, label=tuner, linewidth=2)
        axes.axhline(facts["mark"], color="black", linewidth=0.8, linestyle=":")
        axes.set(xscale="log", xlabel="seconds", title=task)
        axes.spines[["top", "right"]].set_visible(False)
    figure.supylabel("best validation accuracy so far", fontsize=10)
    handles = {line.get_label(): line for axes in figure.axes for line in axes.get_lines()}
    known = [name for name in COLOURS if name in handles]
    figure.legend(
        [handles[name] for name in known],
        known,
        loc="outside lower center",
        ncols=len(known),
        frameon=False,
    )
    figure.savefig(path, dpi=150)


def at(found: dict, grid: np.ndarray) -> np.ndarray:
    """The incumbent at each second; NaN before the first training has ended."""
    values = np.append(incumbents(found), np.nan)
    return values[np.searchsorted(found["seconds"], grid, side="right") - 1]


def report(tasks: dict) -> None:
    for task, facts in tasks.items():
        table = Table(
            title=f"{task}: seconds to {facts['mark']:.4f}, {facts['best_built_in']}'s final median"
        )
        columns = (
            "seconds_to_mark",
            "speed_up",
            "reached",
            "searches",
            "final",
            "total_s",
            "overhead",
        )
        for column in ("tuner", *columns):
            table.add_column(column.replace("_", " "))
        for tuner, numbers in facts["tuners"].items():
            table.add_row(tuner, *("-" if numbers[c] is None else f"{numbers[c]}" for c in columns))
        Console(width=130).print(table)
    ups = [facts["tuners"].get(OURS, {}).get("speed_up") or 0.0 for facts in tasks.values()]
    verdict = "met" if np.median(ups) >= TARGET else "MISSED"
    print(f"Target {verdict}: {TARGET:g} times sooner in the median of tasks; {np.median(ups):.2f}")


def save(results: dict, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # A search a line.
    lines = [f"  {json.dumps(name)}: {json.dumps(s)}" for name, s in results["searches"].items()]
    parts = [' "searches": {\n' + ",\n".join(lines) + "\n }"]
    parts += [
        f" {json.dumps(name)}: {json.dumps(value, indent=1)}"
        for name, value in results.items()
        if name != "searches"
    ]
    path.write_text("{\n" + ",\n".join(parts) + "\n}\n")


if __name__ == "__main__":
    main()
