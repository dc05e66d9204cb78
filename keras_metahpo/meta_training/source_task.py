"""A source task: what a ranker is trained on.

Shapes: n configurations, d hyperparameters.
"""

from dataclasses import dataclass

import numpy as np

from keras_metahpo.history import TrialLog
from keras_metahpo.space import Points, SearchSpace


@dataclass(frozen=True)
class SourceTask:
    """Configurations of one task and how good they were.

    Attributes:
        name: Unique name.
        family: Tasks of one family share a search space or its origin; splits keep them together.
        space: The search space.
        points: n configurations as `Points` of `space`.
        utilities: Float array (n,). Higher is better; -inf where the trial failed.
    """

    name: str
    family: str
    space: SearchSpace
    points: Points
    utilities: np.ndarray

    @classmethod
    def from_trial_log(cls, log: TrialLog) -> "SourceTask":
        history = log.history()
        return cls(
            name=log.card.name,
            family=log.card.family,
            space=log.space,
            points=log.space.encode(history.configurations),
            utilities=history.utilities,
        )
