"""Chooses between a new configuration and a training that goes on.

Shapes: n trials, q configurations to choose from.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from keras_metahpo.history import FEWEST_EPOCHS, History, TrainingState
from keras_metahpo.policies.base import Policy, Suggestion
from keras_metahpo.policies.freeze_thaw.costs import CostModel
from keras_metahpo.policies.freeze_thaw.extrapolation import Outlook, look_ahead
from keras_metahpo.policies.freeze_thaw.looks import log_values
from keras_metahpo.policies.improvement import ImprovementPolicy, one_blas_thread
from keras_metahpo.policies.mixture import CHOSEN_DEFAULT, FLOOR, suggest_random
from keras_metahpo.space import Configuration, SearchSpace, Value

SHORTEST_SHARE = 1 / 16


@dataclass(frozen=True)
class TrainingStep:
    """What to train next.

    Attributes:
        trial: Number of the trial that goes on; `None` for a new one.
        configuration: Active hyperparameters.
        epochs: To train it to, counted from its beginning.
        expert: Name of the policy that chose it.
        reasons: Facts for `explain`.
    """

    trial: int | None
    configuration: Configuration
    epochs: int
    expert: str
    reasons: Mapping[str, Value] = field(default_factory=dict)


def milestones_of(max_epochs: int) -> np.ndarray:
    """Ages at which a training may stop: the full one, its half, ..., ascending int array (k,)."""
    fewest = max(FEWEST_EPOCHS, int(np.ceil(max_epochs * SHORTEST_SHARE)))
    ages = [max_epochs]
    while (half := (ages[0] + 1) // 2) >= fewest and half < ages[0]:
        ages.insert(0, half)
    return np.array(ages)


class FreezeThawPolicy:
    """Trains promising configurations further and leaves the others where they stopped.

    Args:
        main: Suggests new configurations, as at full fidelity.
        model: Predicts normal scores of final utilities.
        max_epochs: Of a full training; with 1, `main` decides alone.
        floor: A `floor`-th of all epochs goes into full trainings of random configurations, so that
            however misleading the model, E epochs are at least as good, in distribution, as
            E // (floor * max_epochs) trials of random search; `None` for none.
        costs: Predicts seconds; by default from this search alone.
    """

    name = "thaw"

    def __init__(
        self,
        main: Policy,
        model: ImprovementPolicy,
        max_epochs: int,
        floor: int | None = None,
        costs: CostModel | None = None,
    ):
        self.main = main
        self.model = model
        self.max_epochs = max_epochs
        self.floor = floor
        self.costs = costs or CostModel()
        self.milestones = milestones_of(max_epochs)

    def suggest(
        self,
        space: SearchSpace,
        trials: Sequence[TrainingState],
        pending: Sequence[Configuration],
        rng: np.random.Generator,
        may_begin: bool = True,
    ) -> TrainingStep | None:
        """The next training.

        Args:
            space: The search space.
            trials: All that do not run now.
            pending: Configurations in training now.
            rng: All randomness comes from here.
            may_begin: Whether there may be a new trial.

        Returns:
            `None` when nothing is left, or all that is left is expected to end below the best
            trial that was trained to the end, and no new trial may begin.
        """
        outlook = look_ahead(trials, self.max_epochs)
        history = self._history(trials, outlook)
        new = self._new(space, trials, history, pending, rng) if may_begin else None
        if new is not None and new.expert == FLOOR:
            return _beginning(new, self.max_epochs)
        frozen = self._frozen(trials, outlook)
        # What the model thinks of the default is not asked: it is there to contradict.
        if new is not None and (not frozen or new.expert == CHOSEN_DEFAULT):
            return _beginning(new, self.milestones[0])
        if new is None:
            frozen = self._hopeful(frozen, trials, outlook)
            if not frozen:
                return None
        with one_blas_thread():
            return self._choose(space, trials, frozen, new, history, pending, outlook)

    def frozen(self, trials: Sequence[TrainingState]) -> list[int]:
        """Numbers of the trials that may go on, the most promising first."""
        return self._frozen(trials, look_ahead(trials, self.max_epochs))

    def _frozen(self, trials: Sequence[TrainingState], outlook: Outlook) -> list[int]:
        rows = [
            row
            for row, trial in enumerate(trials)
            if trial.may_go_on and trial.epochs < self.max_epochs and np.isfinite(trial.utility)
        ]
        return sorted(rows, key=lambda row: -outlook.utilities[row])

    def _new(self, space, trials, history, pending, rng) -> Suggestion | None:
        if self._is_floor_due(trials):
            return suggest_random(space, history, pending, rng)
        return self.main.suggest(space, history, pending, rng)

    def _is_floor_due(self, trials: Sequence[TrainingState]) -> bool:
        if self.floor is None:
            return False
        spent = sum(trial.epochs for trial in trials) + self.max_epochs
        due = spent // (self.floor * self.max_epochs)
        return due > sum(trial.is_random for trial in trials)

    def _history(self, trials: Sequence[TrainingState], outlook: Outlook) -> History:
        """The trials as if all had ended."""
        ages = np.array([trial.epochs for trial in trials], dtype=int)
        variances = np.where(np.isfinite(outlook.utilities), outlook.variance(ages), 0.0)
        configurations = [trial.configuration for trial in trials]
        costs = [trial.epoch_s or np.nan for trial in trials]
        return History(configurations, outlook.utilities, variances, np.array(costs, dtype=float))

    def _hopeful(self, frozen, trials, outlook: Outlook) -> list[int]:
        """Those that may yet exceed what was trained to the end."""
        ended = [row for row, trial in enumerate(trials) if trial.epochs >= self.max_epochs]
        mark = outlook.utilities[ended].max(initial=-np.inf)
        return [row for row in frozen if outlook.utilities[row] > mark]

    def _choose(self, space, trials, frozen, new, history, pending, outlook) -> TrainingStep:
        configurations = [trials[row].configuration for row in frozen]
        ages = [trials[row].epochs for row in frozen]
        if new is not None:
            configurations, ages = [*configurations, new.configuration], [*ages, 0]
        alive = np.isfinite(outlook.utilities)
        known = [t.configuration for t, lives in zip(trials, alive, strict=True) if lives]
        predict = self.model.problem(space, history, pending).score_function
        mean, std = predict(space.encode(configurations))[:, 1:3].T
        best = float(predict(space.encode(known))[:, 1].max())
        values = log_values(
            mean,
            std,
            best,
            np.array(ages),
            self.milestones,
            outlook,
            self.costs.predict(space, trials, configurations),
        )
        chosen, column = np.unravel_index(int(np.argmax(values)), values.shape)
        epochs = int(self.milestones[column])
        if chosen == len(frozen):
            return _beginning(new, epochs)
        reasons = {"predicted_score": float(mean[chosen]), "spread": float(std[chosen])}
        return TrainingStep(frozen[chosen], configurations[chosen], epochs, self.name, reasons)


def _beginning(new: Suggestion, epochs: int) -> TrainingStep:
    return TrainingStep(None, new.configuration, int(epochs), new.expert, dict(new.reasons))
