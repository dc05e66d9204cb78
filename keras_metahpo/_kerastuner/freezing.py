"""Trials whose training stops early and may go on later: freezing and thawing.

A frozen trial is a completed one: it has a score and a usable model. To thaw it is to hand the
same trial out again. How far it is to be trained stands among its values, as Hyperband does it,
so that a worker on another machine is told as well.
"""

import logging
import shutil
from pathlib import Path

from keras_tuner.engine.trial import Trial, TrialStatus

from keras_metahpo._kerastuner.oracle import DurableOracle, synchronized

logger = logging.getLogger(__name__)

# Train from INITIAL_EPOCH to EPOCHS; IS_OVER: it cannot go on, whatever epochs are left.
INTERNAL_PREFIX = "tuner/"
EPOCHS, INITIAL_EPOCH = "tuner/epochs", "tuner/initial_epoch"
IS_OVER = "tuner/is_over"
# Where a trial's folder keeps what its training needs to go on.
FROZEN = "frozen"


def configuration_of(trial) -> dict:
    """A trial's values without KerasTuner's bookkeeping."""
    values = trial.hyperparameters.values
    return {name: value for name, value in values.items() if not name.startswith(INTERNAL_PREFIX)}


def goes_on(trial) -> bool:
    """Whether a trial's latest training began where an earlier one had stopped."""
    return bool(trial.hyperparameters.values.get(INITIAL_EPOCH))


class FreezingOracle(DurableOracle):
    """An oracle that may hand a trial out again, to be trained further."""

    def __init__(self, *args, max_epochs: int | None = None, **kwargs):
        super().__init__(*args, **kwargs)
        self.max_epochs = max_epochs
        self.num_thaws = 0

    def next_training(self, trial_id: str, may_begin: bool) -> tuple[str, int] | None:
        """What to train next; subclasses that freeze trainings say it.

        Args:
            trial_id: Of the next new trial.
            may_begin: Whether there may be a new trial.

        Returns:
            The new trial, or a frozen one that is to go on, and the epochs to train it to, counted
            from its beginning; `None` for nothing.
        """
        raise NotImplementedError

    def is_budget_spent(self) -> bool:
        """Whether the search is over, whatever else is left."""
        return False

    def wants_no_more(self) -> bool:
        """Whether there are to be no more new trials."""
        return False

    def _trial_for(self, tuner_id):
        if self.is_budget_spent():
            return self._dismiss(tuner_id)
        if self._retry_queue:
            return super()._trial_for(tuner_id)
        has_enough = self.wants_no_more()
        if self.max_epochs is None:
            return self._dismiss(tuner_id) if has_enough else super()._trial_for(tuner_id)
        trial_id = f"{len(self.trials):0{len(str(self.max_trials))}d}"
        is_full = bool(self.max_trials) and len(self.trials) >= self.max_trials
        may_begin = not is_full and not has_enough
        training = self.next_training(trial_id, may_begin)
        if training is not None and training[0] in self.trials:
            return self._thaw(tuner_id, *training)
        if training is not None:
            return super()._trial_for(tuner_id)
        if self.ongoing_trials:  # One of them may yet deserve to go on.
            return Trial(self.get_space(), trial_id, TrialStatus.IDLE)
        return self._dismiss(tuner_id)

    def _thaw(self, tuner_id: str, trial_id: str, epochs: int):
        trial = self.trials[trial_id]
        values = trial.hyperparameters.values
        values[INITIAL_EPOCH], values[EPOCHS] = values[EPOCHS], epochs
        trial.status = TrialStatus.RUNNING
        self.num_thaws += 1
        self.end_order = [ended for ended in self.end_order if ended != trial_id]
        self._run_times[trial_id] = 0
        self.tuner_ids.add(tuner_id)
        self.ongoing_trials[tuner_id] = trial
        self._save_trial(trial)
        self.save()
        self._display.on_trial_begin(trial)
        return trial

    def thawed_trials(self) -> list:
        """Trials that run now and have been trained before."""
        return [trial for trial in self.ongoing_trials.values() if goes_on(trial)]

    def _release(self, trial):
        """A thawed trial is what it was; another one is run again from its beginning."""
        if not goes_on(trial):
            super()._release(trial)
            return
        self._freeze_again(trial)
        self.end_order.append(trial.trial_id)

    @synchronized
    def end_trial(self, trial):
        if trial.status != TrialStatus.COMPLETED and goes_on(trial):
            logger.warning(
                "Trial %s failed when its training went on after epoch %d. What it had reached by "
                "then counts, and it is not trained further. The failure was:\n%s",
                trial.trial_id,
                trial.hyperparameters.values[INITIAL_EPOCH],
                trial.message,
            )
            known = self.trials[trial.trial_id]
            known.hyperparameters = trial.hyperparameters
            self._freeze_again(known)
            known.hyperparameters.values[IS_OVER] = True
            trial = known
        super().end_trial(trial)

    def _freeze_again(self, trial) -> None:
        """Makes a trial what it was before it was thawed."""
        values = trial.hyperparameters.values
        values[EPOCHS] = values[INITIAL_EPOCH]
        config = trial.metrics.get_config()
        for metric in config["metrics"].values():
            metric["observations"] = [
                o for o in metric["observations"] if o["step"] < values[INITIAL_EPOCH]
            ]
        trial.metrics = type(trial.metrics).from_config(config)
        trial.status = TrialStatus.COMPLETED
        self.score_trial(trial)
        self._save_trial(trial)

    def _reconcile(self):
        """A thawed trial that was interrupted is frozen again, not trained from its beginning."""
        for trial in self.trials.values():
            if trial.status == TrialStatus.RUNNING and goes_on(trial):
                self._freeze_again(trial)
        super()._reconcile()

    def frozen_folder(self, trial_id: str) -> Path:
        """Where a trial's training is kept to go on from."""
        return Path(self._get_trial_dir(trial_id)) / FROZEN

    def discard_frozen(self, trial_id: str) -> None:
        """Deletes what a trial would go on from; its best weights stay."""
        self.trials[trial_id].hyperparameters.values[IS_OVER] = True
        self._save_trial(self.trials[trial_id])
        shutil.rmtree(self.frozen_folder(trial_id), ignore_errors=True)

    def get_state(self):
        return super().get_state() | {"num_thaws": self.num_thaws}

    def set_state(self, state):
        super().set_state(state)
        self.num_thaws = state.get("num_thaws", 0)
