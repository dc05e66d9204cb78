"""The first configuration, before any trial: how good is it, and is its learning rate right?

    python benchmarks/recommending.py --data TABLES

Regret at one trial in four families that no ranker was trained on, among 512 recorded
configurations of a task (10 pools each), beside the defaults by name, the space's own defaults and,
though it has seen the other tasks of the family, the first configuration of a portfolio. Then the
error of the learning rate, in powers of ten, against the mean of the 5 % best; and on the task
library's held-out tasks what is lost by the chosen optimizer, beside always choosing Adam.
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from pool_searches import POOL_SIZE, SUITES
from rich.console import Console
from rich.table import Table

from keras_metahpo.acquisition import normal_scores
from keras_metahpo.atomic import write_text
from keras_metahpo.benchmark.blackboxes import open_suite
from keras_metahpo.benchmark.blackboxes.lookup import Lookup
from keras_metahpo.benchmark.blackboxes.vectorized import utilities_of
from keras_metahpo.benchmark.blackboxes.wrappers import Pooled
from keras_metahpo.benchmark.comparison import MOST_REGRET
from keras_metahpo.benchmark.contestants.kerastuner import load_preset, trained_on
from keras_metahpo.history import find_logs
from keras_metahpo.policies.defaults import named_defaults
from keras_metahpo.progress import progress_bars
from keras_metahpo.rankers import DEFAULT_PRESET, Preset
from keras_metahpo.space import SearchSpace, role_of

RANKER, BY_NAME, OF_SPACE = "ranker", "defaults by name", "the space's defaults"
PORTFOLIO, ADAM = "portfolio of the same family", "always Adam"
BEST_SHARE = 0.05
# With fewer trials of an optimizer, its best one says little.
MIN_TRIALS = 4


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--data", type=Path, required=True, help="folder of lcbench, taskset.npz")
    add("--logs", type=Path, default=Path("meta_dataset"), help="trial logs of the task library")
    add("--preset", default=DEFAULT_PRESET, help="name or folder")
    add("--seeds", type=int, default=10)
    add("--output", type=Path, default=Path("benchmarks/results/recommending.json"))
    options = parser.parse_args()
    preset = Preset(options.preset)
    ranker = load_preset(preset.directory)
    console = Console()
    rows = list(choices_in_pools(options, ranker, console))
    frame = pd.DataFrame(rows).groupby(["choice", "family", "task"]).mean(numeric_only=True)
    by_family = frame.groupby(["choice", "family"]).mean()
    optimizers = pd.DataFrame(choices_of_optimizers(options.logs, ranker, trained_on(preset.card)))
    results = {
        "pools": {"size": POOL_SIZE, "seeds": options.seeds},
        "regret at one trial": nested(by_family["regret"]),
        "error of the learning rate, powers of ten": nested(by_family["error"]),
        "optimizers": {
            "tasks": len(optimizers),
            **{
                choice: {
                    "regret": round(float(optimizers[choice].mean()), 3),
                    "best optimizer on": round(float((optimizers[choice] == 0).mean()), 3),
                }
                for choice in (RANKER, ADAM)
            },
        },
    }
    write_text(options.output, json.dumps(results, indent=1) + "\n")
    report(results, console)


def choices_in_pools(options, ranker, console: Console) -> Iterator[dict]:
    """Regret and error of the learning rate of each first choice, a row a pool and choice."""
    for family, path in SUITES.items():
        blackboxes = open_suite(family, path and options.data / path).blackboxes
        pools = [(name, seed) for seed in range(options.seeds) for name in blackboxes]
        opened = {name: blackbox.open() for name, blackbox in blackboxes.items()}
        everything = {name: Pool(task, 0) for name, task in opened.items()}
        with progress_bars(console) as progress:
            for name, seed in progress.track(pools, description=family):
                others = [everything[other] for other in opened if other != name]
                pool = Pool(opened[name], seed)
                for choice, row in pool.choices(ranker, others).items():
                    facts = {"regret": pool.regret(row), "error": pool.error(row)}
                    yield {"choice": choice, "family": family, "task": name, **facts}


class Pool:
    """Recorded configurations of a task and their results."""

    def __init__(self, blackbox, seed: int):
        self.space: SearchSpace = blackbox.space
        self.configurations = list(Pooled(blackbox, POOL_SIZE, seed).pool)
        utilities = utilities_of(blackbox, self.configurations)
        worst = utilities[np.isfinite(utilities)].min()
        self.utilities = np.where(np.isfinite(utilities), utilities, worst)
        self.lookup = Lookup(self.space, self.configurations)

    def choices(self, ranker, others: list["Pool"]) -> dict[str, int]:
        """The row that each chooses."""
        scores = ranker.prior_mean(self.space, self.space.encode(self.configurations))
        found = {
            BY_NAME: named_defaults(self.space),
            OF_SPACE: self.space.default_configuration(),
            PORTFOLIO: self._best_elsewhere(others),
        }
        rows = self.lookup.nearest(list(found.values()))
        return {RANKER: int(np.argmax(scores)), **dict(zip(found, map(int, rows), strict=True))}

    def _best_elsewhere(self, others: list["Pool"]) -> dict:
        """The configuration that is best on average on the other tasks of the family."""
        total = np.zeros(len(self.configurations))
        for other in others:
            scores = normal_scores(other.utilities)
            total += scores[other.lookup.nearest(self.configurations)]
        return self.configurations[int(np.argmax(total))]

    def regret(self, row: int) -> float:
        best = self.utilities.max()
        scale = best - np.median(self.utilities)
        return float(min((best - self.utilities[row]) / scale, MOST_REGRET))

    def error(self, row: int) -> float:
        """Distance of the learning rate from that of the best configurations; NaN without one."""
        rates = [
            hp.name
            for hp in self.space.hyperparameters
            if role_of(hp.name) == "learning_rate" and hp.sampling == "log"
        ]
        if not rates:
            return float("nan")
        values = np.array([c.get(rates[0], np.nan) for c in self.configurations])
        logarithms = np.log10(values.astype(float))
        best = np.argsort(-self.utilities)[: max(1, int(BEST_SHARE * len(values)))]
        return float(abs(logarithms[row] - logarithms[best].mean()))


def choices_of_optimizers(logs: Path, ranker, known: set[str]) -> Iterator[dict]:
    """Regret of the best trial with the chosen optimizer, a row a held-out task."""
    for log in find_logs([str(logs)])[0]:
        names = [name for name in log.space.names if role_of(name) == "optimizer"]
        if log.card.name in known or not names:
            continue
        history = log.history()
        used = np.array([str(c.get(names[0])) for c in history.configurations])
        utilities = normal_scores(history.utilities)
        scores = ranker.prior_mean(log.space, log.space.encode(history.configurations))
        best = {name: utilities[used == name].max() for name in set(used)}
        enough = [name for name in best if (used == name).sum() >= MIN_TRIALS]
        adam = next((name for name in enough if name.lower() == "adam"), None)
        chosen = used[int(np.argmax(scores))]
        if len(enough) < 2 or adam is None:
            continue
        yield {
            "task": log.card.name,
            RANKER: float(utilities.max() - best[chosen]),
            ADAM: float(utilities.max() - best[adam]),
        }


def nested(series: pd.Series) -> dict:
    """choice -> family -> value, and the mean of the families."""
    found: dict[str, dict[str, float]] = {}
    for choice, values in series.groupby(level="choice"):
        values = values.droplevel("choice").dropna()
        means = {family: round(float(value), 3) for family, value in values.items()}
        found[str(choice)] = {"mean of families": round(float(values.mean()), 3), **means}
    return found


def report(results: dict, console: Console) -> None:
    for title in ("regret at one trial", "error of the learning rate, powers of ten"):
        table = Table("first choice", "mean of families", *SUITES, title=title)
        for choice, values in results[title].items():
            table.add_row(choice, *(str(values.get(f, "")) for f in ("mean of families", *SUITES)))
        console.print(table)
    console.print(results["optimizers"])


if __name__ == "__main__":
    main()
