"""Expected improvement under a ranker's own prediction from the trials so far."""

from dataclasses import dataclass

import numpy as np

from keras_metahpo.acquisition import log_expected_improvement
from keras_metahpo.history import History
from keras_metahpo.policies.improvement import ImprovementPolicy
from keras_metahpo.rankers import Context, Ranker
from keras_metahpo.space import Points, SearchSpace, concatenate

NOTHING = np.zeros(0)


class SurrogatePolicy(ImprovementPolicy):
    """Expected improvement under a ranker that is told of all trials.

    A ranker that knows nothing before the first trial starts with the space's default.

    Args:
        ranker: Any `Ranker`.
        improves_on_latest: Measures improvement from the latest trial instead of the best one: a
            defect of the published code of deep ranking ensembles, kept to compare with it.
        arguments: Those of `ImprovementPolicy` but for `num_initial`.
    """

    name = "surrogate"

    def __init__(self, ranker: Ranker, improves_on_latest: bool = False, **arguments):
        super().__init__(0 if ranker.has_prior else 1, **arguments)
        self.ranker = ranker
        self.improves_on_latest = improves_on_latest

    def acquisition(self, space, observed, trials, scores, started):
        """What was started counts as if it ended as predicted."""
        if not len(observed) + len(started):
            return _Acquisition(self.ranker, space, None, None)
        context = _context(self.ranker, space, observed, trials)
        known = observed
        if len(started):
            predicted = self.ranker.score(context, self.ranker.tokens(space, started)).mean[0]
            known = concatenate([observed, started])
            fantasies = _utilities_at(predicted, trials.utilities, scores)
            context = _context(self.ranker, space, known, trials, fantasies)
        means = self.ranker.score(context, self.ranker.tokens(space, known)).mean[0]
        best = float(means[len(observed) - 1] if self.improves_on_latest else means.max())
        return _Acquisition(self.ranker, space, context, best)


@dataclass(frozen=True)
class _Acquisition:
    """Candidates to their log expected improvement, mean and spread: (n, 3).

    Attributes:
        best: What to improve upon; `None` when nothing was tried: the mean decides.
    """

    ranker: Ranker
    space: SearchSpace
    context: Context | None
    best: float | None

    def __call__(self, points: Points) -> np.ndarray:
        prediction = self.ranker.score(self.context, self.ranker.tokens(self.space, points))
        mean, std = prediction.mean[0], prediction.standard_deviation[0]
        score = mean if self.best is None else log_expected_improvement(mean, std, self.best)
        return np.stack([score, mean, std], axis=1)


def _context(
    ranker: Ranker,
    space: SearchSpace,
    points: Points,
    trials: History,
    fantasies: np.ndarray = NOTHING,
) -> Context | None:
    """The trials, then others of which utilities are imagined; points are those of all."""
    if not len(points):
        return None
    behind = (0, len(fantasies))
    return Context(
        ranker.tokens(space, points),
        np.concatenate([trials.utilities, fantasies])[None],
        np.ones((1, len(points)), dtype=bool),
        np.pad(trials.variances, behind)[None],
        np.pad(trials.costs, behind, constant_values=np.nan)[None],
    )


def _utilities_at(predicted: np.ndarray, utilities: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Utilities that would have the predicted normal scores, between those of finished trials."""
    finite = np.isfinite(utilities)
    if not finite.any():
        return np.zeros(len(predicted))
    order = np.argsort(scores[finite], kind="stable")
    return np.interp(predicted, scores[finite][order], utilities[finite][order])
