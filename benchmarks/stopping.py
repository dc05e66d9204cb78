"""What a search saves, and what it loses, that ends when no more is expected of it.

    python benchmarks/stopping.py --data TABLES --output benchmarks/results/stopping

The bundled ranker's Gaussian process searches each task of the LCBench surrogate and of TaskSet,
which it was not trained on, for 100 trials. Where it would have ended by itself is compared with
the whole search, and with a search of a fixed length that takes as many trials on average. Regret
is normalised between the best and the median configuration. Finished searches are kept.
"""

import argparse
import json
from pathlib import Path

import joblib
import numpy as np
from resuming import kept_results, run_and_keep
from rich.console import Console
from rich.table import Table

from keras_metahpo.benchmark.blackboxes import open_suite
from keras_metahpo.benchmark.comparison import MOST_REGRET
from keras_metahpo.benchmark.contestants.kerastuner import load_preset, trained_on
from keras_metahpo.history import History
from keras_metahpo.oracle.stopping import (
    PATIENCE,
    SMALL_SHARE,
    is_unpromising,
    small_gain_of,
)
from keras_metahpo.policies import EXPECTED_GAIN, build_model_policy, build_policy
from keras_metahpo.rankers import DEFAULT_PRESET, Preset

SUITES = {"lcbench": "lcbench", "taskset": "taskset.npz"}
NUM_TRIALS, FLOOR = 100, 8
SHARES = (0.1, 0.03, 0.01, 0.003, 0.001)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of lcbench, taskset.npz")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--output", type=Path, default=Path("benchmarks/results/stopping"))
    options = parser.parse_args()
    known = trained_on(Preset(DEFAULT_PRESET).card) & SUITES.keys()
    if known:
        parser.error(f"the preset was trained on {sorted(known)}")
    file = options.output / "searches.json"
    searches = kept_results(file)
    cells = [
        (kind, name, seed)
        for seed in range(options.seeds)
        for kind, path in SUITES.items()
        for name in open_suite(kind, options.data / path).blackboxes
    ]
    missing = [cell for cell in cells if key(cell) not in searches]
    calls = [joblib.delayed(search)(cell, options.data) for cell in missing]
    searches = run_and_keep(file, searches, calls, options.workers)
    summary = summarise([searches[key(cell)] for cell in cells])
    (options.output / "summary.json").write_text(json.dumps(summary, indent=1) + "\n")
    report(summary)


def key(cell: tuple[str, str, int]) -> str:
    return "|".join(map(str, cell))


def search(cell: tuple[str, str, int], data: Path) -> dict[str, dict[str, list]]:
    """By the cell's key: the regret after every trial, and what had been expected of each."""
    kind, name, seed = cell
    blackbox = open_suite(kind, data / SUITES[kind]).blackboxes[name].open()
    reference = blackbox.reference()
    ranker = load_preset(Preset(DEFAULT_PRESET).directory)
    policy = build_policy(build_model_policy(ranker), floor=FLOOR)
    configurations: list = []
    utilities: list[float] = []
    gains: list[float | None] = []
    for number in range(NUM_TRIALS):
        rng = np.random.default_rng([seed, number])
        history = History(configurations, np.array(utilities))
        suggestion = policy.suggest(blackbox.space, history, (), rng)
        configurations.append(suggestion.configuration)
        utilities.append(blackbox.utility(blackbox.evaluate(suggestion.configuration)))
        gains.append(suggestion.reasons.get(EXPECTED_GAIN))
    scale = reference.best - reference.median
    values = (np.array(utilities) - reference.best) / scale
    gains = [None if gain is None else gain / scale for gain in gains]
    return {key(cell): {"values": values.tolist(), "expected gains": gains}}


def ends_at(search: dict, share: float) -> int:
    """After how many trials a search ends."""
    values = np.array(search["values"])
    gains = search["expected gains"]
    for number in range(len(gains)):
        small_gain = small_gain_of(values[:number]) * share / SMALL_SHARE
        if is_unpromising(gains[: number + 1], small_gain):
            return number
    return NUM_TRIALS


def summarise(searches: list[dict]) -> dict:
    """For each rule: trials, and regret then, in the end, and at a fixed length."""
    values = np.array([search["values"] for search in searches])
    regrets = np.minimum(-np.maximum.accumulate(values, axis=1), MOST_REGRET)
    rows = {}
    for share in SHARES:
        ends = np.array([ends_at(search, share) for search in searches])
        stopped = regrets[np.arange(len(regrets)), ends - 1]
        loss = stopped - regrets[:, -1]
        rows[str(share)] = {
            "trials": {
                "mean": float(ends.mean().round(1)),
                "10th, 50th, 90th percentile": np.percentile(ends, [10, 50, 90]).tolist(),
                "ended early": float((ends < NUM_TRIALS).mean().round(3)),
            },
            "regret": float(stopped.mean().round(4)),
            "regret after all trials": float(regrets[:, -1].mean().round(4)),
            "regret after as many trials everywhere": float(
                regrets[:, round(ends.mean()) - 1].mean().round(4)
            ),
            "lost": {
                "median": float(np.median(loss).round(4)),
                "90th percentile": float(np.percentile(loss, 90).round(4)),
            },
        }
    return {
        "searches": len(searches),
        "trials": NUM_TRIALS,
        "patience": PATIENCE,
        "default": SMALL_SHARE,
        "share": rows,
    }


def report(summary: dict) -> None:
    table = Table("share", "trials", "regret then", "in the end", "fixed length", "lost, 90 %")
    for share, row in summary["share"].items():
        table.add_row(
            share,
            f"{row['trials']['mean']:.0f}",
            f"{row['regret']:.3f}",
            f"{row['regret after all trials']:.3f}",
            f"{row['regret after as many trials everywhere']:.3f}",
            f"{row['lost']['90th percentile']:.3f}",
        )
    Console().print(table)


if __name__ == "__main__":
    main()
