"""What a ranker is: hyperparameter tokens in, a distribution over within-task rank out.

Shapes: b tasks, c context configurations, q query configurations, n either of them,
d hyperparameters (padded), v categorical values of a space, p pieces of a name.
"""

import abc
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from keras_metahpo.role_guessing import Guess, guessed_names, guessed_roles
from keras_metahpo.space import Points, SearchSpace

# What is known of failures before any trial.
TRIALS_A_FAILURE = 20


@dataclass(frozen=True)
class Tokens:
    """Configurations as sets of hyperparameter tokens.

    Attributes:
        cells: Float array (b, n, d, f). Facts about one hyperparameter of one configuration.
        values: Int array (b, n, d). Row in `vocabulary` of the chosen categorical value; row 0
            for numbers.
        vocabulary: Int array (b, v, p). Hashed pieces of every categorical value; row 0 is empty.
        names: Int array (b, d, p). Hashed pieces of the hyperparameter's name, 0 pads.
        roles: Int array (b, d). Canonical role of the name, 0 if unknown.
        active: Bool array (b, n, d). False for inactive hyperparameters and for padding.
    """

    cells: np.ndarray
    values: np.ndarray
    vocabulary: np.ndarray
    names: np.ndarray
    roles: np.ndarray
    active: np.ndarray

    def as_dict(self) -> dict[str, np.ndarray]:
        """The arrays by name, as a Keras model takes them."""
        return {f.name: getattr(self, f.name) for f in fields(self)}


@dataclass(frozen=True)
class Context:
    """What was observed so far on each task.

    Attributes:
        tokens: Configurations (b, c, d...).
        utilities: Float array (b, c). Higher is better; -inf where the trial failed.
        mask: Bool array (b, c). False for padding.
        variances: Float array (b, c). Of the error of each utility's normal score, where it was
            predicted from a training that has not ended; `None` where all have.
        costs: Float array (b, c). Of each trial, in any unit; NaN where unknown, as all if `None`.
    """

    tokens: Tokens
    utilities: np.ndarray
    mask: np.ndarray
    variances: np.ndarray | None = None
    costs: np.ndarray | None = None


@dataclass(frozen=True)
class Prediction:
    """Predictive distribution of the within-task rank, on the scale of normal scores.

    A normal score is the standard normal quantile of a configuration's rank among random
    configurations of its search space: 0 for the median one, 1.28 for the 10 % best.

    Attributes:
        mean: Float array (b, q).
        standard_deviation: Float array (b, q).
        score: Float array (b, q). Listwise ranking score; only its order means something.
        failure: Float array (b, q). Probability that the trial fails.
    """

    mean: np.ndarray
    standard_deviation: np.ndarray
    score: np.ndarray
    failure: np.ndarray


class Ranker(abc.ABC):
    """Ranks configurations of search spaces it may never have seen.

    Attributes:
        has_prior: Whether it tells configurations apart before any trial.
        known_names: Names of hyperparameters that it learnt from. Of others that tell no role,
            the role is guessed.
    """

    has_prior = True
    known_names: frozenset[str] = frozenset()

    @abc.abstractmethod
    def score(self, context: Context | None, query: Tokens) -> Prediction:
        """Predicts the rank of every query configuration within its task.

        Permuting the context changes nothing, permuting queries permutes the answer, padding
        changes nothing, an empty context (`None`) works, and inputs stay untouched.
        """

    def tokens(self, space: SearchSpace, points: Points) -> Tokens:
        """Tokens of n configurations of one search space (b = 1).

        A hyperparameter whose role is guessed goes by that role's commonest name.
        """
        from keras_metahpo.rankers.tokens import stack, tokenize

        return stack([tokenize(space, points, guessed_names(space, self.known_names))])

    def guesses(self, space: SearchSpace) -> dict[str, Guess]:
        """What it takes hyperparameters for whose names it does not know, by name."""
        return guessed_roles(space, self.known_names)

    def prior_mean(self, space: SearchSpace, points: Points) -> np.ndarray:
        """Zero-shot expected normal scores of n configurations: float array (n,)."""
        return self.score(None, self.tokens(space, points)).mean[0]


class DifferentiableRanker(Ranker):
    """A ranker that also tells which way its score rises."""

    @abc.abstractmethod
    def prior_gradient(self, space: SearchSpace, points: Points) -> np.ndarray:
        """Gradient of `prior_mean` with respect to unit positions: float array (n, d).

        Zero where a hyperparameter is categorical or inactive.
        """


class NetworkRanker(Ranker):
    """A ranker whose weights are those of a preset.

    Args:
        network: A built Keras model.
        name: Name of the preset, for messages.

    Attributes:
        kind: What a preset says it is.
    """

    kind: str

    def __init__(self, network: Any, name: str = "unnamed"):
        self.network = network
        self.name = name

    @staticmethod
    @abc.abstractmethod
    def new_network(**config):
        """A network that is not built yet."""


def failure_rates(context: Context | None, num_tasks: int, num_queries: int) -> np.ndarray:
    """The share of failed trials, for rankers that predict no failures: float array (b, q).

    One failure among `TRIALS_A_FAILURE` trials counts as seen before.
    """
    failed, seen = np.zeros(num_tasks), np.zeros(num_tasks)
    if context is not None:
        seen = context.mask.sum(axis=1)
        failed = (context.mask & ~np.isfinite(context.utilities)).sum(axis=1)
    rates = (failed + 1.0) / (seen + TRIALS_A_FAILURE)
    return np.repeat(rates[:, None], num_queries, axis=1)
