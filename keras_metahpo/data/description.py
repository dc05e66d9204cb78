"""What trial logs say: a description of each task, and of each search space that tasks share.

Shapes: k tasks.
"""

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from keras_metahpo.data.spread import Spread
from keras_metahpo.space import role_of

SHARES = (0.25, 0.5, 0.75)
OTHER_ROLE = "other"


@dataclass(frozen=True)
class TaskDescription:
    """One trial log.

    Attributes:
        label: The task's name, with its path where several logs are of one task.
        family, path: Of the log.
        objective, direction: What is optimised.
        num_trials, num_failed: Further seeds included.
        num_configurations: Different ones.
        seconds: Median of the trials' last `elapsed_s`; NaN where there is none.
        spread: Of configurations and of seeds.
        importances: Share of the variance of ranks by hyperparameter name; empty where it cannot
            be said.
        active: Share of the configurations in which a hyperparameter is active, by name.
        correlations: Rank correlation of each epoch with the final result; empty without curves.
        notes: What cannot be said, and why.
    """

    label: str
    family: str
    path: str
    objective: str
    direction: str
    num_trials: int
    num_failed: int
    num_configurations: int
    seconds: float = math.nan
    spread: Spread = field(default_factory=Spread)
    importances: Mapping[str, float] = field(default_factory=dict)
    active: Mapping[str, float] = field(default_factory=dict)
    correlations: tuple[float, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def role_importances(self) -> dict[str, float]:
        """Sums over the hyperparameters of a role."""
        sums: dict[str, float] = {}
        for name, share in self.importances.items():
            role = role_of(name) or OTHER_ROLE
            sums[role] = sums.get(role, 0.0) + share
        return sums

    def correlation_at(self, share: float) -> float:
        """With the final result after a share of the epochs, rounded up; NaN without curves."""
        if not self.correlations:
            return math.nan
        return self.correlations[math.ceil(share * len(self.correlations)) - 1]


@dataclass(frozen=True)
class SpaceDescription:
    """The tasks of one search space.

    Attributes:
        hyperparameters: Their names.
        labels: Of all its tasks.
        compared: Labels of the k tasks that can be compared; empty with fewer than two.
        correlations: Float array (k, k), as `correlation.task_correlations` returns it.
    """

    hyperparameters: tuple[str, ...]
    labels: tuple[str, ...]
    compared: tuple[str, ...]
    correlations: np.ndarray


@dataclass(frozen=True)
class Description:
    """All logs.

    Attributes:
        tasks: In the order of the logs.
        spaces: Every task is in one of them.
    """

    tasks: tuple[TaskDescription, ...]
    spaces: tuple[SpaceDescription, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain values, with derived ones and with `None` for what is not known."""
        tasks = [
            dataclasses.asdict(task)
            | {
                "spread": dataclasses.asdict(task.spread) | {"ratio": task.spread.ratio},
                "role_importances": task.role_importances,
                "correlations_at": {f"{share:g}": task.correlation_at(share) for share in SHARES},
            }
            for task in self.tasks
        ]
        spaces = [
            dataclasses.asdict(space) | {"correlations": space.correlations.tolist()}
            for space in self.spaces
        ]
        return _plain({"tasks": tasks, "spaces": spaces})


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
