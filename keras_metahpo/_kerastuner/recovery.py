"""A project is reloaded as far as it can be read, and its files are replaced in one step."""

import json
import logging
import os
from pathlib import Path

import keras_tuner
from keras_tuner.engine.trial import Trial, TrialStatus

from keras_metahpo.atomic import write_text

logger = logging.getLogger(__name__)

# What a damaged or missing JSON file, or one of another shape, raises.
UNREADABLE = (OSError, ValueError, KeyError, TypeError, AttributeError)
FINISHED = (TrialStatus.COMPLETED, TrialStatus.FAILED)
UNFINISHED = (TrialStatus.RUNNING, TrialStatus.INVALID)


class RecoveringOracle(keras_tuner.Oracle):
    """An oracle whose finished trials survive crashes and damaged files."""

    def save(self):
        self._recover_forgotten_trials()
        write_text(self._get_oracle_fname(), json.dumps(self.get_state()))

    def _save_trial(self, trial):
        path = os.path.join(self._get_trial_dir(trial.trial_id), "trial.json")
        write_text(path, json.dumps(trial.get_state()))

    def reload(self):
        """Loads whatever can be read of the project; warns of what cannot, and loses no result."""
        trials = [_load_trial(path) for path in self._trial_files()]
        self.trials = {trial.trial_id: trial for trial in trials}
        path = Path(self._get_oracle_fname())
        try:
            state = json.loads(path.read_text())
            for trial_id in state["start_order"]:
                if trial_id not in self.trials:
                    missing = Path(self._get_trial_dir(trial_id)) / "trial.json"
                    self.trials[trial_id] = _load_trial(missing)
            state["ongoing_trials"] = {
                k: v for k, v in state["ongoing_trials"].items() if v in self.trials
            }
            self.set_state(state)
        except UNREADABLE as error:
            logger.warning(
                "%s cannot be read (%r). The search's state is rebuilt from its %d trial files; "
                "no finished trial is lost.",
                path,
                error,
                len(self.trials),
            )
            self.start_order, self.end_order, self._retry_queue = [], [], []
            self.ongoing_trials = {}
        self._fill_gaps()
        self._reconcile()

    def _recover_forgotten_trials(self) -> None:
        """Reloads a project that KerasTuner takes for a new one, and would overwrite.

        It does so whenever the tuner's own file, such as `tuner0.json`, is missing.
        """
        if not self.trials and self._trial_files():
            logger.warning(
                "%s holds trials but not its tuner's file (tuner0.json), so it was not reloaded "
                "when the tuner was made. Going on with these trials; pass `overwrite=True` to "
                "begin anew.",
                self._project_dir,
            )
            self.reload()

    def _trial_files(self) -> list[Path]:
        """`trial.json` of every trial that left anything behind, whether it exists or not."""
        folders = [path for path in Path(self._project_dir).glob("trial_*") if path.is_dir()]
        return [
            folder / "trial.json"
            for folder in sorted(folders)
            if any(not path.name.startswith(".") for path in folder.iterdir())
        ]

    def _fill_gaps(self) -> None:
        """Lost trials keep their place: KerasTuner numbers a new trial by counting the others."""
        numbers = {int(trial_id) for trial_id in self.trials if trial_id.isdigit()}
        width = max((len(trial_id) for trial_id in self.trials), default=0)
        for number in set(range(max(numbers, default=0))) - numbers:
            trial_id = f"{number:0{width}d}"
            self.trials[trial_id] = _load_trial(
                Path(self._project_dir) / f"trial_{trial_id}" / "trial.json"
            )

    def _reconcile(self) -> None:
        """Makes the orders, the space and the retry queue agree with the trials' own files."""
        interrupted = [trial.trial_id for trial in self.ongoing_trials.values()]
        waiting = dict.fromkeys([*self._retry_queue, *interrupted])
        ended = dict.fromkeys(self.end_order)
        self.ongoing_trials = {}
        for trial_id, trial in sorted(
            self.trials.items(), key=lambda item: (number_of(item[0]), item[0])
        ):
            if trial_id not in self.start_order:
                self.start_order.append(trial_id)
            if _is_unreadable(trial):
                ended.pop(trial_id, None)
                continue
            (ended if trial.status in FINISHED else waiting).setdefault(trial_id)
            if self.tune_new_entries:
                self.hyperparameters.merge(trial.hyperparameters)
            self._record_values(trial)
        self.end_order = [trial_id for trial_id in ended if trial_id in self.trials]
        self._retry_queue = [
            trial_id
            for trial_id in waiting
            if trial_id in self.trials and self.trials[trial_id].status in UNFINISHED
        ]


def number_of(trial_id: str) -> int:
    """A trial's number: the ids of later ones are wider after a resume with more trials."""
    return int(trial_id) if trial_id.isdigit() else 0


def _is_unreadable(trial) -> bool:
    return trial.message is not None and trial.message.startswith("Unreadable:")


def _load_trial(path: Path):
    """A trial, or a failed one that keeps its place when its file cannot be read."""
    try:
        return Trial.from_state(json.loads(path.read_text()))
    except UNREADABLE as error:
        logger.warning(
            "%s cannot be read (%r). Its trial is left out of the search and its number is not "
            "used again; repair the file, or restore a copy, to get it back.",
            path,
            error,
        )
        trial_id = path.parent.name.removeprefix("trial_")
        return Trial(
            keras_tuner.HyperParameters(), trial_id, TrialStatus.FAILED, f"Unreadable: {path}"
        )
