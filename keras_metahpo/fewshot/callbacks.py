"""Keras callbacks of meta-training: the budget, the learning rate, the curve and a progress bar."""

import math
import time
from dataclasses import dataclass

import keras

from keras_metahpo.errors import FewShotError


@dataclass(frozen=True)
class CurvePoint:
    """One validation.

    Attributes:
        elapsed_s: Seconds since training began, compilation and validations included.
        num_episodes: Training episodes so far.
        loss: Mean training loss since the last validation.
        validation_accuracy: On the validation episodes, from 0 to 1.
    """

    elapsed_s: float
    num_episodes: int
    loss: float
    validation_accuracy: float


class Budget(keras.callbacks.Callback):
    """Counts episodes and seconds; stops when either is used up, or at a loss that is not finite.

    Args:
        num_episodes: Training episodes at most, or `None`.
        max_seconds: Seconds at most, or `None`.
        episodes_per_batch: Episodes a batch.
    """

    def __init__(
        self, num_episodes: int | None, max_seconds: float | None, episodes_per_batch: int
    ):
        super().__init__()
        if (num_episodes is None and max_seconds is None) or any(
            limit is not None and limit <= 0 for limit in (num_episodes, max_seconds)
        ):
            raise FewShotError(
                "Training needs a positive budget: num_episodes, max_seconds or both. "
                f"Received: num_episodes={num_episodes}, max_seconds={max_seconds}."
            )
        self.num_episodes = num_episodes
        self.max_seconds = max_seconds
        self.episodes_per_batch = episodes_per_batch
        self.episodes_done = 0
        self.diverged = False
        self._started = 0.0

    @property
    def elapsed_s(self) -> float:
        return time.perf_counter() - self._started

    @property
    def spent(self) -> float:
        """Share of the budget that is used, from 0 to 1."""
        shares = (
            self.episodes_done / self.num_episodes if self.num_episodes else 0.0,
            self.elapsed_s / self.max_seconds if self.max_seconds else 0.0,
        )
        return min(1.0, max(shares))

    def on_train_begin(self, logs=None):
        self._started = time.perf_counter()

    def on_train_batch_end(self, batch, logs=None):
        self.episodes_done += self.episodes_per_batch
        self._stop_at_the_end(logs["loss"])

    def on_epoch_end(self, epoch, logs=None):
        self._stop_at_the_end(logs["val_loss"])

    def _stop_at_the_end(self, loss: float) -> None:
        self.diverged = self.diverged or not math.isfinite(loss)
        if self.diverged or self.spent >= 1.0:
            self.model.stop_training = True


class LearningRateHalving(keras.callbacks.Callback):
    """Halves the learning rate at equal distances over the budget, between validations.

    Args:
        budget: Says how much of the training is over.
        num_halvings: How often.
    """

    def __init__(self, budget: Budget, num_halvings: int):
        super().__init__()
        self.budget = budget
        self.num_halvings = num_halvings
        self._first = 0.0

    def on_train_begin(self, logs=None):
        self._first = float(self.model.optimizer.learning_rate)

    def on_epoch_begin(self, epoch, logs=None):
        halvings = min(self.num_halvings, int(self.budget.spent * (self.num_halvings + 1)))
        self.model.optimizer.learning_rate = self._first * 0.5**halvings


class LearningCurve(keras.callbacks.Callback):
    """Collects one `CurvePoint` a validation in `points`.

    Args:
        budget: Counts the episodes and the time.
    """

    def __init__(self, budget: Budget):
        super().__init__()
        self.budget = budget
        self.points: list[CurvePoint] = []

    def on_epoch_end(self, epoch, logs=None):
        self.points.append(
            CurvePoint(
                elapsed_s=self.budget.elapsed_s,
                num_episodes=self.budget.episodes_done,
                loss=float(logs["loss"]),
                validation_accuracy=float(logs["val_accuracy"]),
            )
        )


class ProgressBar(keras.callbacks.Callback):
    """One bar over the budget, with the last validation accuracy and the time left.

    Args:
        budget: Says how much of the training is over.
    """

    def __init__(self, budget: Budget):
        super().__init__()
        self.budget = budget
        self._accuracy = math.nan

    def on_train_begin(self, logs=None):
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:.0f} %"),
            TimeRemainingColumn(),
        )
        self._bar = self._progress.add_task("compiling", total=1.0)
        self._progress.start()

    def on_train_batch_end(self, batch, logs=None):
        text = f"{self.budget.episodes_done} episodes, loss {logs['loss']:.3f}"
        if math.isfinite(self._accuracy):
            text += f", validation {100 * self._accuracy:.1f} %"
        self._progress.update(self._bar, completed=self.budget.spent, description=text)

    def on_epoch_end(self, epoch, logs=None):
        self._accuracy = logs["val_accuracy"]

    def on_train_end(self, logs=None):
        self._progress.stop()
