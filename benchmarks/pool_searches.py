"""Searches of pools of recorded configurations: which there are, and one at a time."""

from collections.abc import Sequence
from functools import cache, partial
from pathlib import Path

import numpy as np
from pool_policies import LATEST, Pool

from keras_metahpo.benchmark.blackbox import Blackbox, Suite
from keras_metahpo.benchmark.blackboxes import open_suite
from keras_metahpo.benchmark.comparison import MOST_REGRET
from keras_metahpo.benchmark.contestants.kerastuner import trained_on
from keras_metahpo.benchmark.experience import experience, opened
from keras_metahpo.policies.portfolio import PORTFOLIO_SIZE, greedy_portfolio
from keras_metahpo.rankers import Preset, check_surrogate
from keras_metahpo.space import Configuration

SUITES = {"lcbench": "lcbench", "taskset": "taskset.npz", "hpobench": None, "fcnet": None}
POOL_SIZE = 512
HORIZONS = (1, 3, 5, 10, 25, 50)
# Of each task that a portfolio learns from.
NUM_LOGGED = 500


def pool_cells(
    data: Path, num_seeds: int, most_tasks: int | None = None
) -> list[tuple[str, str, int]]:
    """All pools: suite, task and seed; of many tasks as many as wanted, evenly spread."""
    cells: list[tuple[str, str, int]] = []
    for kind in SUITES:
        names = list(suite_of(kind, data).blackboxes)
        if most_tasks:
            step = max(1, len(names) // most_tasks)
            names = names[::step][:most_tasks]
        cells += [(kind, name, seed) for name in names for seed in range(num_seeds)]
    return cells


def families_known_to(ranker: str) -> set[str]:
    """What a preset, or the one behind a surrogate, was trained on; nothing for a process."""
    found = check_surrogate(ranker.removesuffix(LATEST))
    return trained_on(found.card) if isinstance(found, Preset) else set()


def missing_searches(
    searches: dict, cells: Sequence[tuple[str, str, int]], policies: Sequence[str]
) -> list[tuple[tuple[str, str, int], list[str]]]:
    """The cells that some policies have not searched yet, and these policies."""
    missing = ((c, [p for p in policies if key(p, c) not in searches]) for c in cells)
    return [(cell, unsearched) for cell, unsearched in missing if unsearched]


def key(policy: str, cell: tuple[str, str, int]) -> str:
    return "|".join(map(str, (policy, *cell)))


def open_cell(cell: tuple[str, str, int], data: Path) -> Blackbox:
    """The task of a cell: of a suite, or, where there is no such suite, among trial logs."""
    kind, name, _ = cell
    return suite_of(kind, data).blackboxes[name].open()


@cache
def suite_of(kind: str, data: Path) -> Suite:
    if kind not in SUITES:
        return open_suite("tabular", data)
    path = SUITES[kind]
    return open_suite(kind, path and data / path)


def search_pool(
    cell: tuple[str, str, int],
    policies: list[str],
    data: Path,
    preset: str,
    pool_size: int = POOL_SIZE,
) -> dict[str, list[float]]:
    """Searches one pool by several policies; regret of the incumbent at each horizon."""
    kind, name, seed = cell
    portfolio = partial(family_portfolio, kind, name, data)
    pool = Pool(name, open_cell(cell, data), preset, pool_size, seed, portfolio)
    return {key(policy, cell): at_horizons(pool.regrets(policy)) for policy in policies}


@cache
def family_portfolio(kind: str, name: str, data: Path) -> list[Configuration]:
    """A portfolio of the logs of a task's family without itself, best first."""
    blackboxes = suite_of(kind, data).blackboxes
    task = opened(blackboxes[name])
    logs = experience(task, blackboxes, "leave-task-out", NUM_LOGGED, is_adversarial=False)
    return task.space.decode(greedy_portfolio(task.space, logs, PORTFOLIO_SIZE))


def at_horizons(regrets: np.ndarray) -> list[float]:
    """Regrets after each trial to those at the horizons, bounded as a study bounds them."""
    return [round(min(regrets[h - 1], MOST_REGRET), 5) for h in HORIZONS]
