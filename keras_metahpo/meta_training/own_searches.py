"""Makes a preset of another one and one's own finished searches, with a card that says so."""

import os
import time
from collections.abc import Sequence
from dataclasses import asdict, replace

import keras
import numpy as np

from keras_metahpo.history import TrialLog
from keras_metahpo.meta_training.config import OnStep, TrainingConfig
from keras_metahpo.meta_training.fine_tuning import FINE_TUNING, FineTuning, fine_tune
from keras_metahpo.meta_training.preset import DESCRIPTIONS, LIMITS, trained_on_entry
from keras_metahpo.meta_training.source_task import SourceTask
from keras_metahpo.meta_training.trainer import rank_correlations
from keras_metahpo.rankers import Preset, save_preset

# Fewer completed trials, or all alike, have no order to learn.
MIN_TRIALS = 5
OWN_SEARCHES = "Fine-tuned on few searches: it may be wrong on problems that are unlike them. "


def is_learnable(log: TrialLog) -> bool:
    """Whether a search has hyperparameters, and enough completed trials that differ."""
    utilities = log.history().utilities
    finite = utilities[np.isfinite(utilities)]
    return len(log.space) > 0 and len(finite) >= MIN_TRIALS and np.ptp(finite) > 0


def fine_tune_preset(
    preset: Preset,
    logs: Sequence[TrialLog],
    output: str | os.PathLike,
    config: TrainingConfig = FINE_TUNING,
    on_step: OnStep = lambda done, total, stage: None,
) -> FineTuning:
    """Fine-tunes a preset on searches and saves it as another one.

    Args:
        preset: Where to start.
        logs: At least one learnable search, each under a name of its own.
        output: Directory of the new preset.
        config: How to train.
        on_step: Called with (steps done, steps in all, stage) for progress.

    Returns:
        The ranker and what it gained on searches that were held out.
    """
    started = time.perf_counter()
    # A search is a family of its own, so that correlations are told apart by its name.
    tasks = [replace(SourceTask.from_trial_log(log), family=log.card.name) for log in logs]
    known = {entry["name"] for entry in preset.card.get("trained_on", ())}
    unknown = [task for task in tasks if task.name not in known]
    result = fine_tune(preset.load(), tasks, unknown, config, on_step)
    old = preset.card
    entries = [trained_on_entry(log) | {"source": log.card.source} for log in logs]
    card = {
        "description": DESCRIPTIONS[preset.kind].removesuffix(".") + ", fine-tuned.",
        "trained_on": [*(e for e in old.get("trained_on", ()) if e not in entries), *entries],
        "fine_tuned_from": {"name": preset.name, "sha256": old.get("sha256")},
        "fine_tuned_on": [log.card.name for log in logs],
        "synthetic_tasks": old.get("synthetic_tasks", 0) + config.num_synthetic_tasks,
        "early_stopping_on": list(old.get("early_stopping_on", ())),
        "rank_correlations": {
            "trained": rank_correlations(result.ranker, tasks),
            "held_out": dict(result.after),
            "held_out_before": dict(result.before),
            "synthetic": result.synthetic_after,
            "synthetic_before": result.synthetic_before,
        },
        "limits": OWN_SEARCHES + old.get("limits", LIMITS).removeprefix(OWN_SEARCHES),
        "keras": keras.__version__,
        "backend": keras.backend.backend(),
        "training": asdict(config),
        "curve": [dict(point) for point in result.curve],
        "best_step": result.best_step,
        "part_of_the_way": result.part,
        "training_s": round(time.perf_counter() - started, 1),
    }
    save_preset(result.ranker, output, card)
    return result
