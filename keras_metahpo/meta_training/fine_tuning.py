"""Fine-tunes a ranker on one's own finished searches, and measures what that gains and costs.

Cross-validation over the searches says how long to train; then all of them are trained on. If more
is forgotten than is allowed, the weights go back on the line to where they started, which keeps
most of what was learnt (Wortsman et al., 2022, "Robust fine-tuning of zero-shot models").
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import keras
import numpy as np

from keras_metahpo.meta_training.config import OnStep, TrainingConfig
from keras_metahpo.meta_training.source_task import SourceTask
from keras_metahpo.meta_training.synthetic_prior import synthetic_task
from keras_metahpo.meta_training.trainer import NOT_FAMILIES, RankerTrainer, rank_correlations
from keras_metahpo.meta_training.training import draw_synthetic
from keras_metahpo.rankers import NetworkRanker

# Three searches whose best learning rate is 0.5 cost a quarter of the rank correlation on synthetic
# tasks (.44 to .33) with a share of 0.25 and a pool of 300, and 4 % (.42) with these.
FINE_TUNING = TrainingConfig(
    num_steps=200,
    num_synthetic_tasks=800,
    recorded_share=0.125,
    learning_rate=2e-4,
    evaluate_every=40,
)
NUM_FOLDS = 3
# Synthetic tasks, none of them trained on, say what was forgotten: correlation that may be lost.
NUM_PROBES, PROBE_CONFIGURATIONS = 32, 64
MAX_FORGOTTEN = 0.05
# Parts of the way from the first weights to the last ones, the longest first.
PARTS = (1.0, 0.8, 0.6, 0.4, 0.2)


@dataclass(frozen=True)
class FineTuning:
    """A fine-tuned ranker and how it came about.

    Attributes:
        ranker: The ranker.
        best_step: Steps that it was trained for; 0 where training helped no held-out search.
        part: How far it went from the first weights to the last ones.
        curve: One dictionary an evaluation of the cross-validation: step, correlation of each
            held-out search by name, and their mean; empty without cross-validation.
        before, after: Zero-shot rank correlations of held-out searches by name, and their mean as
            `"mean"`; empty without cross-validation.
        synthetic_before, synthetic_after: Rank correlation on synthetic tasks.
    """

    ranker: NetworkRanker
    best_step: int
    part: float
    curve: Sequence[Mapping[str, float]]
    before: Mapping[str, float]
    after: Mapping[str, float]
    synthetic_before: float
    synthetic_after: float


def fine_tune(
    start: NetworkRanker,
    tasks: Sequence[SourceTask],
    held_out: Sequence[SourceTask],
    config: TrainingConfig,
    on_step: OnStep = lambda done, total, stage: None,
) -> FineTuning:
    """Fine-tunes a ranker, which stays as it is.

    Args:
        start: Where to start.
        tasks: Searches to learn from, each a family of its own.
        held_out: Those of them that may be held out of training in turn, to say what is gained:
            `start` must not know them.
        config: How to train; with cross-validation, for this many steps at the most.
        on_step: Called with (steps done, steps in all, stage) for progress.
    """
    keras.utils.set_random_seed(config.seed)
    rng = np.random.default_rng(config.seed)
    probes = [synthetic_task(rng, PROBE_CONFIGURATIONS) for _ in range(NUM_PROBES)]
    synthetic = draw_synthetic(config.num_synthetic_tasks, rng, on_step)
    trainer = RankerTrainer(config, synthetic, start)
    # The trainer's network, which is compiled anyway, still has the weights of the start.
    limit = _mean(trainer.ranker, probes) - MAX_FORGOTTEN
    folds = _folds(tasks, held_out)
    curve, snapshots = _cross_validate(trainer, tasks, folds, rng, on_step)
    best_step = int(max(curve, key=lambda p: p["mean"])["step"]) if curve else config.num_steps
    after: dict[str, float] = {}
    for fold, weights in zip(folds, snapshots, strict=True):
        trainer.ranker.network.set_weights(weights[best_step])
        restrain(trainer.ranker, start, probes, limit)
        after |= _by_name(rank_correlations(trainer.ranker, fold))
    trainer.train(tasks, [], rng, on_step, last_step=best_step)
    part = restrain(trainer.ranker, start, probes, limit)
    return FineTuning(
        ranker=trainer.ranker,
        best_step=best_step,
        part=part,
        curve=curve,
        before=_with_mean(_by_name(curve[0])) if curve else {},
        after=_with_mean(after) if curve else {},
        synthetic_before=round(limit + MAX_FORGOTTEN, 4),
        synthetic_after=_mean(trainer.ranker, probes),
    )


def _cross_validate(
    trainer: RankerTrainer,
    tasks: Sequence[SourceTask],
    folds: Sequence[Sequence[SourceTask]],
    rng: np.random.Generator,
    on_step: OnStep,
) -> tuple[list[dict[str, float]], list[dict[int, list]]]:
    """Trains without each fold in turn.

    Returns:
        One dictionary an evaluation, of all folds: step, correlation of each held-out search by
        name, and their mean. And the weights of each fold by step.
    """
    curves, snapshots = [], []
    for number, fold in enumerate(folds, start=1):
        weights: dict[int, list] = {}

        def keep(step: int, weights: dict[int, list] = weights) -> None:
            weights[step] = trainer.ranker.network.get_weights()

        names = {task.name for task in fold}
        others = [task for task in tasks if task.name not in names]
        stage = f"cross-validation {number} of {len(folds)}"
        curve, _ = trainer.train(others, fold, rng, on_step, stage=stage, on_evaluation=keep)
        curves.append(curve)
        snapshots.append(weights)
    return [_merged(points) for points in zip(*curves, strict=True)], snapshots


def restrain(
    ranker: NetworkRanker, start: NetworkRanker, probes: Sequence[SourceTask], limit: float
) -> float:
    """Moves the ranker's weights towards the start's until it forgets no more than is allowed.

    Args:
        ranker: Its weights change.
        start: Where its training started.
        probes: Tasks that tell what was forgotten.
        limit: Least mean rank correlation on them; the start's own weights end the search.

    Returns:
        The part of the way that is left, from 0 to 1.
    """
    first, last = start.network.get_weights(), ranker.network.get_weights()
    for part in PARTS:
        between = [(1 - part) * a + part * b for a, b in zip(first, last, strict=True)]
        ranker.network.set_weights(between)
        if _mean(ranker, probes) >= limit:
            return part
    ranker.network.set_weights(first)
    return 0.0


def _folds(
    tasks: Sequence[SourceTask], held_out: Sequence[SourceTask]
) -> list[Sequence[SourceTask]]:
    """What is held out in turn; nothing where nothing would be left to train on."""
    if len(tasks) < 2 or not held_out:
        return []
    num_folds = min(NUM_FOLDS, len(held_out))
    folds = [held_out[number::num_folds] for number in range(num_folds)]
    return [fold for fold in folds if len(fold) < len(tasks)]


def _mean(ranker: NetworkRanker, probes: Sequence[SourceTask]) -> float:
    return rank_correlations(ranker, probes)["mean"]


def _merged(points: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """One evaluation, over all folds."""
    by_name = {n: value for point in points for n, value in _by_name(point).items()}
    return {"step": points[0]["step"], **_with_mean(by_name)}


def _by_name(correlations: Mapping[str, float]) -> dict[str, float]:
    return {n: value for n, value in correlations.items() if n not in NOT_FAMILIES}


def _with_mean(by_name: Mapping[str, float]) -> dict[str, float]:
    return {**by_name, "mean": round(float(np.mean(list(by_name.values()))), 4)}
