"""Where KerasTuner loses or overwrites results, `DurableOracle` does not.

Files are replaced in one step, a project is reloaded as far as it can be read, and an exception
never leaves a lock behind.
"""

import datetime
import functools
import logging
import threading
import time

import keras_tuner
import numpy as np
from keras_tuner.engine.trial import Trial, TrialStatus
from keras_tuner.src.distribute import utils as _distribution
from keras_tuner.src.engine import oracle as _oracle_module

from keras_metahpo._kerastuner.recovery import FINISHED, RecoveringOracle, number_of

logger = logging.getLogger(__name__)

NO_MESSAGE = "Its objective was not finite, or it ran on a worker, whose log says more."


def synchronized(method):
    """`keras_tuner.synchronized` that releases the oracle's lock when the method raises."""
    locked = keras_tuner.synchronized(method)

    @functools.wraps(method)
    def wrapped(oracle, *args, **kwargs):
        thread = threading.current_thread().name
        is_outermost = _oracle_module.THREADS[oracle] != thread
        try:
            return locked(oracle, *args, **kwargs)
        finally:
            if is_outermost and _oracle_module.THREADS[oracle] == thread:
                _oracle_module.THREADS[oracle] = None
                _oracle_module.LOCKS[oracle].release()

    return wrapped


class DurableOracle(RecoveringOracle):
    """An oracle whose finished trials survive crashes, damaged files and failing trials."""

    def __init__(self, *args, seed: int | None = None, **kwargs):
        super().__init__(*args, seed=seed, **kwargs)
        if seed is not None:  # KerasTuner takes seed=0 for "no seed".
            self.seed = seed
            self._seed_state = seed
        self._has_given_up = False
        self._last_seen: dict[str, float] = {}
        self.waits_for_other_workers = False

    @synchronized
    def create_trial(self, tuner_id):
        self._last_seen[tuner_id] = time.monotonic()
        self._recover_forgotten_trials()
        if self._has_given_up:
            return self._dismiss(tuner_id)
        if tuner_id in self.ongoing_trials:
            return super().create_trial(tuner_id)
        return self._trial_for(tuner_id)

    def _trial_for(self, tuner_id):
        """A trial to run again or a new one, for a worker that has none."""
        if self._retry_queue:
            # A retried trial starts from nothing; measurements of the broken run must not stay.
            retried = self.trials[self._retry_queue[-1]]
            retried.metrics, retried.score, retried.message = type(retried.metrics)(), None, None
        trial = super().create_trial(tuner_id)
        if (
            trial.status == TrialStatus.STOPPED
            and self.ongoing_trials
            and self.waits_for_other_workers
        ):
            # One of them may die, and its trial has to be run again.
            self.tuner_ids.add(tuner_id)
            trial.status = TrialStatus.IDLE
        return trial

    @synchronized
    def update_trial(self, trial_id, metrics, step=0):
        return super().update_trial(trial_id, metrics, step=step)

    @synchronized
    def release_trials_of_silent_workers(self, silent_s: float) -> None:
        """Gives a trial to another worker if its own has not been heard of for so many seconds."""
        now = time.monotonic()
        for tuner_id in [t for t in self.tuner_ids if now - self._last_seen.get(t, now) > silent_s]:
            self.tuner_ids.discard(tuner_id)
            trial = self.ongoing_trials.pop(tuner_id, None)
            if trial is not None:
                logger.warning(
                    "Worker %s has been silent for %g s; trial %s is given to another one.",
                    tuner_id,
                    silent_s,
                    trial.trial_id,
                )
                self._release(trial)
                self.save()

    def _release(self, trial) -> None:
        """Lets a trial be run again."""
        if trial.trial_id not in self._retry_queue:
            self._retry_queue.append(trial.trial_id)

    def is_deserted(self, silent_s: float) -> bool:
        """Whether there were workers, and for so many seconds there have been none."""
        newest = max(self._last_seen.values(), default=None)
        is_silent = newest is not None and time.monotonic() - newest > silent_s
        return is_silent and not self.tuner_ids and not self.ongoing_trials

    def _is_known(self, trial) -> bool:
        """Whether a trial has ended already, in the hands of another worker."""
        ongoing = {ongoing.trial_id for ongoing in self.ongoing_trials.values()}
        return trial.trial_id in self.end_order and trial.trial_id not in ongoing

    @synchronized
    def end_trial(self, trial):
        if self._is_known(trial):
            return
        if trial.trial_id in self._retry_queue:  # Its worker was believed to be dead.
            self._retry_queue.remove(trial.trial_id)
        # KerasTuner's display knows only trials that began while it was verbose.
        now = datetime.datetime.now()
        self._display.trial_start.setdefault(trial.trial_id, now)
        self._display.trial_number.setdefault(trial.trial_id, number_of(trial.trial_id) + 1)
        self._display.search_start = self._display.search_start or now
        try:
            super().end_trial(trial)
        except RuntimeError:
            known = self.trials[trial.trial_id]
            if known.trial_id in self.end_order:  # Too many failures in a row: it has ended.
                self._save_trial(known)
                self._forget_ongoing(known)
                self.save()
            else:  # Refused, for hyperparameters that are not allowed: it has no score.
                known.status = TrialStatus.RUNNING
            # A chief serves one search; its workers must all hear that it is over.
            self._has_given_up = _distribution.is_chief_oracle()
            raise

    def _dismiss(self, tuner_id: str):
        """Tells a worker to stop; a trial of its that is not over is run again after a resume."""
        self.ongoing_trials.pop(tuner_id, None)
        self.tuner_ids.discard(tuner_id)
        return Trial(self.get_space(), str(len(self.trials)), TrialStatus.STOPPED)

    def _forget_ongoing(self, trial) -> None:
        self.ongoing_trials: dict = {
            tuner_id: ongoing
            for tuner_id, ongoing in self.ongoing_trials.items()
            if ongoing.trial_id != trial.trial_id
        }

    def _check_consecutive_failures(self):
        """Raises while the failures go on; KerasTuner also after a later trial has succeeded."""
        limit = self.max_consecutive_failed_trials
        recent = [self.trials[trial_id] for trial_id in self.end_order[-limit:]] if limit else []
        if recent and len(recent) == limit and all(t.status == TrialStatus.FAILED for t in recent):
            raise RuntimeError(
                f"The last {limit} trials failed; `max_consecutive_failed_trials={limit}` stops "
                f"the search. Mend the cause and search again to go on. The last failure was:\n"
                f"{recent[-1].message or NO_MESSAGE}"
            )

    def _record_values(self, trial):
        """Keeps a value that KerasTuner drops or redraws if a namesake of it is inactive."""
        hps = trial.hyperparameters
        given = dict(hps.values)
        super()._record_values(trial)
        hps.values |= {
            hp.name: given[hp.name] for hp in hps.space if hp.name in given and hps.is_active(hp)
        }

    def score_trial(self, trial):
        """The best finite value over all epochs; NaN, hence a failed trial, if there is none."""
        trial.score, trial.best_step = float("nan"), 0
        if not trial.metrics.exists(self.objective.name):
            return
        for observation in trial.metrics.get_history(self.objective.name):
            value = float(observation.mean())
            if np.isfinite(value) and (
                np.isnan(trial.score) or self.objective.better_than(value, trial.score)
            ):
                trial.score, trial.best_step = value, observation.step

    def finished_trials(self) -> list:
        """Completed and failed trials in the order in which they ended, each once."""
        return [
            self.trials[trial_id]
            for trial_id in dict.fromkeys(self.end_order)
            if self.trials[trial_id].status in FINISHED
        ]

    def unfinished_trials(self) -> list:
        """Trials that run now or wait to be run again."""
        waiting = [self.trials[trial_id] for trial_id in self._retry_queue]
        running = list(self.ongoing_trials.values())
        return list({trial.trial_id: trial for trial in running + waiting}.values())

    def random_configuration(self) -> dict | None:
        """KerasTuner's own random search, needing nothing of ours; `None` if exhausted."""
        return self._random_values()
