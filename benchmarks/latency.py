"""Seconds a suggestion and an import take, ours beside KerasTuner's, and our memory, in one run.

python benchmarks/latency.py --output benchmarks/results/latency.json
"""

import argparse
import json
import platform
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import keras_tuner
import numpy as np
from rich.console import Console
from rich.table import Table

from keras_metahpo import MetaOracle

NUM_HYPERPARAMETERS = 10
IMPORT_REPEATS = 9


def space() -> keras_tuner.HyperParameters:
    """Ten hyperparameters of all kinds."""
    hp = keras_tuner.HyperParameters()
    hp.Float("learning_rate", 1e-5, 1.0, sampling="log")
    hp.Float("weight_decay", 1e-7, 1e-1, sampling="log")
    hp.Float("dropout", 0.0, 0.8)
    hp.Float("momentum", 0.0, 0.99)
    hp.Int("units", 8, 512, sampling="log")
    hp.Int("num_layers", 1, 8)
    hp.Int("kernel_size", 1, 7)
    hp.Choice("batch_size", [16, 32, 64, 128])
    hp.Choice("optimizer", ["adam", "sgd", "rmsprop"])
    hp.Boolean("batch_norm")
    assert len(hp.space) == NUM_HYPERPARAMETERS
    return hp


def response(values: dict, rng: np.random.Generator) -> float:
    distance = (np.log10(values["learning_rate"]) + 3) ** 2 + (values["dropout"] - 0.3) ** 2
    return float(-distance + 0.05 * values["num_layers"] + 0.1 * rng.normal())


def suggestion_seconds(make_oracle, num_trials: int, keep: int) -> np.ndarray:
    """Seconds of the last `keep` suggestions of a search of `num_trials` trials."""
    rng = np.random.default_rng(0)
    objective = keras_tuner.Objective("score", "max")
    oracle = make_oracle(
        objective=objective, max_trials=num_trials + 1, hyperparameters=space(), seed=1
    )
    seconds = []
    with tempfile.TemporaryDirectory() as directory:
        oracle._set_project_dir(directory, "latency")
        oracle.verbose = 0
        for number in range(num_trials):
            fast = number < num_trials - keep
            if fast:  # History that costs no time: random values through the same calls.
                original, oracle.populate_space = (
                    oracle.populate_space,
                    lambda _: {
                        "status": "RUNNING",
                        "values": oracle._random_values(),
                    },
                )
            started = time.perf_counter()
            trial = oracle.create_trial("tuner0")
            elapsed_s = time.perf_counter() - started
            if fast:
                oracle.populate_space = original
            else:
                seconds.append(elapsed_s)
            values = trial.hyperparameters.values
            oracle.update_trial(trial.trial_id, {"score": response(values, rng)})
            trial.status = "COMPLETED"
            oracle.end_trial(trial)
    return np.array(seconds)


def import_seconds(statement: str) -> float:
    """Median seconds of an import in a fresh process, the interpreter's own start left out."""
    code = f"import time; t = time.perf_counter(); {statement}; print(time.perf_counter() - t)"
    found = [
        float(
            subprocess.run(
                [sys.executable, "-c", code], capture_output=True, text=True, check=True
            ).stdout.split()[-1]
        )
        for _ in range(IMPORT_REPEATS)
    ]
    return float(np.median(found))


def peak_memory_mb() -> float:
    """The most memory that this process has held at once, libraries included."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--output", type=Path, default=Path("benchmarks/results/latency.json"))
    options = parser.parse_args()
    contestants = {
        "MetaOracle": (MetaOracle, 40),
        "BayesianOptimizationOracle": (keras_tuner.oracles.BayesianOptimizationOracle, 5),
        "RandomSearchOracle": (keras_tuner.oracles.RandomSearchOracle, 40),
    }
    table = Table(
        title=f"Milliseconds a suggestion, {options.trials} trials, "
        f"{NUM_HYPERPARAMETERS} hyperparameters"
    )
    for column in ("oracle", "median", "95th percentile", "ratio of medians to MetaOracle"):
        table.add_column(column)
    results: dict = {"machine": {"processor": platform.machine(), "python": sys.version.split()[0]}}
    for name, (make_oracle, keep) in contestants.items():
        ms = 1e3 * suggestion_seconds(make_oracle, options.trials, keep)
        # The first call loads the ranker and compiles it; a search pays that once.
        first, steady = ms[0], ms[1:]
        results[name] = {
            "median_ms": float(np.median(steady)),
            "p95_ms": float(np.percentile(steady, 95)),
            "first_ms": float(first),
        }
        if name == "MetaOracle":  # The first one: the process has done nothing else.
            results["peak_memory_mb"] = peak_memory_mb()
        ratio = results[name]["median_ms"] / results["MetaOracle"]["median_ms"]
        row = results[name]
        table.add_row(name, f"{row['median_ms']:.1f}", f"{row['p95_ms']:.1f}", f"{ratio:.2f}")
    Console().print(table)
    base = import_seconds("import keras_tuner")
    both = import_seconds("import keras_tuner, keras_metahpo")
    used = import_seconds("import keras_tuner; from keras_metahpo import MetaOracle, MetaTuner")
    results["import_s"] = {
        "keras_tuner": base,
        "adds": both - base,
        "adds_with_MetaOracle_and_MetaTuner": used - base,
    }
    print(f"import keras_tuner: {base:.2f} s; import keras_metahpo adds {both - base:+.3f} s")
    print(f"from keras_metahpo import MetaOracle, MetaTuner adds {used - base:+.3f} s")
    print(f"peak memory of a search by MetaOracle: {results['peak_memory_mb']:.0f} MB")
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
