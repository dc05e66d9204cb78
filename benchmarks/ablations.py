"""What each part of the ranker and its meta-training is worth.

    python benchmarks/ablations.py --data TABLES

Trains the ranker anew without one part at a time, for a ninth of the bundled preset's steps, and
searches the pools of `pools.py` with it. What a part is worth is the paired difference to the
ranker with all of them; how much of that is chance is told by the same ranker from other training
seeds. Trained rankers and finished searches are kept in the output folder, so that a stopped run
goes on.
"""

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from unittest import mock

import joblib
import numpy as np
from pool_policies import NO_NAMES, ORDER, OURS, PORTFOLIO, STANDBY
from pool_searches import HORIZONS, SUITES, key, missing_searches, pool_cells, search_pool
from pool_summaries import differences, mean_regrets
from resuming import kept_results, run_and_keep, train_once
from rich.console import Console
from rich.table import Table

from keras_metahpo.atomic import write_text
from keras_metahpo.history import find_logs
from keras_metahpo.meta_training.config import TrainingConfig
from keras_metahpo.rankers import Tokens
from keras_metahpo.tasks import get_suite

FULL = "all parts"
TRAINING_SUITES = ("image-small@1", "text-small@1", "fewshot-small@1")
CONFIG = TrainingConfig(num_steps=2000, num_synthetic_tasks=6000)
# Where `_cells` tells physical values and ranges: magnitudes, and distances from 1.
PHYSICAL = [6, 7, 8, 9, 12, 13, 14, 15]


def without_names(tokens: Tokens, rng) -> Tokens:
    return replace(tokens, names=np.zeros_like(tokens.names), roles=np.zeros_like(tokens.roles))


def without_physical_values() -> Callable:
    from keras_metahpo.rankers.tokens import _cells

    def cells(*args):
        found = _cells(*args)
        found[:, PHYSICAL] = 0.0
        return found

    return cells


def no_listwise_loss(scores, weights, is_query):
    from keras import ops

    return ops.zeros_like(scores[..., 0])


def listwise_prior_mean(self, space, points) -> np.ndarray:
    return self.score(None, self.tokens(space, points)).score[0]


@dataclass(frozen=True)
class Variant:
    """A ranker without one part.

    Attributes:
        what: What is different.
        config: Other settings of its training.
        has_recorded: Whether it learns from real runs.
        trained: Name of the variant whose ranker it is; its own by default.
        in_both: Replacements in training and searching: dotted name -> what makes them.
        in_training, in_searching: Replacements in one of them.
        policy: As in `pools.py`.
    """

    what: str
    config: Mapping = field(default_factory=dict)
    has_recorded: bool = True
    trained: str | None = None
    in_both: Mapping[str, Callable] = field(default_factory=dict)
    in_training: Mapping[str, Callable] = field(default_factory=dict)
    in_searching: Mapping[str, Callable] = field(default_factory=dict)
    policy: str = OURS


BATCHES = "keras_metahpo.meta_training.batches"
VARIANTS = {
    FULL: Variant("the bundled preset's recipe"),
    "another seed": Variant("the same, other random numbers", {"seed": 1}),
    "a third seed": Variant("the same, other random numbers", {"seed": 2}),
    "no names": Variant(
        "roles and names blank",
        in_training={f"{BATCHES}.drop_names": lambda: without_names},
        policy=NO_NAMES,
    ),
    "no physical values": Variant(
        "positions in the range only",
        in_both={"keras_metahpo.rankers.tokens._cells": without_physical_values},
    ),
    "no augmentation": Variant(
        "real runs as they are, but for dropped names",
        in_training={f"{BATCHES}.augment": lambda: lambda task, *_: task},
    ),
    "no synthetic prior": Variant(
        "real runs only", {"recorded_share": 1.0, "num_synthetic_tasks": 64}
    ),
    "no real runs": Variant("synthetic tasks only", has_recorded=False),
    "no listwise loss": Variant(
        "likelihood of the bars only",
        in_training={"keras_metahpo.rankers.losses.plackett_luce_loss": lambda: no_listwise_loss},
    ),
    "one member": Variant("not three", {"network": {"num_members": 1}}),
    "listwise score": Variant(
        "the prior mean is the listwise score, not the bars' mean",
        trained=FULL,
        in_searching={"keras_metahpo.rankers.base.Ranker.prior_mean": lambda: listwise_prior_mean},
    ),
    "no Gaussian process": Variant(
        "the ranker's zero-shot order to the end", trained=FULL, policy=ORDER
    ),
    "no doubt": Variant(
        "a prior mean that misleads is never doubted",
        trained=FULL,
        in_searching={"keras_metahpo.gaussian_process.fitting.ODDS_OF_BELIEF": lambda: np.inf},
    ),
    # Added, not taken away: `pools.py` searches without them.
    "and a standby": Variant(
        "every fourth trial by a process without the ranker", trained=FULL, policy=STANDBY
    ),
    "and a portfolio": Variant(
        "first, the best of the family's other tasks", trained=FULL, policy=PORTFOLIO
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of lcbench, taskset.npz")
    parser.add_argument("--logs", type=Path, default=Path("meta_dataset"))
    parser.add_argument("--variants", nargs="+", choices=list(VARIANTS), default=list(VARIANTS))
    parser.add_argument("--seeds", type=int, default=2, help="pools a task")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--output", type=Path, default=Path("benchmarks/results/ablations"))
    options = parser.parse_args()
    file = options.output / "searches.json"
    searches = kept_results(file)
    cells = pool_cells(options.data, options.seeds)
    missing = {
        name: missing_searches(searches.get(name, {}), cells, [VARIANTS[name].policy])
        for name in options.variants
    }
    unsearched = [name for name in options.variants if missing[name]]
    joblib.Parallel(options.workers, batch_size=1)(
        joblib.delayed(train)(name, options) for name in dict.fromkeys(map(ranker_of, unsearched))
    )
    calls = [
        joblib.delayed(run_variant)(name, missing[name], searches.get(name, {}), options)
        for name in unsearched
    ]
    searches = run_and_keep(file, searches, calls, options.workers)
    summary = summarise({name: searches[name] for name in options.variants}, cells)
    write_text(options.output / "summary.json", json.dumps(summary, indent=1) + "\n")
    report(summary)


def ranker_of(name: str) -> str:
    """The variant whose ranker a variant searches with."""
    return VARIANTS[name].trained or name


def folder_of(name: str, options: argparse.Namespace) -> Path:
    return options.output / "rankers" / ranker_of(name).replace(" ", "_")


def run_variant(
    name: str,
    missing: Sequence[tuple[tuple, list[str]]],
    found: dict,
    options: argparse.Namespace,
) -> dict[str, dict[str, list[float]]]:
    """By the variant's name: regrets of all pools at the horizons, by cell."""
    variant, preset = VARIANTS[name], str(folder_of(name, options))
    with replaced(variant.in_both | variant.in_searching):
        for cell, policies in missing:
            found |= search_pool(cell, policies, options.data, preset)
    return {name: found}


def train(name: str, options: argparse.Namespace) -> None:
    """Trains the ranker of a variant, unless that is done."""
    variant = VARIANTS[name]
    tasks = {task for suite in TRAINING_SUITES for task in get_suite(suite).meta_train}
    recorded, _ = find_logs([str(options.logs)])
    recorded = [log for log in recorded if log.card.name in tasks and variant.has_recorded]
    with replaced(variant.in_both | variant.in_training):
        train_once(recorded, replace(CONFIG, **variant.config), folder_of(name, options))


def replaced(replacements: Mapping[str, Callable]) -> ExitStack:
    stack = ExitStack()
    for name, make in replacements.items():
        stack.enter_context(mock.patch(name, make()))
    return stack


def summarise(searches: Mapping[str, dict], cells: Sequence[tuple]) -> dict:
    """Means over pools, tasks and families, and paired differences to the ranker with all parts."""
    rows = [
        (name, *cell[:2], *found[key(VARIANTS[name].policy, cell)])
        for name, found in searches.items()
        for cell in cells
    ]
    by_task, _, overall = mean_regrets(rows)
    worth = differences(by_task, FULL)
    return {
        "families": list(SUITES),
        "variants": {
            name: {
                "what": VARIANTS[name].what,
                "regret": overall.loc[name].round(4).to_dict(),
                "worth": worth.get(name, {}),
            }
            for name in searches
        },
    }


def report(summary: dict) -> None:
    table = Table("without", "what", *(f"@{h}" for h in HORIZONS), "worth @5", "95 % interval")
    for name, facts in summary["variants"].items():
        worth = ["", ""]
        if facts["worth"]:
            difference, low, high = facts["worth"]["@5"]
            # All parts minus the variant is below zero where the part helps.
            worth = [f"{0.0 - difference:+.3f}", f"{0.0 - high:+.3f} to {0.0 - low:+.3f}"]
        table.add_row(name, facts["what"], *(f"{x:.3f}" for x in facts["regret"].values()), *worth)
    Console(width=150).print(table)


if __name__ == "__main__":
    main()
