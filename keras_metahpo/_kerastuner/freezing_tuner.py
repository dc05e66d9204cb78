"""A tuner that trains a trial as far as its oracle says, and later goes on from there."""

import logging
import time
from pathlib import Path

import keras
from keras_tuner.src.engine import tuner_utils as _tuner_utils

from keras_metahpo._kerastuner.freezing import EPOCHS, FROZEN, INITIAL_EPOCH, IS_OVER
from keras_metahpo._kerastuner.frozen_training import FrozenTraining
from keras_metahpo._kerastuner.tuner import ReportingTuner

logger = logging.getLogger(__name__)


class FreezingTuner(ReportingTuner):
    """A tuner for `FreezingOracle`.

    Args:
        max_epochs: As that of the oracle.
        arguments: Those of `keras_tuner.Tuner`.

    Attributes:
        may_freeze: Whether trainings can be stopped and go on; otherwise each is a full one.
        training_began: When the running one would have begun if it had never stopped, by
            `time.perf_counter`.
    """

    may_freeze = True
    training_began = 0.0

    def __init__(self, *args, max_epochs: int | None = None, **arguments):
        super().__init__(*args, **arguments)
        self.max_epochs = max_epochs

    @property
    def seen_epochs(self) -> list[int]:
        """Numbers of the epochs that this trial has been trained until now."""
        raise NotImplementedError

    def is_out_of_time(self) -> bool:
        """Whether the training that runs now was cut short by the search's budget."""
        return False

    def run_trial(self, trial, *args, **kwargs):
        self._execution = 0
        return super().run_trial(trial, *args, **kwargs)

    def _build_and_fit_model(self, trial, *args, **kwargs):
        if EPOCHS not in trial.hyperparameters.values:
            return super()._build_and_fit_model(trial, *args, **kwargs)
        training = _Training(self, trial, self._execution, args, kwargs)
        self._execution += 1
        return training.run()


class _Training:
    """One execution of a trial, from the epoch where it stopped."""

    def __init__(self, tuner: FreezingTuner, trial, execution: int, args: tuple, kwargs: dict):
        self.tuner = tuner
        self.trial = trial
        self.values = trial.hyperparameters.values
        self.frozen = FrozenTraining(Path(tuner.get_trial_dir(trial.trial_id)) / FROZEN, execution)
        self.args = args
        self.kwargs = kwargs
        self.initial = self.values.get(INITIAL_EPOCH, 0)
        self.last: int = tuner.max_epochs or 1
        self.began = time.perf_counter()
        self.epochs: list[int] = []

    def run(self):
        """Trains; returns what the hypermodel's `fit` does, of these epochs."""
        model = self.tuner._try_build(self.trial.hyperparameters)
        if self.initial:
            facts = self.frozen.facts(self.initial)
            self._best_epoch.best_value = facts["best_value"]
            self.began -= facts["elapsed_s"]
            self.frozen.load(model, self.initial)
        self.tuner.training_began = self.began
        # A model's own `fit` may train as it likes.
        may_freeze = self.tuner.may_freeze and type(model).fit is keras.Model.fit
        target = self.values[EPOCHS] if may_freeze else self.last
        result = self._fit(model, self.initial, target)
        if not self._has_obeyed(result, target):
            return self._accept(result)
        trained = self.initial + len(result.epoch)
        if self.tuner.is_out_of_time():
            target = self.values[EPOCHS] = trained
        if trained < target:  # A callback has ended it.
            self._end()
        elif trained < self.last and not (self._is_measured(result) and self._save(model, trained)):
            _append(result, self._fit(model, trained, self.last))
            self._end()
        return result

    def _end(self) -> None:
        """Nothing is left to train, however many epochs it were."""
        self.values[EPOCHS], self.values[IS_OVER] = self.last, True

    def _fit(self, model, initial_epoch: int, epochs: int):
        hp, tuner = self.trial.hyperparameters, self.tuner
        told = {"initial_epoch": initial_epoch, "epochs": epochs}
        seen = len(tuner.seen_epochs)
        try:
            result = tuner.hypermodel.fit(hp, model, *self.args, **self.kwargs | told)
        except TypeError as error:
            if initial_epoch or not any(name in str(error) for name in told):
                raise
            result = tuner.hypermodel.fit(hp, model, *self.args, **self.kwargs)
        _tuner_utils.validate_trial_results(result, tuner.oracle.objective, "HyperModel.fit()")
        self.epochs = tuner.seen_epochs[seen:]
        return result

    def _has_obeyed(self, result, target: int) -> bool:
        """Whether it was one training, of the epochs that `fit` was told or the first of them."""
        if not isinstance(result, keras.callbacks.History) or not result.epoch:
            return False
        told = list(range(self.initial, target))
        return result.epoch == self.epochs == told[: len(result.epoch)]

    def _accept(self, result):
        """A training that goes its own way counts as a full one, unless it was to go on."""
        if self.initial:
            raise RuntimeError(
                f"`fit` must train from epoch {self.initial} to {self.values[EPOCHS]}. Received: "
                f"epochs {self.epochs}. Let the hypermodel's `fit` pass `initial_epoch` on to the "
                "model's, or leave out max_epochs."
            )
        logger.warning(
            "Trial %s counts as fully trained: `fit` of %s goes its own way (epochs %s). Let it "
            "pass all its arguments on to the model's `fit`, once, and return the result.",
            self.trial.trial_id,
            type(self.tuner.hypermodel).__name__,
            self.epochs,
        )
        self._end()
        return result

    def _is_measured(self, history) -> bool:
        """Whether the last epoch measured the objective; a full training does sometime."""
        names = {
            name for name, values in history.history.items() if len(values) == len(history.epoch)
        }
        return self.tuner.oracle.objective.has_value(dict.fromkeys(names, 0.0))

    def _save(self, model, epoch: int) -> bool:
        facts = {
            "best_value": float(self._best_epoch.best_value),
            "elapsed_s": time.perf_counter() - self.began,
        }
        try:
            self.frozen.save(model, epoch, self.initial, facts)
        except Exception as error:
            logger.warning(
                "Trial %s cannot be saved to go on later (%r), so it is trained to its end now.",
                self.trial.trial_id,
                error,
            )
            return False
        return True

    @property
    def _best_epoch(self):
        """KerasTuner's callback that keeps the best weights; it forgets the best value."""
        callbacks = self.kwargs["callbacks"]
        return next(c for c in callbacks if isinstance(c, _tuner_utils.SaveBestEpoch))


def _append(history, later) -> None:
    """Adds later epochs to a `History`."""
    history.epoch.extend(later.epoch)
    for name, values in later.history.items():
        history.history.setdefault(name, []).extend(values)
