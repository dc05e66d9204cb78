"""Leave-family-out inside the task library: trained on two families of it, searched on the third.

    python benchmarks/library.py --logs meta_dataset --output benchmarks/results/library

A ranker for each of image, text and few-shot tasks, trained on all logs of the other two, and
searches among the recorded configurations of the tasks it has not seen, by the policies of
`pools.py` and with its measures and targets. Trained rankers and finished searches are kept in the
output folder, so that a stopped run goes on.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import joblib
from pools import NUM_TRIALS, POLICIES, draw, missing_searches, report, search_pool, summarise
from resuming import kept_results, run_and_keep

from keras_metahpo.history import TrialLog
from keras_metahpo.meta_training.preset import train_preset
from keras_metahpo.meta_training.training import TrainingConfig
from keras_metahpo.rankers.presets import CARD

# As many distinct configurations as a search takes, so that its end still says something.
FEWEST = 2 * NUM_TRIALS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--logs", type=Path, default=Path("meta_dataset"), help="folder of them")
    parser.add_argument("--steps", type=int, default=6000, help="of each training")
    parser.add_argument("--synthetic", type=int, default=16000, help="tasks of each training")
    parser.add_argument("--seeds", type=int, default=3, help="searches a task")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--output", type=Path, default=Path("benchmarks/results/library"))
    options = parser.parse_args()
    logs = [TrialLog.open(str(path)) for path in sorted(options.logs.iterdir())]
    searched = [log for log in logs if len(distinct(log)) >= FEWEST]
    if not searched:
        parser.error(f"no log in {options.logs} has {FEWEST} configurations")
    config = TrainingConfig(num_steps=options.steps, num_synthetic_tasks=options.synthetic)
    families = sorted({log.card.family for log in searched})
    joblib.Parallel(options.workers, batch_size=1)(
        joblib.delayed(train_without)(family, logs, config, preset_of(family, options.output))
        for family in families
    )
    cells = [
        (log.card.family, log.card.name, seed) for log in searched for seed in range(options.seeds)
    ]
    file = options.output / "searches.json"
    searches = kept_results(file)
    calls = [
        joblib.delayed(search_pool)(
            cell, policies, options.logs, str(preset_of(cell[0], options.output))
        )
        for cell, policies in missing_searches(searches, cells, POLICIES)
    ]
    searches = run_and_keep(file, searches, calls, options.workers)
    summary = summarise(searches, cells, list(POLICIES))
    summary["pools"] = {"tasks": len(searched), "seeds": options.seeds, "families": families}
    (options.output / "summary.json").write_text(json.dumps(summary, indent=1) + "\n")
    draw(summary, f"{len(searched)} library tasks, their family held out", options.output)
    report(summary)


def distinct(log: TrialLog) -> set[bytes]:
    """Keys of the configurations, of which some were trained with several seeds."""
    return set(log.space.encode(log.history().configurations).keys())


def preset_of(family: str, output: Path) -> Path:
    return output / "rankers" / f"without_{family}"


def train_without(
    family: str, logs: Sequence[TrialLog], config: TrainingConfig, folder: Path
) -> None:
    """Trains a ranker on the logs of the other families, unless that is done."""
    if not (folder / CARD).exists():
        train_preset([log for log in logs if log.card.family != family], (), config, folder)


if __name__ == "__main__":
    main()
