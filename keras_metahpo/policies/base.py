"""What a policy is: history to next configuration, and nothing else."""

import abc
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from keras_metahpo.history import History
from keras_metahpo.space import Configuration, Points, SearchSpace, Value


@dataclass(frozen=True)
class Suggestion:
    """A configuration and why it was chosen.

    Attributes:
        configuration: Active hyperparameters only.
        expert: Name of the policy that chose it.
        reasons: Facts for `explain`: predicted rank, spread, trust in the prior, ...
    """

    configuration: Mapping[str, Value]
    expert: str
    reasons: Mapping[str, Value] = field(default_factory=dict)


class Policy(abc.ABC):
    """Chooses the next configuration; a pure function that keeps no state between calls."""

    name: str

    @abc.abstractmethod
    def suggest(
        self,
        space: SearchSpace,
        history: History,
        pending: Sequence[Configuration],
        rng: np.random.Generator,
    ) -> Suggestion | None:
        """The next configuration to try.

        Args:
            space: The search space as known now; it may have grown since earlier trials.
            history: Finished trials.
            pending: Configurations started and unfinished.
            rng: All randomness comes from here.

        Returns:
            A suggestion that is neither in the history nor pending, or `None` when the search
            space is exhausted.
        """


def tried_keys(
    space: SearchSpace, history: History, pending: Sequence[Configuration]
) -> set[bytes]:
    """Keys of all configurations that must not be suggested again."""
    return set(space.encode([*history.configurations, *pending]).keys())


def untried(points: Points, tried: set[bytes]) -> Points:
    """The points that were not tried, each once, in their order."""
    seen = set(tried)
    rows = []
    for row, key in enumerate(points.keys()):
        if key not in seen:
            seen.add(key)
            rows.append(row)
    return points[np.array(rows, dtype=int)]
