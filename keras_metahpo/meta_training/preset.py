"""Trains a ranker and writes it as a preset with an honest card."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import keras

from keras_metahpo.history import TrialLog
from keras_metahpo.meta_training.break_even import break_even
from keras_metahpo.meta_training.config import TrainingConfig
from keras_metahpo.meta_training.source_task import SourceTask
from keras_metahpo.meta_training.trainer import rank_correlations
from keras_metahpo.meta_training.training import train_ranker
from keras_metahpo.rankers import (
    DeepKernelRanker,
    InContextRanker,
    RankingEnsembleRanker,
    RegressionRanker,
    save_preset,
)

CHECKPOINT = "training.npz"
DESCRIPTIONS = {
    InContextRanker.kind: "In-context ranking network over hyperparameter tokens.",
    RegressionRanker.kind: "Multilayer perceptron over hyperparameter tokens, by squared error.",
    DeepKernelRanker.kind: "Deep-kernel Gaussian process over hyperparameter tokens (FSBO).",
    RankingEnsembleRanker.kind: "Deep ranking ensemble over hyperparameter tokens.",
}
LIMITS = (
    "Ranks by the names, ranges and values of hyperparameters, and by the order, uncertainty and "
    "costs of observed trials; it does not see the data or the model. Trained on small image and "
    "text classifiers and on synthetic tasks, with at most 24 observed trials: expect "
    "little on problems unlike supervised deep learning, and on names that say nothing. "
    "MetaOracle asks it without a context: what a search observes is learnt by the Gaussian "
    "process on top of it."
)


def train_preset(
    logs: Sequence[TrialLog],
    held_out_families: Sequence[str],
    config: TrainingConfig,
    output: str | os.PathLike,
    on_step: Callable[[int, int, str], None] = lambda done, total, stage: None,
) -> dict:
    """Trains on all logs but the held-out families', and saves the preset; returns its card.

    A training that was stopped goes on from its checkpoint in the output directory.

    Args:
        logs: Trial logs of the source tasks.
        held_out_families: Families used for early stopping and not for training.
        config: How to train.
        output: Directory of the preset.
        on_step: Called with (steps done, steps in all, stage) for progress.
    """
    known = [log for log in logs if log.card.family not in held_out_families]
    held_out = [log for log in logs if log.card.family in held_out_families]
    trained, validation = (
        [SourceTask.from_trial_log(log) for log in part] for part in (known, held_out)
    )
    checkpoint = Path(output) / CHECKPOINT
    result = train_ranker(trained, validation, config, on_step, checkpoint)
    card = {
        "description": DESCRIPTIONS[config.kind],
        "trained_on": [trained_on_entry(log) for log in known],
        "synthetic_tasks": config.num_synthetic_tasks,
        "early_stopping_on": sorted(task.name for task in validation),
        "rank_correlations": {
            "trained": rank_correlations(result.ranker, trained),
            "held_out": rank_correlations(result.ranker, validation),
        },
        "limits": LIMITS,
        "keras": keras.__version__,
        "backend": keras.backend.backend(),
        **result.as_card(),
        "break_even": break_even(known, result.elapsed_s),
    }
    save_preset(result.ranker, output, card)
    checkpoint.unlink()
    return card


def trained_on_entry(log: TrialLog) -> dict:
    """What a card says of a source task, for those who must know what a preset has seen."""
    return {
        "name": log.card.name,
        "version": log.card.version,
        "num_trials": len(log.trials),
        "licence": log.card.licence,
        "dataset": log.card.features.get("dataset", ""),
        "hyperparameters": log.space.names,
    }
