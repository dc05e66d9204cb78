"""What a blackbox is: configuration and fidelity in, metrics and seconds out.

A blackbox stands for one task. Tabular ones look recorded runs up, surrogates predict them, live
ones train.
"""

import abc
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from keras_metahpo.history import FAILED_UTILITY, utility
from keras_metahpo.space import Configuration, SearchSpace


@dataclass(frozen=True)
class BlackboxCard:
    """The facts about a blackbox.

    Attributes:
        name: Unique within a study.
        family: Tasks of one family share a search space or a source; the unit of the
            leave-family-out split and of clustered intervals.
        objective, direction: The metric that is optimised; `"min"` or `"max"`.
        max_fidelity: Epochs of a full training; 1 where there is one fidelity only.
        lookup: `"grid"`, `"pool"`, `"surrogate"` or `"live"`; named in every result.
        sources: Names of the data sets behind this very task. Tasks that share one do not count as
            other tasks.
        related: Names of data sets and families that hold the same data in other forms. A preset
            that was trained on one of them, or on a source, was trained on this task.
        source, licence: Where the measurements come from and what may be done with them.
    """

    name: str
    family: str
    objective: str
    direction: str
    max_fidelity: int = 1
    lookup: str = "surrogate"
    sources: tuple[str, ...] = ()
    related: tuple[str, ...] = ()
    source: str = ""
    licence: str = ""


@dataclass(frozen=True)
class Evaluation:
    """What training one configuration up to a fidelity yields.

    Attributes:
        metrics: By name; the objective is NaN where the training failed.
        elapsed_s: Seconds of the training from its start; simulated ones but for live tasks.
        message: Why it failed.
    """

    metrics: Mapping[str, float]
    elapsed_s: float
    message: str | None = None


@dataclass(frozen=True)
class Reference:
    """Between what regret is normalised: utilities, higher is better.

    Attributes:
        best: Of the best configuration known.
        median: Of the median random configuration.
        how: How they were found, for the report.
    """

    best: float
    median: float
    how: str = ""


class Blackbox(abc.ABC):
    """Evaluates configurations of one task.

    Attributes:
        card: The facts.
        space: The search space.
    """

    card: BlackboxCard
    space: SearchSpace

    @abc.abstractmethod
    def evaluate(self, configuration: Configuration, fidelity: int | None = None) -> Evaluation:
        """Trains, or pretends to, from the start up to `fidelity` epochs (all when `None`)."""

    def curve(
        self, configuration: Configuration, fidelity: int | None = None
    ) -> Sequence[Evaluation]:
        """What `evaluate` answers at every fidelity up to `fidelity`."""
        last = self.card.max_fidelity if fidelity is None else fidelity
        return [self.evaluate(configuration, epoch) for epoch in range(1, last + 1)]

    @abc.abstractmethod
    def reference(self) -> Reference | None:
        """The ends of the regret scale; `None` where only the study's results can tell."""

    @property
    def pool(self) -> Sequence[Configuration] | None:
        """The only configurations that were recorded; `None` where every one can be evaluated."""
        return None

    def utility(self, evaluation: Evaluation) -> float:
        """The objective, higher is better; `FAILED_UTILITY` where the training failed."""
        return utility(evaluation.metrics.get(self.card.objective), self.card.direction)


@dataclass(frozen=True)
class Suite:
    """A named set of blackboxes.

    Attributes:
        name: With its version, such as `lcbench@1`.
        blackboxes: By name; opened one at a time, since some are large.
    """

    name: str
    blackboxes: Mapping[str, "BlackboxFactory"] = field(default_factory=dict)


class BlackboxFactory(abc.ABC):
    """Opens a blackbox in whatever process it is needed; small enough to be sent there."""

    @abc.abstractmethod
    def open(self) -> Blackbox: ...


def reference_of(utilities: np.ndarray, how: str) -> Reference:
    """Best and median of the utilities of random configurations, failures included."""
    utilities = np.asarray(utilities, dtype=float)
    finite = utilities[np.isfinite(utilities)]
    worst = finite.min() if len(finite) else FAILED_UTILITY
    median = float(np.median(np.where(np.isfinite(utilities), utilities, worst)))
    return Reference(best=float(utilities.max()), median=median, how=how)
