"""Searches of pools of recorded configurations, by several policies.

Who can choose from a given set does so; the others are answered by the nearest configuration.
"""

from collections.abc import Callable, Sequence
from functools import cache, partial
from pathlib import Path

import numpy as np
from renaming import drawn_synonym, nothing, renamed_space, synonym

from keras_metahpo.benchmark.blackbox import Blackbox, Suite
from keras_metahpo.benchmark.blackboxes import open_suite
from keras_metahpo.benchmark.blackboxes.lookup import Lookup
from keras_metahpo.benchmark.blackboxes.vectorized import utilities_of
from keras_metahpo.benchmark.blackboxes.wrappers import Pooled
from keras_metahpo.benchmark.comparison import MOST_REGRET
from keras_metahpo.benchmark.contestants import Problem, Proposal, Search, get_contestant
from keras_metahpo.benchmark.contestants.kerastuner import load_preset, trained_on
from keras_metahpo.benchmark.contestants.policy import DistanceToDefaults, PolicySearch
from keras_metahpo.benchmark.experience import experience, opened
from keras_metahpo.policies import GaussianProcessPolicy, SurrogatePolicy
from keras_metahpo.policies.composition import build_policy
from keras_metahpo.policies.portfolio import PORTFOLIO_SIZE, greedy_portfolio
from keras_metahpo.rankers import Preset, check_surrogate
from keras_metahpo.space import Configuration, Points

SUITES = {"lcbench": "lcbench", "taskset": "taskset.npz", "hpobench": None, "fcnet": None}
NUM_TRIALS, POOL_SIZE = 50, 512
HORIZONS = (1, 3, 5, 10, 25, 50)
OURS, RIVAL, PLAIN = "GP with the ranker", "GP distance to defaults", "GP from the default"
TPE, RANDOM = "Optuna TPE multivariate", "random order"
POLICIES = (OURS, "ranker's order", RIVAL, PLAIN, TPE, RANDOM)
# The same policy where names are replaced, for a pool's seed.
RENAMED: dict[str, Callable[[int], Callable[[int, str], str]]] = {
    f"{OURS}, synonyms": lambda seed: synonym,
    f"{OURS}, drawn synonyms": lambda seed: drawn_synonym(np.random.default_rng(seed)),
    f"{OURS}, no names": lambda seed: nothing,
}
# The same policy with a ranker that says the opposite.
NEGATED = f"{OURS}, negated"
# The same policy with the most probable parameters of its process instead of several draws.
ONE_FIT = f"{OURS}, fitted once"
# The same policy with a process without a ranker for some trials, as `MetaOracle` has one.
STANDBY = f"{OURS}, and a standby"
# The same policy after a portfolio of the other tasks of the family, of each as many random trials.
PORTFOLIO = f"{OURS}, after a portfolio"
NUM_LOGGED = 500
SURROGATE, LATEST = "surrogate ", ":latest"


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
    inner = open_cell(cell, data)
    blackbox = Pooled(inner, pool_size, seed)
    configurations = list(blackbox.pool)
    utilities = utilities_of(inner, configurations)
    utilities = np.where(np.isfinite(utilities), utilities, utilities[np.isfinite(utilities)].min())
    scale = utilities.max() - np.median(utilities)
    problem = Problem(name, blackbox.space, blackbox.card.direction, num_trials=NUM_TRIALS)
    points = blackbox.space.encode(configurations)
    ranker = load_preset(Preset(preset).directory)
    believed = ranker.prior_mean(blackbox.space, points)

    def process(believed: np.ndarray, **arguments) -> GaussianProcessPolicy:
        # The pool stays the same, and so does what is believed of it: it is asked for once.
        row_of = {key: row for row, key in enumerate(points.keys())}

        def prior(space, points):
            keys = points.keys()
            return believed[[row_of[key] for key in keys]]

        return GaussianProcessPolicy(prior, pool=points, **arguments)

    def ours(believed: np.ndarray, **arguments) -> Search:
        return PolicySearch(problem, process(believed, **arguments), seed)

    def ours_and(**parts) -> Search:
        return PolicySearch(problem, build_policy(process(believed), **parts), seed)

    def after_portfolio() -> Search:
        rows = lookup.nearest(family_portfolio(kind, name, data))
        return ours_and(
            initial_configurations=[configurations[row] for row in rows], has_standby=False
        )

    def ours_renamed(name_of: Callable[[int, str], str]) -> Search:
        return ours(ranker.prior_mean(renamed_space(blackbox.space, name_of), points))

    choosing: dict[str, Callable[[], list[int]]] = {
        "ranker's order": lambda: np.argsort(-believed).tolist(),
        RANDOM: lambda: np.random.default_rng(seed).permutation(len(points)).tolist(),
    }
    asked: dict[str, Callable[[], Search]] = {
        OURS: lambda: ours(believed),
        ONE_FIT: lambda: ours(believed, num_draws=0),
        NEGATED: lambda: ours(-believed),
        STANDBY: ours_and,
        PORTFOLIO: after_portfolio,
        **{policy: partial(ours_renamed, of_seed(seed)) for policy, of_seed in RENAMED.items()},
        RIVAL: lambda: PolicySearch(
            problem, GaussianProcessPolicy(DistanceToDefaults(), pool=points), seed
        ),
        PLAIN: lambda: PolicySearch(
            problem, GaussianProcessPolicy(num_initial=1, pool=points), seed
        ),
        TPE: lambda: get_contestant(TPE).start(problem, seed),
    }
    sign = 1.0 if problem.direction == "max" else -1.0
    lookup = Lookup(blackbox.space, configurations)
    found = {}
    for policy in policies:
        if policy in choosing:
            rows = choosing[policy]()[:NUM_TRIALS]
        else:
            if policy.startswith(SURROGATE):
                search = surrogate_search(policy.removeprefix(SURROGATE), problem, points, seed)
            else:
                search = asked[policy]()
            rows = ask(search, lookup, sign * utilities)
        regrets = (utilities.max() - np.maximum.accumulate(utilities[rows])) / scale
        found[key(policy, cell)] = at_horizons(regrets)
    return found


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


def surrogate_search(name: str, problem: Problem, pool: Points, seed: int) -> Search:
    """A search in which a surrogate decides alone."""
    found = check_surrogate(name.removesuffix(LATEST))
    surrogate = load_preset(found.directory) if isinstance(found, Preset) else found
    policy = SurrogatePolicy(surrogate, improves_on_latest=name.endswith(LATEST), pool=pool)
    return PolicySearch(problem, policy, seed)


def ask(search: Search, lookup: Lookup, values: np.ndarray) -> list[int]:
    """Rows of the pool in the order in which a search asks for them, or for what is nearest."""
    rows: list[int] = []
    with search:
        for _ in range(NUM_TRIALS):
            proposal = search.suggest()
            row = int(lookup.nearest([proposal.configuration])[0])
            rows.append(row)
            answered = proposal
            if isinstance(search, PolicySearch):
                answered = Proposal(lookup.configurations[row])
            search.observe(answered, float(values[row]))
    return rows
