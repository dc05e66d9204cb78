"""What takes part in a study: a named way of searching, asked and told one trial at a time."""

import abc
import importlib.util
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from keras_metahpo.errors import BenchmarkError
from keras_metahpo.history import TrialLog
from keras_metahpo.rankers import Preset
from keras_metahpo.space import Configuration, SearchSpace, Value

PEERS_EXTRA = "keras-metahpo[peers]"


class NotAvailable(BenchmarkError):
    """This contestant cannot take part in this search; it is reported as skipped."""


@dataclass(frozen=True)
class Problem:
    """All that a contestant is told about a task.

    Attributes:
        name: Of the task, to keep what was computed for it apart.
        space: The search space.
        direction: Of the objective, `"min"` or `"max"`.
        max_fidelity: Epochs of a full training.
        num_trials: How many trials it will be asked for, at most.
        experience: Logs of earlier searches that the split allows.
        held_out: Names and sources that nothing may have been trained on.
        is_adversarial: Whether all prior knowledge is to be negated.
        pool: The only configurations that were recorded; `None` where all can be evaluated.
    """

    name: str
    space: SearchSpace
    direction: str
    max_fidelity: int = 1
    num_trials: int = 1
    experience: Sequence[TrialLog] = ()
    held_out: frozenset[str] = frozenset()
    is_adversarial: bool = False
    pool: Sequence[Configuration] | None = None


@dataclass(frozen=True)
class Proposal:
    """What to train next.

    Attributes:
        configuration: Active hyperparameters.
        fidelity: Epochs to train to; all when `None`.
        trained: Epochs of them that an earlier trial has trained already.
        handle: The contestant's own object for this trial.
    """

    configuration: Mapping[str, Value]
    fidelity: int | None = None
    trained: int = 0
    handle: object = field(default=None, compare=False)


class Search(abc.ABC):
    """One search; may be closed as a context manager.

    Attributes:
        needs_curves: Whether `observe` is to be told the objective after every epoch.
    """

    needs_curves = False

    @abc.abstractmethod
    def suggest(self) -> Proposal | None:
        """The next trial; `None` when there is nothing left to try."""

    @abc.abstractmethod
    def observe(
        self, proposal: Proposal, value: float | None, curve: Sequence[float | None] = ()
    ) -> None:
        """The objective of a proposal; `None` where its training failed.

        Args:
            proposal: As suggested.
            value: What the trial counts, its best epoch.
            curve: The objective after each epoch from the first one on, if `needs_curves`.
        """

    def __enter__(self) -> "Search":
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def close(self) -> None:  # noqa: B027  Most hold nothing.
        """Frees what the search holds."""


class Contestant(abc.ABC):
    """A way of searching; light to construct and to send to another process.

    Attributes:
        requires: Modules of optional packages that it needs.
        extra: What to install for them.
    """

    requires: tuple[str, ...] = ()
    extra: str = PEERS_EXTRA

    @abc.abstractmethod
    def start(self, problem: Problem, seed: int) -> Search:
        """Begins a search; raises `NotAvailable` where this contestant cannot take part."""

    def presets(self) -> Sequence[Preset]:
        """Trained rankers that it uses, for the study's header."""
        return ()

    def check(self) -> None:
        """Raises `NotAvailable` if an optional package is not installed."""
        missing = [name for name in self.requires if importlib.util.find_spec(name) is None]
        if missing:
            raise NotAvailable(f"{', '.join(missing)} not installed; pip install '{self.extra}'")
