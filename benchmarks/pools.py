"""Search among 512 recorded configurations of families that no ranker was trained on.

    python benchmarks/pools.py --data TABLES --seeds 10 --workers 2

A pool is 512 random configurations of a task, another one for each seed; regret is normalised
between the pool's best and its median configuration. Who can choose from a given set does so; the
others are answered by the nearest configuration. The targets were written down before training.
Finished searches are kept in the output folder, so that a stopped run goes on.
"""

import argparse
import json
from pathlib import Path

import joblib
from pool_policies import (
    LATEST,
    NEGATED,
    ONE_FIT,
    POLICIES,
    PORTFOLIO,
    RENAMED,
    STANDBY,
    SURROGATE,
)
from pool_searches import (
    POOL_SIZE,
    SUITES,
    families_known_to,
    missing_searches,
    pool_cells,
    search_pool,
)
from pool_summaries import draw, report, summarise
from resuming import kept_results, run_and_keep

from keras_metahpo.rankers import DEFAULT_PRESET


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of lcbench, taskset.npz")
    parser.add_argument("--preset", default=DEFAULT_PRESET, help="name or folder")
    known_policies = (*POLICIES, *RENAMED, ONE_FIT, NEGATED, STANDBY, PORTFOLIO)
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


if __name__ == "__main__":
    main()
