"""A tuner that reports every epoch, and whose own file may be damaged."""

import contextlib
import json
import logging
import os
import warnings
from pathlib import Path

import keras
import keras_tuner
from keras_tuner.src.distribute import utils as _distribution

from keras_metahpo._kerastuner.distributed import (
    clear_errors,
    heartbeat,
    serve,
    shorten_timeouts,
)
from keras_metahpo._kerastuner.recovery import UNREADABLE
from keras_metahpo.atomic import write_text
from keras_metahpo.environment import ENDS_WITH_SEARCH

logger = logging.getLogger(__name__)

_REPORTED_BY_TUNER = "The use case of calling `self.oracle.update_trial"


class ReportingTuner(keras_tuner.Tuner):
    """A tuner whose `run_trial` may report to the oracle, and whose own file may be damaged.

    As a chief it does not wait for workers that have died, and as a worker not for its chief.
    """

    def search(self, *fit_args, **fit_kwargs):
        if _distribution.is_chief_oracle():
            self.oracle.verbose = fit_kwargs.get("verbose", self.oracle.verbose)
            self.save()
            serve(self.oracle)
        elif self._is_worker():
            shorten_timeouts()
            with clear_errors():
                super().search(*fit_args, **fit_kwargs)
            if os.environ.get(ENDS_WITH_SEARCH):
                raise SystemExit(0)
        else:
            super().search(*fit_args, **fit_kwargs)

    def is_distributed(self) -> bool:
        """Whether other processes take part in the search."""
        return _distribution.has_chief_oracle()

    def save(self):
        if not self._is_worker():
            self.oracle.save()
        write_text(self._get_tuner_fname(), json.dumps(self.get_state()))

    def reload(self):
        if not self._is_worker():
            self.oracle.reload()
        path = Path(self._get_tuner_fname())
        try:
            self.set_state(json.loads(path.read_text()))
        except UNREADABLE as error:
            logger.warning(
                "%s cannot be read (%r). It holds nothing that the search needs, and is written "
                "anew.",
                path,
                error,
            )

    def on_trial_end(self, trial):
        try:
            super().on_trial_end(trial)
        except Exception:
            if self._is_worker():  # The chief would wait for ever for this worker to say goodbye.
                self.oracle.create_trial(self.tuner_id)
            raise

    def build_quickly(self, hp):
        """A trial's model; its layers are named as in a fresh process, and memory is not freed."""
        if self.max_model_size:  # Checked by KerasTuner's own, slow way.
            return self._try_build(hp)
        keras.backend.clear_session(free_memory=False)
        return self._build_hypermodel(hp)

    def save_best_weights(self, trial_id: str, model) -> None:
        """Saves what `load_model` needs."""
        text = json.dumps(model.get_build_config())
        write_text(self._get_build_config_fname(trial_id), text)
        model.save_weights(self._get_checkpoint_fname(trial_id))

    def copies_of(self, callbacks) -> list:
        """Callbacks for one trial."""
        return self._deepcopy_callbacks(list(callbacks))

    def run_trial_as_alone(self, trial, *fit_args, **fit_kwargs) -> None:
        """Runs a trial and reports it; a failure is told to the trial, not raised."""
        self._try_run_and_update_trial(trial, *fit_args, **fit_kwargs)

    def _run_and_update_trial(self, trial, *fit_args, **fit_kwargs):
        with warnings.catch_warnings(), self._heartbeat():
            warnings.filterwarnings("ignore", _REPORTED_BY_TUNER, DeprecationWarning)
            super()._run_and_update_trial(trial, *fit_args, **fit_kwargs)

    def _heartbeat(self):
        """Tells the chief, while a trial runs, that this worker is alive."""
        if not self._is_worker():
            return contextlib.nullcontext()
        return heartbeat(lambda: self.oracle.create_trial(self.tuner_id))
