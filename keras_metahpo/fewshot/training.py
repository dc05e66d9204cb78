"""Meta-training: `fit` of a learner on fresh episodes, within a budget, kept at its best."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass

import keras

from keras_metahpo.errors import FewShotError
from keras_metahpo.fewshot.callbacks import (
    Budget,
    CurvePoint,
    LearningCurve,
    LearningRateHalving,
    ProgressBar,
)
from keras_metahpo.fewshot.episode import Episode
from keras_metahpo.fewshot.evaluation import evaluation_batch_size
from keras_metahpo.fewshot.learner import FewShotLearner
from keras_metahpo.fewshot.metrics import FiniteAccuracy
from keras_metahpo.fewshot.sampler import EpisodeDataset, EpisodeSampler, FixedEpisodeDataset

LEARNING_RATE = 1e-3


@dataclass(frozen=True)
class MetaTraining:
    """How a training went.

    Attributes:
        curve: One point a validation.
        elapsed_s: Seconds of the whole training.
    """

    curve: tuple[CurvePoint, ...]
    elapsed_s: float

    @property
    def num_episodes(self) -> int:
        """Training episodes."""
        return self.curve[-1].num_episodes

    @property
    def best(self) -> CurvePoint:
        """The first validation with the highest accuracy, whose weights the learner has."""
        return max(self.curve, key=lambda point: point.validation_accuracy)


def meta_train(
    learner: FewShotLearner,
    sampler: EpisodeSampler,
    validation_episodes: Sequence[Episode],
    *,
    num_episodes: int | None = None,
    max_seconds: float | None = None,
    optimizer: keras.optimizers.Optimizer | None = None,
    num_halvings: int = 0,
    episodes_per_batch: int = 1,
    validate_every: int = 500,
    patience: int | None = None,
    seed: int = 0,
    show_progress: bool = False,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    jit_compile: bool | str | None = None,
) -> MetaTraining:
    """Trains a learner and leaves it with its best weights on the validation episodes.

    It compiles the learner with a sparse categorical cross-entropy on its logits and calls `fit`;
    what Keras calls an epoch is the training between two validations. Weights and dropout follow
    Keras's own seed (`keras.utils.set_random_seed`).

    Args:
        learner: Any learner; trained in place.
        sampler: Draws the training episodes.
        validation_episodes: Episodes of one shape, of classes that are not trained on.
        num_episodes: Training episodes at most.
        max_seconds: Seconds at most, compilation and validations included. What is under way when
            they are over (a batch, and the last validation) is finished.
        optimizer: `Adam(1e-3)` unless given.
        num_halvings: How often the learning rate is halved, at equal distances over the budget.
        episodes_per_batch: Episodes a gradient step.
        validate_every: Training episodes between validations.
        patience: Validations without a new best after which training ends; `None` for no end.
        seed: Of the training episodes.
        show_progress: Shows a progress bar.
        callbacks: Further callbacks of `fit`.
        jit_compile: As in `compile`. `None` leaves it to Keras, except with TensorFlow, where it
            is off: XLA made episodes slower on CPUs.

    Raises:
        FewShotError: if the budget is missing, or the training or validation loss is not finite.
    """
    budget = Budget(num_episodes, max_seconds, episodes_per_batch)
    curve = LearningCurve(budget)
    steps = max(1, validate_every // episodes_per_batch)
    compile_learner(learner, optimizer, jit_compile)
    followers: list[keras.callbacks.Callback] = [budget, curve]
    if num_halvings:
        followers.append(LearningRateHalving(budget, num_halvings))
    if show_progress:
        followers.append(ProgressBar(budget))
    keep_best = keras.callbacks.EarlyStopping(
        monitor="val_accuracy",
        mode="max",
        patience=sys.maxsize if patience is None else patience,
        restore_best_weights=True,
    )
    validation = FixedEpisodeDataset(
        validation_episodes, evaluation_batch_size(validation_episodes)
    )
    learner.fit(
        EpisodeDataset(sampler, steps, episodes_per_batch, seed),
        validation_data=validation,
        epochs=sys.maxsize,  # The budget ends it.
        shuffle=False,  # Shuffled by a global generator, the last batches would not be the seed's.
        callbacks=[*followers, keep_best, *callbacks],
        verbose=0,
    )
    if budget.diverged:
        raise FewShotError(
            f"Training {learner.name} needs finite losses. Received: one that is not, after "
            f"{budget.episodes_done} episodes. Lower the learning rate, or give the optimizer a "
            "`clipnorm`."
        )
    return MetaTraining(tuple(curve.points), budget.elapsed_s)


def compile_learner(
    learner: FewShotLearner,
    optimizer: keras.optimizers.Optimizer | None = None,
    jit_compile: bool | str | None = None,
) -> None:
    """Compiles a learner for `fit` and `evaluate` on episodes; arguments as in `meta_train`."""
    if jit_compile is None:
        jit_compile = False if keras.backend.backend() == "tensorflow" else "auto"
    learner.compile(
        optimizer=keras.optimizers.Adam(LEARNING_RATE) if optimizer is None else optimizer,
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=[FiniteAccuracy()],
        jit_compile=jit_compile,
    )
