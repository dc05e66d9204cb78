"""Policies of this package without an oracle around them, and what a Keras user would write."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from keras_metahpo.benchmark.contestants.base import Contestant, Problem, Proposal, Search
from keras_metahpo.benchmark.contestants.kerastuner import experience_of_space
from keras_metahpo.history import History, TrialLog, utility
from keras_metahpo.policies import (
    DefaultsPolicy,
    GaussianProcessPolicy,
    Policy,
    PortfolioPolicy,
    RandomPolicy,
    named_defaults,
)
from keras_metahpo.policies.mapping import nearest_points
from keras_metahpo.space import Points, SearchSpace

PORTFOLIO_SIZE = 25
# Of the normal scores of random configurations, whose standard deviation is 1.
DISTANCE_PRIOR_STD = 1.0


@dataclass(frozen=True)
class PolicyContestant(Contestant):
    """A policy, asked directly.

    Args:
        policy: A key of `POLICIES`.
    """

    policy: str

    def start(self, problem: Problem, seed: int) -> Search:
        return PolicySearch(problem, POLICIES[self.policy](problem), seed)


class PolicySearch(Search):
    """One search by a policy; the history is its only state."""

    def __init__(self, problem: Problem, policy: Policy, seed: int):
        self.problem = problem
        self.policy = policy
        self.seed = seed
        self.configurations: list = []
        self.utilities: list[float] = []

    def suggest(self) -> Proposal | None:
        history = History(self.configurations, np.array(self.utilities))
        rng = np.random.default_rng([self.seed, len(history)])
        suggestion = self.policy.suggest(self.problem.space, history, (), rng)
        return Proposal(suggestion.configuration) if suggestion else None

    def observe(self, proposal: Proposal, value: float | None, curve=()) -> None:
        self.configurations.append(proposal.configuration)
        self.utilities.append(utility(value, self.problem.direction))


class DistanceToDefaults:
    """A prior that a person would write: the nearer to the defaults by name, the better.

    The mean absolute distance over active hyperparameters, in units of their range (0 or 1 between
    categorical values), standardised over random configurations.
    """

    def __call__(self, space: SearchSpace, points: Points) -> np.ndarray:
        defaults = nearest_points(space, [named_defaults(space)])
        spread = _distances(space, space.sample(256, np.random.default_rng(0)), defaults)
        scale = spread.std() or 1.0
        distances = _distances(space, points, defaults)
        return DISTANCE_PRIOR_STD * (spread.mean() - distances) / scale


def _distances(space: SearchSpace, points: Points, centre: Points) -> np.ndarray:
    gaps = np.abs(points.units - centre.units)
    gaps = np.where(space.categorical, gaps > 0, gaps)
    # What only one of the two has is as far as can be.
    gaps = np.where(points.active & centre.active, gaps, points.active != centre.active)
    counted = np.maximum((points.active | centre.active).sum(axis=1), 1)
    return gaps.sum(axis=1) / counted


def portfolio(problem: Problem) -> PortfolioPolicy:
    """The greedy portfolio of the logs that the split allows."""
    return _portfolio(tuple(experience_of_space(problem)))


# Searches of one task share their logs and with them the portfolio.
@lru_cache(maxsize=4)
def _portfolio(logs: tuple[TrialLog, ...]) -> PortfolioPolicy:
    return PortfolioPolicy(logs, RandomPolicy(), PORTFOLIO_SIZE)


POLICIES: dict[str, Callable[[Problem], Policy]] = {
    "defaults": lambda problem: DefaultsPolicy(),
    # With no prior mean it starts at the space's default, then at random ones.
    "gp": lambda problem: GaussianProcessPolicy(num_initial=1),
    "gp-distance": lambda problem: GaussianProcessPolicy(DistanceToDefaults()),
    "portfolio": portfolio,
}
