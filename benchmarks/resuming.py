"""Results and rankers that are kept as they come, so that a stopped run goes on."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import joblib
from rich.console import Console

from keras_metahpo.atomic import write_text
from keras_metahpo.history import TrialLog
from keras_metahpo.meta_training.config import TrainingConfig
from keras_metahpo.meta_training.preset import train_preset
from keras_metahpo.progress import progress_bars
from keras_metahpo.rankers.presets import CARD


def kept_results(file: Path) -> dict[str, Any]:
    """What an earlier run has found; nothing if there was none."""
    return json.loads(file.read_text()) if file.exists() else {}


def run_and_keep(
    file: Path, results: dict[str, Any], calls: Sequence, workers: int = 1
) -> dict[str, Any]:
    """The results and those of all calls, written to the file after each.

    Args:
        file: A JSON file.
        results: What was found before.
        calls: `joblib.delayed` ones, each of which returns results by key.
        workers: Processes.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    parallel = joblib.Parallel(workers, return_as="generator_unordered", batch_size=1)
    with progress_bars(Console()) as progress:
        bar = progress.add_task(file.stem, total=len(calls))
        for found in parallel(calls):
            results = results | found
            write_text(file, json.dumps(results) + "\n")
            progress.advance(bar)
    return results


def train_once(logs: Sequence[TrialLog], config: TrainingConfig, folder: Path) -> None:
    """Trains a ranker on synthetic tasks and these logs, unless that is done."""
    if not (folder / CARD).exists():
        train_preset(logs, (), config, folder)
