"""Search among 512 recorded configurations of families that no ranker was trained on.

    python benchmarks/pools.py --data TABLES --seeds 10 --workers 2

A pool is 512 random configurations of a task, another one for each seed; regret is normalised
between the pool's best and its median configuration. Who can choose from a given set does so; the
others are answered by the nearest configuration. The targets were written down before training.
Finished searches are kept in the output folder, so that a stopped run goes on.
"""

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from renaming import nothing, renamed_space, synonym
from resuming import kept_results, run_and_keep
from rich.console import Console
from rich.table import Table

from keras_metahpo.benchmark.blackbox import Blackbox, Suite
from keras_metahpo.benchmark.blackboxes import open_suite
from keras_metahpo.benchmark.blackboxes.lookup import Lookup
from keras_metahpo.benchmark.blackboxes.vectorized import utilities_of
from keras_metahpo.benchmark.blackboxes.wrappers import Pooled
from keras_metahpo.benchmark.comparison import MOST_REGRET
from keras_metahpo.benchmark.contestants import Problem, Proposal, Search, get_contestant
from keras_metahpo.benchmark.contestants.kerastuner import load_preset, trained_on
from keras_metahpo.benchmark.contestants.policy import DistanceToDefaults, PolicySearch
from keras_metahpo.benchmark.metrics import WORSE_MARGIN
from keras_metahpo.benchmark.statistics import compare
from keras_metahpo.policies import GaussianProcessPolicy, SurrogatePolicy
from keras_metahpo.rankers import DEFAULT_PRESET, Preset, check_surrogate
from keras_metahpo.space import Points

SUITES = {"lcbench": "lcbench", "taskset": "taskset.npz", "hpobench": None, "fcnet": None}
NUM_TRIALS, POOL_SIZE = 50, 512
HORIZONS = (1, 3, 5, 10, 25, 50)
COLUMNS = [f"@{h}" for h in HORIZONS]
OURS, RIVAL, PLAIN = "GP with the ranker", "GP distance to defaults", "GP from the default"
TPE, RANDOM = "Optuna TPE multivariate", "random order"
POLICIES = (OURS, "ranker's order", RIVAL, PLAIN, TPE, RANDOM)
# The same policy where names are replaced.
RENAMED: dict[str, Callable[[int, str], str]] = {
    f"{OURS}, synonyms": synonym,
    f"{OURS}, no names": nothing,
}
# The same policy with a ranker that says the opposite.
NEGATED = f"{OURS}, negated"
# The same policy with the most probable parameters of its process instead of several draws.
ONE_FIT = f"{OURS}, fitted once"
TARGETS = {1: 0.40, 3: 0.18, 5: 0.13, 10: 0.07, 25: 0.02, 50: 0.006}
SURROGATE, LATEST = "surrogate ", ":latest"
BOUNDS = ["difference", "low", "high"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of lcbench, taskset.npz")
    parser.add_argument("--preset", default=DEFAULT_PRESET, help="name or folder")
    known_policies = (*POLICIES, *RENAMED, ONE_FIT, NEGATED)
    parser.add_argument(
        "--policies",
        nargs="+",
        choices=known_policies,
        metavar="POLICY",
        help="of " + ", ".join(map(repr, known_policies)),
    )
    parser.add_argument(
        "--surrogates",
        nargs="+",
        default=[],
        metavar="NAME",
        help="as `MetaOracle(surrogate=...)` takes them, beside the policies that are named; "
        f"with {LATEST!r} after it, improvement upon the latest trial",
    )
    parser.add_argument("--seeds", type=int, default=10, help="pools a task")
    parser.add_argument("--tasks", type=int, help="of a family, at the most; all by default")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--output", type=Path, default=Path("benchmarks/results/pools"))
    options = parser.parse_args()
    surrogates = [SURROGATE + name for name in options.surrogates]
    policies = [*(options.policies or (() if surrogates else POLICIES)), *surrogates]
    for ranker in [options.preset, *options.surrogates]:
        known = families_known_to(ranker) & SUITES.keys()
        if known:
            parser.error(f"{ranker} was trained on {sorted(known)}")
    file = options.output / "searches.json"
    searches = kept_results(file)
    cells = pool_cells(options.data, options.seeds, options.tasks)
    calls = [
        joblib.delayed(search_pool)(cell, missing, options.data, options.preset)
        for cell, missing in missing_searches(searches, cells, policies)
    ]
    searches = run_and_keep(file, searches, calls, options.workers)
    summary = summarise(searches, cells, policies)
    (options.output / "summary.json").write_text(json.dumps(summary, indent=1) + "\n")
    title = f"pools of {POOL_SIZE}, four families never seen, {options.seeds} pools a task"
    draw(summary, title, options.output)
    report(summary)


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
    _, name, seed = cell
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

    def ours(believed: np.ndarray, **arguments) -> Search:
        # The pool stays the same, and so does what is believed of it: it is asked for once.
        row_of = {key: row for row, key in enumerate(points.keys())}

        def prior(space, points):
            keys = points.keys()
            return believed[[row_of[key] for key in keys]]

        return PolicySearch(problem, GaussianProcessPolicy(prior, pool=points, **arguments), seed)

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
        **{policy: partial(ours_renamed, name_of) for policy, name_of in RENAMED.items()},
        RIVAL: lambda: PolicySearch(
            problem, GaussianProcessPolicy(DistanceToDefaults(), pool=points), seed
        ),
        PLAIN: lambda: PolicySearch(
            problem, GaussianProcessPolicy(num_initial=1, pool=points), seed
        ),
        TPE: lambda: get_contestant(TPE).start(problem, seed),
    }
    sign = 1.0 if problem.direction == "max" else -1.0
    found = {}
    for policy in policies:
        if policy in choosing:
            rows = choosing[policy]()[:NUM_TRIALS]
        elif policy.startswith(SURROGATE):
            search = surrogate_search(policy.removeprefix(SURROGATE), problem, points, seed)
            rows = ask(search, Lookup(blackbox.space, configurations), sign * utilities)
        else:
            lookup = Lookup(blackbox.space, configurations)
            rows = ask(asked[policy](), lookup, sign * utilities)
        regrets = (utilities.max() - np.maximum.accumulate(utilities[rows])) / scale
        found[key(policy, cell)] = [round(min(regrets[h - 1], MOST_REGRET), 5) for h in HORIZONS]
    return found


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


def summarise(searches: dict, cells: list, policies: list[str]) -> dict:
    """Means over seeds, tasks and families; targets; paired differences with their intervals."""
    rows = [(p, *cell[:2], *searches[key(p, cell)]) for p in policies for cell in cells]
    by_task, by_family, overall = mean_regrets(rows)
    families = list(dict.fromkeys(cell[0] for cell in cells))
    targets, ours_minus = {}, {}
    if OURS in policies:
        ours = overall.loc[OURS]
        targets = {f"@{h} <= {most}": bool(ours[f"@{h}"] <= most) for h, most in TARGETS.items()}
        if TPE in policies:
            targets["@5 <= TPE's @25"] = bool(ours["@5"] <= overall.loc[TPE, "@25"])
        found = differences(by_task, OURS)
        ours_minus = {policy: found[policy] for policy in policies if policy != OURS}
    harmed = share_worse_than_random(by_task) if RANDOM in policies else {}
    return {
        "pools": {"size": POOL_SIZE, "seeds": len({c[2] for c in cells}), "families": families},
        "regret": {
            policy: {
                "mean of families": overall.loc[policy].round(4).to_dict(),
                **{kind: by_family.loc[policy, kind].round(4).to_dict() for kind in families},
            }
            for policy in policies
        },
        "targets": targets,
        "ours minus": ours_minus,
        "share of tasks worse than random": harmed,
    }


def share_worse_than_random(by_task: pd.DataFrame) -> dict[str, dict[str, float]]:
    """By policy and horizon; mean of families."""
    families = ["policy", "family"]
    is_worse = by_task - by_task.loc[RANDOM] > WORSE_MARGIN
    shares = is_worse.groupby(families).mean().groupby("policy").mean().round(4)
    return {policy: shares.loc[policy].to_dict() for policy in shares.index.drop(RANDOM)}


def mean_regrets(rows: Sequence[tuple]) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Rows of policy, family, task and regrets to their means by task, by family and over all."""
    frame = pd.DataFrame(rows, columns=["policy", "family", "task", *COLUMNS])
    by_task = frame.groupby(["policy", "family", "task"]).mean()
    by_family = by_task.groupby(["policy", "family"]).mean()
    return by_task, by_family, by_family.groupby("policy").mean()


def differences(by_task: pd.DataFrame, ours: str) -> dict[str, dict[str, list[float]]]:
    """Paired differences of one policy to each other one, with their intervals, by horizon."""
    compared = {c: compare(by_task[c].unstack("policy"), ours).round(4) for c in COLUMNS}
    others = by_task.index.unique("policy").drop(ours)
    return {p: {c: compared[c].loc[p, BOUNDS].tolist() for c in COLUMNS} for p in others}


def draw(summary: dict, title: str, output: Path) -> None:
    figure = Figure(figsize=(7.5, 3.8), layout="constrained")
    axes = figure.subplots()
    for policy, rows in summary["regret"].items():
        width = 3.0 if policy == OURS else 1.5
        axes.plot(HORIZONS, rows["mean of families"].values(), "o-", label=policy, linewidth=width)
    if summary["targets"]:
        axes.plot(list(TARGETS), list(TARGETS.values()), "k_", markersize=14, label="target")
    axes.set(
        xscale="log",
        yscale="log",
        xlabel="trials",
        ylabel="normalised regret",
        title=title,
    )
    axes.set_xticks(HORIZONS, [str(h) for h in HORIZONS], minor=False)
    axes.minorticks_off()
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=8)
    figure.savefig(output / "regret.png", dpi=130)


def report(summary: dict) -> None:
    regrets = {p: rows["mean of families"] for p, rows in summary["regret"].items()}
    print_table("mean of families", regrets, ".3f")
    harmed = summary["share of tasks worse than random"]
    if harmed:
        print_table("share of tasks worse than random", harmed, ".0%")
    for target, met in summary["targets"].items():
        Console().print(f"{target}: {'met' if met else 'missed'}")


def print_table(title: str, rows: Mapping[str, Mapping[str, float]], form: str) -> None:
    table = Table(title, *COLUMNS)
    for policy, figures in rows.items():
        table.add_row(policy, *(f"{figures[column]:{form}}" for column in COLUMNS))
    Console().print(table)


if __name__ == "__main__":
    main()
