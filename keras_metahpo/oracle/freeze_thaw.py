"""Decides what is trained next, and when a search has spent what it may."""

import abc
import logging
from collections.abc import Collection
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from keras_tuner.engine.trial import TrialStatus

from keras_metahpo._kerastuner import (
    EPOCHS,
    INITIAL_EPOCH,
    FreezingOracle,
    configuration_of,
    synchronized,
)
from keras_metahpo.history import FAILED_UTILITY, History, utility
from keras_metahpo.oracle.budget import Budget
from keras_metahpo.oracle.picture import Stretch, draw
from keras_metahpo.oracle.training_states import epochs_of, state_of, trial_seconds
from keras_metahpo.policies import FLOOR, FreezeThawPolicy, TrainingStep
from keras_metahpo.space import Configuration, SearchSpace

if TYPE_CHECKING:
    from matplotlib.figure import Figure

logger = logging.getLogger(__name__)

# How many frozen trainings are kept on the disk, the most promising ones.
MOST_FROZEN = 16


class FreezeThawOracle(FreezingOracle, abc.ABC):
    """An oracle whose trials are trained by a `FreezeThawPolicy`, within a budget.

    Args:
        max_epochs: Of a full training; `None` for trials that are trained in one go.
        budget: What the search may spend.
        arguments: Those of `DurableOracle`.
    """

    def __init__(self, *, budget: Budget, max_epochs: int | None = None, **arguments):
        if max_epochs is not None and (not isinstance(max_epochs, int) or max_epochs < 1):
            raise ValueError(
                "max_epochs must be a positive number of epochs, or None to train every trial as "
                f"`search` says. Received: max_epochs={max_epochs!r}."
            )
        super().__init__(max_epochs=max_epochs, **arguments)
        self.budget = budget
        self._suggestions: dict[str, dict] = {}
        self._stretches: list[Stretch] = []
        self._decided: TrainingStep | None = None

    @abc.abstractmethod
    def _new_freeze_thaw_policy(self, max_epochs: int) -> FreezeThawPolicy:
        """What decides; made once a search."""

    @cached_property
    def _freeze_thaw_policy(self) -> FreezeThawPolicy:
        return self._new_freeze_thaw_policy(self.max_epochs or 1)

    def is_budget_spent(self):
        self.budget.begin()
        self.budget.record()
        # Whatever it costs, there is a model in the end.
        is_spent = self.budget.is_out_of_time or self._epochs_left() <= 0
        return bool(self.trials) and is_spent

    @property
    def spent_epochs(self) -> int:
        """Epochs of all trials, those of running ones as they are planned."""
        running = {trial.trial_id for trial in self.ongoing_trials.values()}
        return sum(
            trial.hyperparameters.values.get(EPOCHS, 0) if trial_id in running else epochs_of(trial)
            for trial_id, trial in self.trials.items()
        )

    def next_training(self, trial_id, may_begin):
        """A new trial, or a frozen one to go on with; a new one if anything fails."""
        try:
            return self._next_training(trial_id, may_begin)
        except Exception:
            logger.warning(
                "MetaOracle could not choose what to train next and takes a new configuration, if "
                "there may be one. The search goes on; please report this.",
                exc_info=True,
            )
        return (trial_id, self.max_epochs) if may_begin else None

    def _next_training(self, trial_id, may_begin) -> tuple[str, int] | None:
        # While a thawed trial runs, what it reached before is known.
        trials = self.finished_trials() + self.thawed_trials()
        step = self._next_step(trials, may_begin)
        if step is None:
            return None
        if step.trial is None:
            self._decided = step
            return trial_id, step.epochs
        trial = trials[step.trial]
        return trial.trial_id, self._affordable(step.epochs, trial.hyperparameters.values[EPOCHS])

    def _next_step(self, trials, may_begin) -> TrainingStep | None:
        space, policy = self._space(), self._freeze_thaw_policy
        if len(space) == 0 and not self.trials:
            # The first trial of an unknown space finds out what there is to tune.
            return TrainingStep(None, {}, int(policy.milestones[0]), "default")
        states = [self._state(trial) for trial in trials]
        pending = self._pending(but={trial.trial_id for trial in trials})
        rng = self._generator(len(self.start_order), self.num_thaws)
        return policy.suggest(space, states, pending, rng, may_begin)

    def _take_decided(self) -> TrainingStep | None:
        """The new trial that was decided upon, once."""
        decided, self._decided = self._decided, None
        return decided

    def planned_epochs(self, epochs: int | None) -> dict[str, int]:
        """What a new trial's values say of its training."""
        if self.max_epochs is None or epochs is None:
            return {}
        return {EPOCHS: self._affordable(epochs), INITIAL_EPOCH: 0}

    def _affordable(self, epochs: int, trained: int = 0) -> int:
        return int(min(epochs, trained + self._epochs_left()))

    def _epochs_left(self) -> float:
        """How many more epochs may be trained; they are counted only where there is a limit."""
        limit = self.budget.max_epochs_total
        return float("inf") if limit is None else limit - self.spent_epochs

    def _state(self, trial):
        expert = self._suggestions.get(trial.trial_id, {}).get("expert")
        state = state_of(trial, self.objective, self.max_epochs or 1, expert == FLOOR)
        if not self.frozen_folder(trial.trial_id).exists():
            state = replace(state, may_go_on=False)
        # Where epochs are what is scarce, they are what counts.
        counts_epochs = self.budget.max_epochs_total is not None and self.budget.budget_s is None
        return replace(state, epoch_s=0.0, startup_s=0.0) if counts_epochs else state

    @synchronized
    def end_trial(self, trial):
        had_ended = self._is_known(trial)
        self.budget.record()
        super().end_trial(trial)
        known = self.trials[trial.trial_id]
        if known.status == TrialStatus.COMPLETED and not had_ended:
            begun = int(known.hyperparameters.values.get(INITIAL_EPOCH, 0))
            stretch = Stretch(known.trial_id, begun, epochs_of(known), float(known.score))
            self._stretches.append(stretch)
        if self.max_epochs is not None:
            self._discard_hopeless()

    def _discard_hopeless(self) -> None:
        """Deletes what nobody will go on from, so that the disk holds a bounded number of them."""
        trials = self.finished_trials()
        frozen = self._freeze_thaw_policy.frozen([self._state(trial) for trial in trials])
        kept = {trials[row].trial_id for row in frozen[:MOST_FROZEN]}
        for trial in trials:
            if trial.trial_id not in kept and self.frozen_folder(trial.trial_id).exists():
                self.discard_frozen(trial.trial_id)

    def _space(self) -> SearchSpace:
        return SearchSpace.from_keras_tuner(self.hyperparameters)

    def _search_history(self) -> History:
        trials = self.finished_trials()
        return History(
            [configuration_of(trial) for trial in trials],
            self._utilities(),
            costs=np.array([trial_seconds(trial)[0] or np.nan for trial in trials], dtype=float),
        )

    def _utilities(self) -> np.ndarray:
        """Of the finished trials, float array (n,)."""
        return np.array([self._utility(trial) for trial in self.finished_trials()], dtype=float)

    def _utility(self, trial) -> float:
        if trial.status != TrialStatus.COMPLETED:
            return FAILED_UTILITY
        return utility(trial.score, self.objective.direction)

    def _pending(self, but: Collection[str] = ()) -> list[Configuration]:
        """Configurations of the trials that run now, without some."""
        running = [trial for trial in self.unfinished_trials() if trial.trial_id not in but]
        return [configuration_of(trial) for trial in running]

    def _generator(self, *numbers: int) -> np.random.Generator:
        """All randomness derives from the seed and what was begun: resuming is rerunning."""
        return np.random.default_rng([abs(self.seed), int(self.seed < 0), *numbers])

    def figure(self) -> "Figure":
        """The search as a picture: learning curves, freezes and thaws, and the best so far.

        Raises:
            ImportError: without matplotlib.
        """
        curves = {}
        for trial in self.trials.values():
            if trial.metrics.exists(self.objective.name):
                history = trial.metrics.get_history(self.objective.name)
                curves[trial.trial_id] = {int(o.step) + 1: float(o.mean()) for o in history}
        longest = max((max(curve, default=0) for curve in curves.values()), default=0)
        return draw(
            curves,
            self._stretches,
            self.objective.name,
            self.objective.direction,
            self.max_epochs or longest,
        )

    def get_state(self):
        own = {
            "suggestions": self._suggestions,
            "spent_s": self.budget.recorded_s,
            "stretches": [list(stretch) for stretch in self._stretches],
        }
        return super().get_state() | own

    def set_state(self, state):
        super().set_state(state)
        self._suggestions = dict(state.get("suggestions", {}))
        self._stretches = [Stretch(*values) for values in state.get("stretches", ())]
        self.budget.continue_from(state.get("spent_s", 0.0))
