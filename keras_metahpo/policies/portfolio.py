"""Complementary configurations that did well in earlier searches of the same problem.

Shapes: n configurations, c candidates, t trial logs.
"""

import logging
from collections.abc import Sequence

import numpy as np

from keras_metahpo.acquisition import normal_scores
from keras_metahpo.gaussian_process import Inputs, fit_gaussian_process
from keras_metahpo.history import History, TrialLog
from keras_metahpo.policies.base import Policy, Suggestion, tried_keys, untried
from keras_metahpo.policies.mapping import nearest_points, related_logs
from keras_metahpo.space import Configuration, Hyperparameter, Points, SearchSpace, concatenate

logger = logging.getLogger(__name__)

PORTFOLIO_SIZE = 10
CANDIDATES_PER_LOG = 10
# Rows of a log that its process is fitted to, half of them the best, half random.
ROWS_PER_LOG = 150


class PortfolioPolicy(Policy):
    """A greedy portfolio of earlier searches (Wistuba et al., 2015), then another policy.

    Each member is the configuration that, with those before it, does best on average over the
    logs, where a log counts the best of its predicted scores.

    Args:
        trial_logs: Earlier searches of the same problem.
        then: Decides when the portfolio is used up.
        size: Most members of the portfolio.
    """

    name = "portfolio"

    def __init__(self, trial_logs: Sequence[TrialLog], then: Policy, size: int = PORTFOLIO_SIZE):
        self.trial_logs = trial_logs
        self.then = then
        self.size = size
        # By hyperparameters: spaces are equal whatever the order of their columns.
        self._portfolios: dict[tuple[Hyperparameter, ...], Points] = {}

    def suggest(
        self,
        space: SearchSpace,
        history: History,
        pending: Sequence[Configuration],
        rng: np.random.Generator,
    ) -> Suggestion | None:
        portfolio = self.portfolio(space)
        tried = tried_keys(space, history, pending)
        for place, key in enumerate(portfolio.keys()):
            if key not in tried:
                reasons = {"place_in_portfolio": place + 1, "num_logs": len(self.trial_logs)}
                configuration = space.decode(portfolio[[place]])[0]
                return Suggestion(configuration, self.name, reasons)
        return self.then.suggest(space, history, pending, rng)

    def portfolio(self, space: SearchSpace) -> Points:
        """The portfolio's members in their order; computed once a search space."""
        key = space.hyperparameters
        if key not in self._portfolios:
            self._portfolios[key] = greedy_portfolio(space, self.trial_logs, self.size)
        return self._portfolios[key]


def greedy_portfolio(space: SearchSpace, trial_logs: Sequence[TrialLog], size: int) -> Points:
    """Up to `size` points chosen one after another by the mean over logs of the best score.

    Hyperparameters are matched by name; one that a log lacks had its default. Logs that share no
    name with the space are left out.
    """
    related = related_logs(space, trial_logs)
    if len(related) < len(trial_logs) and len(space):
        logger.warning(
            "Earlier searches without any of the hyperparameters %s are not used: %s.",
            space.names,
            [log.card.name for log in trial_logs if log not in related],
        )
    histories = [h for h in (log.history() for log in related) if not h.failed.all()]
    logged = [nearest_points(space, history.configurations) for history in histories]
    leaders = [
        points[
            [row for row in history.best_first()[:CANDIDATES_PER_LOG] if not history.failed[row]]
        ]
        for history, points in zip(histories, logged, strict=True)
    ]
    if not leaders:
        return space.encode([])
    candidates = untried(concatenate(leaders), set())
    scores = np.stack(
        [
            predicted_scores(space, points, history, candidates)
            for history, points in zip(histories, logged, strict=True)
        ]
    )
    return candidates[greedy_order(scores, size)]


def greedy_order(scores: np.ndarray, size: int) -> list[int]:
    """Greedy maximisation of the mean over logs of the best chosen score.

    Args:
        scores: Float array (t, c). Higher is better.
        size: How many candidates to choose, all if there are fewer.
    """
    best = np.full(len(scores), -np.inf)
    left, order = list(range(scores.shape[1])), []  # type: tuple[list[int], list[int]]
    while left and len(order) < size:
        values = np.maximum(scores[:, left], best[:, None]).mean(axis=0)
        order.append(left.pop(int(np.argmax(values))))
        best = np.maximum(best, scores[:, order[-1]])
    return order


def predicted_scores(
    space: SearchSpace, logged: Points, history: History, candidates: Points
) -> np.ndarray:
    """Normal scores in one log: as recorded, else a Gaussian process' mean, float array (c,)."""
    targets = normal_scores(history.utilities)
    recorded: dict[bytes, list[float]] = {}
    for key, target in zip(logged.keys(), targets, strict=True):
        recorded.setdefault(key, []).append(target)
    keys = candidates.keys()
    scores = np.array([np.mean(recorded.get(key, np.nan)) for key in keys])
    unknown = np.flatnonzero([key not in recorded for key in keys])
    if len(unknown):
        rows = _representative_rows(history)
        known, asked = (
            Inputs.of(points.units, points.active, space.categorical)
            for points in (logged[rows], candidates[unknown])
        )
        scores[unknown], _ = fit_gaussian_process(known, targets[rows]).predict(asked)
    return scores


def _representative_rows(history: History) -> np.ndarray:
    ranking = np.array(history.best_first())
    if len(ranking) <= ROWS_PER_LOG:
        return ranking
    num_best = ROWS_PER_LOG // 2
    # The same rows every time: a portfolio must not depend on when it was computed.
    rng = np.random.default_rng(0)
    others = rng.choice(ranking[num_best:], ROWS_PER_LOG - num_best, replace=False)
    return np.concatenate([ranking[:num_best], others])
