"""A source task: what a ranker is trained on.

Shapes: n configurations, d hyperparameters, s early shares of a training.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from keras_metahpo.acquisition import normal_scores
from keras_metahpo.history import FEWEST_EPOCHS, LoggedTrial, TrialLog, TrialLogCard, best_utility
from keras_metahpo.space import Points, SearchSpace

# Early shares of a training, as log2 of the whole over the part.
DOUBLINGS = (1, 2, 3, 4)


@dataclass(frozen=True)
class SourceTask:
    """Configurations of one task and how good they were.

    Attributes:
        name: Unique name.
        family: Tasks of one family share a search space or its origin; splits keep them together.
        space: The search space.
        points: n configurations as `Points` of `space`.
        utilities: Float array (n,). Higher is better; -inf where the trial failed.
        early_errors: Float array (n, s). Normal scores among all trials after a half, a quarter,
            ... of the training, less those at its end; NaN where they are unknown.
        costs: Float array (n,). In any unit; NaN where they are unknown.
    """

    name: str
    family: str
    space: SearchSpace
    points: Points
    utilities: np.ndarray
    early_errors: np.ndarray = None  # type: ignore[assignment]
    costs: np.ndarray = None  # type: ignore[assignment]

    def __post_init__(self):
        size = len(self.utilities)
        if self.early_errors is None:
            object.__setattr__(self, "early_errors", np.full((size, len(DOUBLINGS)), np.nan))
        if self.costs is None:
            object.__setattr__(self, "costs", np.full(size, np.nan))
        if not len(self.points) == len(self.early_errors) == len(self.costs) == size:
            raise ValueError(
                f"A source task needs as many points, early_errors and costs as its {size} "
                f"utilities. Received: {len(self.points)}, {len(self.early_errors)} and "
                f"{len(self.costs)}. Use `take` for some of its configurations."
            )

    @classmethod
    def from_trial_log(cls, log: TrialLog) -> "SourceTask":
        history, trials = log.history(), log.trials
        return cls(
            name=log.card.name,
            family=log.card.family,
            space=log.space,
            points=log.space.encode(history.configurations),
            utilities=history.utilities,
            early_errors=_early_errors(log.card, trials, history.utilities),
            costs=np.array([trial.epoch_s or np.nan for trial in trials], dtype=float),
        )

    def take(self, rows: np.ndarray) -> "SourceTask":
        """The task with these of its configurations."""
        return replace(
            self,
            points=self.points[rows],
            utilities=self.utilities[rows],
            early_errors=self.early_errors[rows],
            costs=self.costs[rows],
        )


def _early_errors(
    card: TrialLogCard, trials: Sequence[LoggedTrial], utilities: np.ndarray
) -> np.ndarray:
    """Float array (n, s), as `SourceTask` has them; 0 where trials failed."""
    errors = np.full((len(trials), len(DOUBLINGS)), np.nan)
    scores, failed = normal_scores(utilities), ~np.isfinite(utilities)
    for column, doublings in enumerate(DOUBLINGS):
        epochs = -(-card.max_fidelity // 2**doublings)
        if epochs < FEWEST_EPOCHS:
            break
        early = np.array(
            [
                best_utility(
                    (m.get(card.objective) for m in trial.measurements[:epochs]), card.direction
                )
                for trial in trials
            ]
        )
        if (np.isfinite(early) | failed).all():
            errors[:, column] = normal_scores(np.where(failed, -np.inf, early)) - scores
    return errors
