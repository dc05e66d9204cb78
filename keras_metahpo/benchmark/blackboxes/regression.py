"""A regressor fitted to recorded configurations, which answers for all others.

Shapes: n configurations, e epochs.
"""

import functools
from collections.abc import Sequence

import numpy as np

from keras_metahpo.benchmark.blackbox import BlackboxCard, Evaluation, Reference
from keras_metahpo.benchmark.blackboxes.curves import Curves
from keras_metahpo.benchmark.blackboxes.grid import utilities_array
from keras_metahpo.benchmark.blackboxes.lookup import embedding
from keras_metahpo.benchmark.blackboxes.vectorized import (
    VectorizedBlackbox,
    checked_fidelity,
    import_extra,
    sampled_reference,
)
from keras_metahpo.errors import BenchmarkError
from keras_metahpo.history import FAILED_UTILITY
from keras_metahpo.space import Configuration, SearchSpace

NUM_TREES = 50
REFERENCE_SIZE = 5_000
FAILURE_THRESHOLD = 0.5
# Utilities further below the best than this many times the median's distance are moved there: to
# squared errors, one loss of 1e18 hides all others.
WORST_REGRET = 10.0


class RegressionBlackbox(VectorizedBlackbox):
    """Predicts the objective, the seconds and whether training fails, by extremely random trees.

    It answers with the objective only: the best value up to the fidelity. Seconds are predicted
    for the full training and shared linearly. What it predicts is never better than the best
    recorded training.

    Args:
        card: The facts.
        space: The search space.
        configurations: n configurations.
        curves: What was measured of each.
    """

    def __init__(
        self,
        card: BlackboxCard,
        space: SearchSpace,
        configurations: Sequence[Configuration],
        curves: Curves,
    ):
        self.card = card
        self.space = space
        self.configurations = tuple(configurations)
        self.curves = curves

    def evaluate(self, configuration: Configuration, fidelity: int | None = None) -> Evaluation:
        epoch = checked_fidelity(self.card, fidelity)
        utilities, elapsed_s = self._predict([configuration], epoch)
        elapsed = float(elapsed_s[0]) * epoch / self.card.max_fidelity
        if utilities[0] == FAILED_UTILITY:
            metrics = {self.card.objective: float("nan")}
            return Evaluation(metrics, elapsed, "A failure is predicted.")
        # A second change of the sign gives the value back.
        value = float(utilities_array(utilities, self.card.direction)[0])
        return Evaluation({self.card.objective: value}, elapsed)

    def utilities(
        self, configurations: Sequence[Configuration], fidelity: int | None = None
    ) -> np.ndarray:
        return self._predict(configurations, checked_fidelity(self.card, fidelity))[0]

    def reference(self) -> Reference:
        return self._reference

    def _predict(
        self, configurations: Sequence[Configuration], epoch: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Float arrays (n,): utilities at an epoch, and seconds of a full training."""
        epochs, forest, scale = self._fitted
        column = int(np.searchsorted(epochs, epoch, side="right")) - 1
        if column < 0:
            raise BenchmarkError(
                f"{self.card.name!r} has no {self.card.objective!r} before epoch {epochs[0]}. "
                f"Received: fidelity={epoch}. Ask for the full fidelity."
            )
        points = self.space.encode([self.space.complete(c) for c in configurations])
        outputs = forest.predict(embedding(self.space, points)) * scale
        utilities = outputs[:, : column + 1].max(axis=1)
        failed = outputs[:, -1] > FAILURE_THRESHOLD
        return np.where(failed, FAILED_UTILITY, utilities), outputs[:, -2]

    @functools.cached_property
    def _reference(self) -> Reference:
        return sampled_reference(self, REFERENCE_SIZE)

    @functools.cached_property
    def _fitted(self):
        """Epochs that were measured; a forest for utilities at these, seconds, failure; units."""
        ensemble = import_extra("sklearn.ensemble", "scikit-learn")
        failed = self.curves.utilities(self.card, self.card.max_fidelity) == FAILED_UTILITY
        if failed.all():
            raise BenchmarkError(
                f"{self.card.name!r} must have a completed trial to fit a regressor to. Received: "
                f"{len(failed)} failed ones. Set lookup to 'pool' in card.json."
            )
        values = self.curves.metrics[self.card.objective]
        utilities = utilities_array(values, self.card.direction)
        utilities[failed] = FAILED_UTILITY
        utilities = np.maximum.accumulate(utilities, axis=1)
        epochs = 1 + np.flatnonzero(np.isfinite(utilities).any(axis=0))
        utilities = utilities[:, epochs - 1]
        best, median = utilities[:, -1].max(), np.median(utilities[~failed, -1])
        worst = best - WORST_REGRET * max(best - median, np.finfo(float).tiny)
        targets = np.column_stack(
            [np.maximum(utilities, worst), self.curves.elapsed_s[:, -1], failed]
        )
        # One tree serves all outputs and minimises the sum of their errors: hence equal units.
        scale = targets.std(axis=0)
        scale[scale == 0] = 1.0
        forest = ensemble.ExtraTreesRegressor(NUM_TREES, random_state=0, n_jobs=1)
        points = self.space.encode(self.configurations)
        return epochs, forest.fit(embedding(self.space, points), targets / scale), scale
