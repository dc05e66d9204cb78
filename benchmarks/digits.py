"""Few trials against many: best validation accuracy on held-out digits, over many seeds.

    python benchmarks/digits.py --seeds 10 --workers 2

Ours gets 5 trials, random search 15. The digits are in no ranker's training data. Seeds are
spaced far apart (see `keras_metahpo.demo.searches.SEED_SPACING`). A finished search is kept in the
output file, so that a stopped run goes on.
"""

import argparse
import json
import platform
import statistics
from pathlib import Path

import joblib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from rich.console import Console
from rich.table import Table
from scipy import stats

from keras_metahpo.demo.report import COLOURS
from keras_metahpo.demo.searches import Search, run_search
from keras_metahpo.progress import progress_bars

# Name in the table -> tuner, trials, further arguments.
CONTESTANTS: dict[str, tuple[str, int, dict]] = {
    "MetaTuner": ("MetaTuner", 5, {}),
    "RandomSearch": ("RandomSearch", 15, {}),
    "MetaTuner without a ranker": ("MetaTuner", 5, {"ranker": None}),
    "BayesianOptimization": ("BayesianOptimization", 15, {}),
}
HORIZONS = (1, 3, 5, 10, 15)
TARGET = "mean after 5 trials of MetaTuner above the mean after 15 trials of RandomSearch"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--workers", type=int, default=1, help="above 1, seconds say little")
    parser.add_argument("--output", type=Path, default=Path("benchmarks/results/digits.json"))
    parser.add_argument("--contestants", nargs="+", choices=CONTESTANTS, default=list(CONTESTANTS))
    options = parser.parse_args()
    results = json.loads(options.output.read_text()) if options.output.exists() else {}
    searches = results.setdefault("searches", {})
    cells = [(name, seed) for name in options.contestants for seed in range(options.seeds)]
    missing = [cell for cell in cells if "{}/{}".format(*cell) not in searches]
    parallel = joblib.Parallel(options.workers, return_as="generator_unordered", batch_size=1)
    with progress_bars(Console()) as progress:
        bar = progress.add_task("searching", total=len(missing))
        for name, seed, search in parallel(joblib.delayed(run_cell)(*cell) for cell in missing):
            searches[f"{name}/{seed}"] = {"values": search.values, "seconds": search.seconds}
            save(results, options)
            progress.advance(bar)
    results |= summarise(searches, options.contestants, options.seeds)
    save(results, options)
    draw(searches, options)
    report(results, options.seeds)


def run_cell(name: str, seed: int) -> tuple[str, int, Search]:
    tuner, trials, arguments = CONTESTANTS[name]
    return name, seed, run_search(tuner, trials, seed, **arguments)


def summarise(searches: dict, contestants: list[str], num_seeds: int) -> dict:
    """Means with 95 % bootstrap intervals, and the paired comparison of the target."""
    best = {name: incumbents(searches, name, num_seeds) for name in contestants}
    table = {
        name: {
            f"@{h}": dict(zip(("mean", "low", "high"), mean_and_interval(b[:, h - 1]), strict=True))
            for h in HORIZONS
            if h <= b.shape[1]
        }
        for name, b in best.items()
    }
    difference = best["MetaTuner"][:, 4] - best["RandomSearch"][:, 14]
    test = stats.wilcoxon(difference) if np.any(difference) else None
    return {
        "machine": {"processor": platform.machine(), "python": platform.python_version()},
        "best_validation_accuracy": table,
        "seconds_median": {
            name: statistics.median(
                searches[f"{name}/{s}"]["seconds"][-1] for s in range(num_seeds)
            )
            for name in contestants
        },
        "target": {
            "text": TARGET,
            "mean_difference": float(difference.mean()),
            "interval": mean_and_interval(difference)[1:],
            "wilcoxon_p": None if test is None else float(test.pvalue),
            "met": bool(difference.mean() > 0),
        },
    }


def draw(searches: dict, options) -> None:
    """The mean best-so-far accuracy against trials, with its 95 % interval, beside the JSON."""
    figure = Figure(figsize=(7.5, 3.6), layout="constrained")
    axes = figure.subplots()
    # KerasTuner's Bayesian search is random for its first 27 trials here: both lines must show.
    widths = dict(zip(CONTESTANTS, (2, 6, 2, 2), strict=True))
    for name in options.contestants:
        best = incumbents(searches, name, options.seeds)
        trials = np.arange(1, best.shape[1] + 1)
        mean, low, high = np.array([mean_and_interval(column) for column in best.T]).T
        colour = COLOURS.get(name, "#e0a458")
        axes.plot(
            trials, mean, "o-", color=colour, label=name, linewidth=widths[name], markersize=4
        )
        axes.fill_between(trials, low, high, color=colour, alpha=0.2, linewidth=0)
    axes.set(
        xlabel="trials",
        ylabel="best validation accuracy",
        title=f"scikit-learn digits, mean of {options.seeds} searches and 95 % interval",
    )
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(loc="lower right", frameon=False)
    figure.savefig(options.output.with_suffix(".png"), dpi=150)


def incumbents(searches: dict, name: str, num_seeds: int) -> np.ndarray:
    """Best values so far, float array (seeds, trials)."""
    values = [searches[f"{name}/{seed}"]["values"] for seed in range(num_seeds)]
    return np.fmax.accumulate(np.array(values, dtype=float), axis=1)


def mean_and_interval(values: np.ndarray) -> tuple[float, float, float]:
    if np.ptp(values) == 0:
        return float(values[0]), float(values[0]), float(values[0])
    interval = stats.bootstrap((values,), np.mean, rng=np.random.default_rng(0)).confidence_interval
    return float(values.mean()), float(interval.low), float(interval.high)


def report(results: dict, num_seeds: int) -> None:
    table = Table(title=f"Best validation accuracy on digits, {num_seeds} seeds, mean [95 %]")
    table.add_column("tuner")
    for horizon in HORIZONS:
        table.add_column(f"@{horizon}")
    for name, row in results["best_validation_accuracy"].items():
        cells = (row.get(f"@{h}") for h in HORIZONS)
        table.add_row(
            name,
            *(f"{c['mean']:.3f} [{c['low']:.3f}, {c['high']:.3f}]" if c else "" for c in cells),
        )
    Console(width=150).print(table)
    target = results["target"]
    low, high = target["interval"]
    print(
        f"Target {'met' if target['met'] else 'MISSED'}: {target['text']}; difference "
        f"{target['mean_difference']:+.4f} [{low:+.4f}, {high:+.4f}], p = {target['wilcoxon_p']}"
    )


def save(results: dict, options) -> None:
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
