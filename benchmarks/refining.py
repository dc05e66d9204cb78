"""Searches that can refine their best: whole search spaces, answered by what fits recorded runs.

    python benchmarks/refining.py --output benchmarks/results/refining

A pool of recorded configurations holds no neighbours of its best, a Keras user's search space does.
The tasks of the library that the preset has not seen are searched for 50 trials, and each
configuration is answered by a regressor of the task's recorded ones: a smooth one (the mean of a
Gaussian process) and a rough one (extremely random trees). Gaussian processes are told of trials
that count as much as they are alone, or of their ranks among each other, and a process without the
ranker stands by, or does not. Regret 0 is the best of 2000 random configurations. Finished searches
are kept in the output folder.
"""

import argparse
import json
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from unittest import mock

import joblib
import numpy as np
from pool_policies import NUM_TRIALS, OURS, PLAIN, TPE
from pool_searches import at_horizons, key, missing_searches
from pool_summaries import differences, mean_regrets, print_table
from resuming import kept_results, run_and_keep

from keras_metahpo.acquisition import normal_scores
from keras_metahpo.atomic import write_text
from keras_metahpo.benchmark.blackboxes.tabular import TabularBlackbox
from keras_metahpo.benchmark.contestants import Problem, Search, get_contestant
from keras_metahpo.benchmark.contestants.kerastuner import load_preset, trained_on
from keras_metahpo.benchmark.contestants.policy import PolicySearch
from keras_metahpo.gaussian_process import Inputs, fit_gaussian_process
from keras_metahpo.history import TrialLog, find_logs
from keras_metahpo.policies import GaussianProcessPolicy, RandomPolicy, build_policy
from keras_metahpo.policies.ranker import RankerPrior
from keras_metahpo.rankers import DEFAULT_PRESET, Preset
from keras_metahpo.space import Configuration

STANDBY, RANDOM = f"{OURS} and a standby", "random"
RANKED = {f"{name}, ranked among each other": name for name in (OURS, PLAIN)}
POLICIES = (STANDBY, OURS, PLAIN, *RANKED, TPE, RANDOM)
SMOOTH, ROUGH = "Gaussian process", "random trees"
FLOOR, REFERENCE_SIZE = 8, 2000
# Utilities further below the best than this many times the median's distance count as that.
WORST_REGRET = 4.0

Objective = Callable[[Sequence[Configuration]], np.ndarray]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--logs", type=Path, default=Path("meta_dataset"), help="folder of them")
    parser.add_argument("--preset", default=DEFAULT_PRESET, help="name or folder")
    parser.add_argument("--seeds", type=int, default=3, help="searches a task and regressor")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--output", type=Path, default=Path("benchmarks/results/refining"))
    options = parser.parse_args()
    seen = trained_on(Preset(options.preset).card)
    logs = {log.card.name: log for log in find_logs([str(options.logs)])[0]}
    unseen = [name for name in logs if name not in seen]
    if not unseen:
        parser.error(f"the preset {options.preset} has seen all logs in {options.logs}")
    cells = [
        (kind, name, seed)
        for seed in range(options.seeds)
        for name in unseen
        for kind in (SMOOTH, ROUGH)
    ]
    file = options.output / "searches.json"
    searches = kept_results(file)
    calls = [
        joblib.delayed(search)(cell, missing, logs[cell[1]], options.preset)
        for cell, missing in missing_searches(searches, cells, POLICIES)
    ]
    searches = run_and_keep(file, searches, calls, options.workers)
    summary = summarise(searches, cells)
    write_text(options.output / "summary.json", json.dumps(summary, indent=1) + "\n")
    regrets = {policy: rows["mean"] for policy, rows in summary["regret"].items()}
    print_table("mean of both regressors", regrets, ".3f")


def search(
    cell: tuple[str, str, int], policies: Sequence[str], log: TrialLog, preset: str
) -> dict[str, list[float]]:
    """Searches one task by several policies; regret of the incumbent at each horizon."""
    kind, _, seed = cell
    objective = {SMOOTH: smooth_objective, ROUGH: rough_objective}[kind](log)
    rng = np.random.default_rng(99)
    random = objective(log.space.decode(log.space.sample(REFERENCE_SIZE, rng)))
    random = random[np.isfinite(random)]
    best, scale = random.max(), random.max() - np.median(random)
    found = {}
    for policy in policies:
        started = start(RANKED.get(policy, policy), log, preset, seed)
        with ranked_among_each_other() if policy in RANKED else nullcontext():
            utilities = run(started, objective)
        regrets = (best - np.maximum.accumulate(utilities)) / (scale or 1.0)
        found[key(policy, cell)] = at_horizons(regrets)
    return found


def ranked_among_each_other():
    """A context in which Gaussian processes are told of normal scores."""
    where = "keras_metahpo.policies.gaussian_process.declustered_scores"
    return mock.patch(where, lambda _, utilities: normal_scores(utilities))


def start(policy: str, log: TrialLog, preset: str, seed: int) -> Search:
    problem = Problem(log.card.name, log.space, "max", num_trials=NUM_TRIALS)
    if policy == TPE:
        return get_contestant(TPE).start(problem, seed)
    if policy == RANDOM:
        return PolicySearch(problem, RandomPolicy(), seed)
    if policy == PLAIN:
        model = GaussianProcessPolicy(num_initial=1)
    else:
        model = GaussianProcessPolicy(RankerPrior(load_preset(Preset(preset).directory)))
    built = build_policy(model, floor=FLOOR, has_standby=policy == STANDBY)
    return PolicySearch(problem, built, seed)


def run(started: Search, objective: Objective) -> np.ndarray:
    """Utilities of the trials; after the last configuration of a small space, the last one's."""
    utilities: list[float] = []
    with started:
        while len(utilities) < NUM_TRIALS and (proposal := started.suggest()) is not None:
            utility = float(objective([proposal.configuration])[0])
            utilities.append(utility)
            started.observe(proposal, utility if np.isfinite(utility) else None)
    return np.pad(utilities, (0, NUM_TRIALS - len(utilities)), mode="edge")


def smooth_objective(log: TrialLog) -> Objective:
    """The mean of a Gaussian process; a failure is as bad as the worst training."""
    history = log.history()
    utilities = history.utilities.copy()
    finite = np.isfinite(utilities)
    best = utilities[finite].max()
    worst = best - WORST_REGRET * max(best - np.median(utilities[finite]), np.finfo(float).tiny)
    utilities = np.maximum(np.where(finite, utilities, utilities[finite].min()), worst)
    deviation = utilities.std() or 1.0

    def inputs(configurations: Sequence[Configuration]) -> Inputs:
        points = log.space.encode(configurations)
        return Inputs.of(points.units, points.active, log.space.categorical)

    targets = (utilities - utilities.mean()) / deviation
    process = fit_gaussian_process(inputs(history.configurations), targets)
    return lambda configurations: process.predict(inputs(configurations))[0]


def rough_objective(log: TrialLog) -> Objective:
    """Extremely random trees, which also predict failures."""
    card = replace(log.card, lookup="surrogate")
    return TabularBlackbox(TrialLog(card, log.space, log.table, log.path)).utilities


def summarise(searches: dict, cells: Sequence[tuple[str, str, int]]) -> dict:
    """Means over searches, tasks and regressors, and paired differences of ours."""
    rows = [
        (policy, *cell[:2], *searches[key(policy, cell)]) for policy in POLICIES for cell in cells
    ]
    by_task, by_regressor, overall = mean_regrets(rows)
    kinds = list(dict.fromkeys(cell[0] for cell in cells))
    return {
        "tasks": len({cell[1] for cell in cells}),
        "seeds": len({cell[2] for cell in cells}),
        "regret": {
            policy: {
                "mean": overall.loc[policy].round(4).to_dict(),
                **{kind: by_regressor.loc[policy, kind].round(4).to_dict() for kind in kinds},
            }
            for policy in POLICIES
        },
        "ours minus": differences(by_task, STANDBY),
    }


if __name__ == "__main__":
    main()
