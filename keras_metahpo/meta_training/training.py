"""Meta-training of a ranker on synthetic and recorded tasks."""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from keras_metahpo.meta_training.batches import TokenizedTask
from keras_metahpo.meta_training.checkpoint import TrainingCheckpoint
from keras_metahpo.meta_training.config import OnStep, TrainingConfig
from keras_metahpo.meta_training.source_task import SourceTask
from keras_metahpo.meta_training.synthetic_prior import synthetic_task
from keras_metahpo.meta_training.trainer import RankerTrainer
from keras_metahpo.rankers import NetworkRanker

# Configurations of a synthetic task; a batch draws some of them.
SYNTHETIC_CONFIGURATIONS = 128


@dataclass(frozen=True)
class TrainingResult:
    """A trained ranker and how it came about.

    Attributes:
        ranker: The ranker of the best evaluation, or of the last step without validation tasks.
        config: How it was trained.
        curve: One dictionary an evaluation: step, loss and rank correlations by family.
        best_step: Step of the returned weights.
        elapsed_s: Seconds of training, its earlier parts included.
    """

    ranker: NetworkRanker
    config: TrainingConfig
    curve: list[dict[str, float]]
    best_step: int
    elapsed_s: float

    def as_card(self) -> dict:
        """The training facts of a preset's card."""
        return {
            "training": asdict(self.config),
            "curve": self.curve,
            "best_step": self.best_step,
            "training_s": round(self.elapsed_s, 1),
        }


def train_ranker(
    recorded: Sequence[SourceTask],
    validation: Sequence[SourceTask],
    config: TrainingConfig,
    on_step: OnStep = lambda done, total, stage: None,
    checkpoint: Path | None = None,
) -> TrainingResult:
    """Trains a ranker and keeps its best weights on the validation tasks.

    Args:
        recorded: Real tasks to learn from; may be empty.
        validation: Real tasks of other families, for early stopping; may be empty.
        config: How to train.
        on_step: Called with (steps done, steps in all, stage) for progress.
        checkpoint: File from which a training that was stopped goes on.
    """
    import keras

    started = time.perf_counter()
    keras.utils.set_random_seed(config.seed)
    rng = np.random.default_rng(config.seed)
    saved = None
    if checkpoint is not None:
        names = {
            "recorded": sorted(task.name for task in recorded),
            "validation": sorted(task.name for task in validation),
        }
        saved = TrainingCheckpoint(checkpoint, asdict(config) | names)
    synthetic = draw_synthetic(config.num_synthetic_tasks, rng, on_step)
    trainer = RankerTrainer(config, synthetic)
    curve, best_step = trainer.train(recorded, validation, rng, on_step, checkpoint=saved)
    elapsed_s = time.perf_counter() - started + (saved.spent_s if saved else 0.0)
    return TrainingResult(trainer.ranker, config, curve, best_step, elapsed_s)


def draw_synthetic(
    num_tasks: int,
    rng: np.random.Generator,
    on_step: OnStep = lambda done, total, stage: None,
) -> list[TokenizedTask]:
    """A pool of synthetic tasks."""
    synthetic = []
    for number in range(num_tasks):
        synthetic.append(TokenizedTask.of(synthetic_task(rng, SYNTHETIC_CONFIGURATIONS)))
        on_step(number + 1, num_tasks, "drawing synthetic tasks")
    return synthetic
