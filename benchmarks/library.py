"""Leave-family-out inside the task library: trained on two families of it, searched on the third.

    python benchmarks/library.py --logs meta_dataset --output benchmarks/results/library
    python benchmarks/library.py --preset base --seeds 5 --output benchmarks/results/library_unseen

A ranker for each of image, text and few-shot tasks, trained on all logs of the other two, and one
of synthetic tasks alone, which tells what real runs of other families add. Searches among the
recorded configurations of the tasks that a ranker has not seen, by the policies of `pools.py`, also
by a Gaussian process that is fitted once, and with its measures. A pool is three quarters of a
task's configurations, others for each seed. With `--preset` nothing is trained: the preset searches
the tasks that it has not seen. Trained rankers and finished searches are kept in the output folder,
so that a stopped run goes on.
"""

import argparse
import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import joblib
from pool_policies import NUM_TRIALS, ONE_FIT, OURS, POLICIES
from pool_searches import key, missing_searches, search_pool
from pool_summaries import draw, report, summarise
from resuming import kept_results, run_and_keep, train_once

from keras_metahpo.benchmark.contestants.kerastuner import trained_on
from keras_metahpo.history import TrialLog, find_logs
from keras_metahpo.meta_training.config import TrainingConfig
from keras_metahpo.rankers import Preset

# Three searches' worth of distinct configurations, so that the end of one still says something.
POOL_SIZE = 3 * NUM_TRIALS
SYNTHETIC = f"{OURS}, synthetic tasks only"
SEARCHED_BY = (*POLICIES, ONE_FIT, SYNTHETIC)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--logs", type=Path, default=Path("meta_dataset"), help="folder of them")
    parser.add_argument("--preset", help="name or folder; instead of training rankers")
    parser.add_argument("--steps", type=int, default=6000, help="of each training")
    parser.add_argument("--synthetic", type=int, default=16000, help="tasks of each training")
    parser.add_argument("--seeds", type=int, default=3, help="searches a task")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--output", type=Path, default=Path("benchmarks/results/library"))
    options = parser.parse_args()
    logs, _ = find_logs([str(options.logs)])
    searched = [log for log in logs if len(distinct(log)) > POOL_SIZE]
    policies = list(SEARCHED_BY)
    if options.preset:
        seen = trained_on(Preset(options.preset).card)
        searched = [log for log in searched if log.card.name not in seen]
        policies.remove(SYNTHETIC)
    if not searched:
        parser.error(f"no unseen log in {options.logs} has more than {POOL_SIZE} configurations")
    if not options.preset:
        train_rankers(logs, {log.card.family for log in searched}, options)
    cells = [
        (log.card.family, log.card.name, seed) for log in searched for seed in range(options.seeds)
    ]
    file = options.output / "searches.json"
    searches = kept_results(file)
    calls = [
        joblib.delayed(search)(cell, missing, options)
        for cell, missing in missing_searches(searches, cells, policies)
    ]
    searches = run_and_keep(file, searches, calls, options.workers)
    summary = summarise(searches, cells, policies)
    families = sorted({cell[0] for cell in cells})
    summary["pools"] |= {"size": POOL_SIZE, "tasks": len(searched), "families": families}
    summary["targets"] = {}  # Those are of pools that no tuner had a hand in.
    (options.output / "summary.json").write_text(json.dumps(summary, indent=1) + "\n")
    held_out = "none of them seen" if options.preset else "their family held out"
    draw(summary, f"{len(searched)} library tasks, {held_out}", options.output)
    report(summary)


def train_rankers(
    logs: Sequence[TrialLog], families: Iterable[str], options: argparse.Namespace
) -> None:
    """A ranker without each family, and one of synthetic tasks alone."""
    config = TrainingConfig(num_steps=options.steps, num_synthetic_tasks=options.synthetic)
    rankers = {
        without(family, options): [log for log in logs if log.card.family != family]
        for family in families
    } | {synthetic_only(options): []}
    joblib.Parallel(options.workers, batch_size=1)(
        joblib.delayed(train_once)(known, config, folder) for folder, known in rankers.items()
    )


def distinct(log: TrialLog) -> set[bytes]:
    """Keys of the configurations, of which some were trained with several seeds."""
    return set(log.space.encode(log.history().configurations).keys())


def without(family: str, options: argparse.Namespace) -> Path:
    return options.output / "rankers" / f"without_{family}"


def synthetic_only(options: argparse.Namespace) -> Path:
    return options.output / "rankers" / "synthetic_only"


def search(
    cell: tuple[str, str, int], policies: Sequence[str], options: argparse.Namespace
) -> dict[str, list[float]]:
    """Searches one task by several policies, with a ranker that has not seen it."""
    usual = [policy for policy in policies if policy != SYNTHETIC]
    ranker = options.preset or str(without(cell[0], options))
    found = search_pool(cell, usual, options.logs, ranker, POOL_SIZE)
    if SYNTHETIC in policies:
        alone = search_pool(cell, [OURS], options.logs, str(synthetic_only(options)), POOL_SIZE)
        found[key(SYNTHETIC, cell)] = alone[key(OURS, cell)]
    return found


if __name__ == "__main__":
    main()
