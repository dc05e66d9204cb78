"""Recorded configurations of a task, looked up exactly or by the nearest one."""

from collections.abc import Sequence

import numpy as np

from keras_metahpo.benchmark.blackbox import BlackboxCard, Evaluation, Reference, reference_of
from keras_metahpo.benchmark.blackboxes.curves import Curves
from keras_metahpo.benchmark.blackboxes.lookup import Lookup
from keras_metahpo.benchmark.blackboxes.vectorized import VectorizedBlackbox, checked_fidelity
from keras_metahpo.errors import BenchmarkError
from keras_metahpo.space import Configuration, SearchSpace


class RecordedBlackbox(VectorizedBlackbox):
    """Answers with what was recorded.

    A card with lookup `"pool"` answers with the nearest recorded configuration, in unit positions
    as the Gaussian process measures them; one with `"grid"` refuses what was not recorded. Of
    several trainings of one configuration the first counts.

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
        self.curves = curves
        self.lookup = Lookup(space, configurations)

    @property
    def pool(self) -> Sequence[Configuration] | None:
        rows = self.lookup.distinct_rows
        if self.card.lookup == "grid" and len(rows) == self.space.num_configurations:
            return None
        return [self.lookup.configurations[row] for row in rows]

    def evaluate(self, configuration: Configuration, fidelity: int | None = None) -> Evaluation:
        epoch = checked_fidelity(self.card, fidelity)
        rows = self._rows([configuration])
        self._check_measured(rows, epoch)
        return self.curves.evaluation(int(rows[0]), self.card, epoch)

    def utilities(
        self, configurations: Sequence[Configuration], fidelity: int | None = None
    ) -> np.ndarray:
        epoch = checked_fidelity(self.card, fidelity)
        rows = self._rows(configurations)
        self._check_measured(rows, epoch)
        return self.curves.utilities(self.card, epoch)[rows]

    def reference(self) -> Reference:
        utilities = self.curves.utilities(self.card, self.card.max_fidelity)
        utilities = utilities[self.lookup.distinct_rows]
        how = f"best and median of all {len(utilities)} recorded configurations"
        return reference_of(utilities, how)

    def _rows(self, configurations: Sequence[Configuration]) -> np.ndarray:
        if self.card.lookup == "grid":
            for configuration in configurations:
                if self.lookup.exact(configuration) is None:
                    raise self._not_on_the_grid(configuration)
        return self.lookup.nearest(configurations)

    def _not_on_the_grid(self, configuration: Configuration) -> BenchmarkError:
        nearest = self.lookup.configurations[self.lookup.nearest([configuration])[0]]
        return BenchmarkError(
            f"{self.card.name!r} has lookup 'grid' and answers for recorded configurations only. "
            f"Received: {dict(configuration)}; the nearest is {dict(nearest)}. Choose from `pool`, "
            "give the hyperparameters in space.json the grid's `step`, or set lookup to 'pool' in "
            "card.json."
        )

    def _check_measured(self, rows: np.ndarray, epoch: int) -> None:
        first = self.curves.first_measured(self.card)[rows]
        late = (first > epoch) & (self.curves.failed_from[rows] > epoch)
        if late.any():
            raise BenchmarkError(
                f"{self.card.name!r} must hold {self.card.objective!r} up to epoch {epoch}. "
                f"Received: fidelity={epoch}, where the first value of a trial is that of epoch "
                f"{first[late][0]}. Ask for the full fidelity, or leave policies that train partly "
                "out of the study."
            )
