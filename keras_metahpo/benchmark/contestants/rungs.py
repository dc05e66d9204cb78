"""Searches that train a trial from rung to rung until somebody stops it."""

import abc
from collections.abc import Sequence

from keras_metahpo.benchmark.contestants.base import NotAvailable, Problem, Proposal, Search

# Each rung is so many times as high as the one below it; the lowest is a 27th of the training.
REDUCTION_FACTOR, NUM_RUNGS = 3, 3
FEWEST_EPOCHS = 2


def fewest_epochs(problem: Problem) -> int:
    """The lowest rung; raises `NotAvailable` where there is one fidelity only."""
    if problem.max_fidelity < 2:
        raise NotAvailable("early stopping needs tasks with several fidelities")
    share = round(problem.max_fidelity / REDUCTION_FACTOR**NUM_RUNGS)
    return min(max(share, FEWEST_EPOCHS), problem.max_fidelity)


class RungSearch(Search):
    """Trains one trial after the other; subclasses say which, and which goes on.

    Args:
        problem: The task.
        fewest: Epochs of the lowest rung.
    """

    def __init__(self, problem: Problem, fewest: int):
        self.problem = problem
        self.rungs = [fewest]
        while self.rungs[-1] * REDUCTION_FACTOR < problem.max_fidelity:
            self.rungs.append(self.rungs[-1] * REDUCTION_FACTOR)
        if self.rungs[-1] < problem.max_fidelity:
            self.rungs.append(problem.max_fidelity)
        self.going_on: Proposal | None = None

    @abc.abstractmethod
    def begin(self) -> Proposal:
        """A new configuration."""

    @abc.abstractmethod
    def goes_on(self, proposal: Proposal, value: float) -> bool:
        """Whether a trial that has been trained to a rung is trained to the next one."""

    @abc.abstractmethod
    def fail(self, proposal: Proposal) -> None:
        """Is told of a trial that failed."""

    def is_over(self, proposal: Proposal) -> bool:
        """Whether a trial has been trained to its end."""
        return proposal.fidelity == self.rungs[-1]

    def suggest(self) -> Proposal:
        last = self.going_on
        if last is None:
            new = self.begin()
            return Proposal(new.configuration, self.rungs[0], 0, new.handle)
        trained = last.fidelity or 0
        following = self.rungs[self.rungs.index(trained) + 1]
        return Proposal(last.configuration, following, trained, last.handle)

    def observe(
        self, proposal: Proposal, value: float | None, curve: Sequence[float | None] = ()
    ) -> None:
        self.going_on = None
        if value is None:
            self.fail(proposal)
        elif self.goes_on(proposal, value):
            self.going_on = proposal
