"""Recorded learning curves, looked up exactly or by the nearest configuration.

Shapes: n recorded configurations, e epochs, q configurations asked for.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from keras_metahpo.benchmark.blackbox import BlackboxCard, Evaluation, Reference, reference_of
from keras_metahpo.benchmark.blackboxes.grid import utilities_array
from keras_metahpo.benchmark.blackboxes.vectorized import VectorizedBlackbox, checked_fidelity
from keras_metahpo.errors import BenchmarkError
from keras_metahpo.history import FAILED_UTILITY
from keras_metahpo.space import Configuration, Points, SearchSpace

# Digits of a unit position that tell configurations apart: a policy's arithmetic may lose the last.
KEY_DIGITS = 9
INACTIVE_KEY = -1.0
# Squared distances, as in the kernel of `policies`: of an inactive number from the middle of its
# axis, and of two categories.
INACTIVE_DISTANCE, CATEGORY_DISTANCE = 0.25, 1.0


@dataclass(frozen=True)
class Curves:
    """What was measured, epoch by epoch.

    Attributes:
        metrics: Float arrays (n, e) by name; NaN where nothing was measured.
        elapsed_s: Float array (n, e). Seconds from the start of the training.
        failed_from: Int array (n,). The epoch from which on a training counts as failed; above e
            where it never does.
        messages: n reasons of failures.
    """

    metrics: Mapping[str, np.ndarray]
    elapsed_s: np.ndarray
    failed_from: np.ndarray
    messages: Sequence[str | None]

    def __len__(self) -> int:
        return len(self.elapsed_s)

    def evaluation(self, row: int, objective: str, direction: str, fidelity: int) -> Evaluation:
        """All metrics at the best epoch up to `fidelity`, which is the one KerasTuner counts."""
        last = min(fidelity, self.elapsed_s.shape[1], int(self.failed_from[row]))
        elapsed_s = float(self.elapsed_s[row, last - 1])
        utilities = utilities_array(self.metrics[objective][row, :fidelity], direction)
        if fidelity >= self.failed_from[row] or utilities.max() == FAILED_UTILITY:
            message = self.messages[row] or "The recorded training failed."
            return Evaluation({name: float("nan") for name in self.metrics}, elapsed_s, message)
        best = int(utilities.argmax())
        metrics = {name: float(values[row, best]) for name, values in self.metrics.items()}
        return Evaluation(metrics, elapsed_s)

    def utilities(self, objective: str, direction: str, fidelity: int) -> np.ndarray:
        """Float array (n,). The best epoch up to `fidelity`; failures are `FAILED_UTILITY`."""
        best = utilities_array(self.metrics[objective][:, :fidelity], direction).max(axis=1)
        return np.where(fidelity >= self.failed_from, FAILED_UTILITY, best)


class RecordedBlackbox(VectorizedBlackbox):
    """Recorded configurations of a task.

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
        self.configurations = tuple(configurations)
        self.curves = curves
        points = space.encode(self.configurations)
        self._embedded = embedding(space, points)
        self._rows: dict[bytes, int] = {}
        for row, key in enumerate(_keys(points)):
            self._rows.setdefault(key, row)

    @property
    def pool(self) -> Sequence[Configuration] | None:
        complete = self.card.lookup == "grid" and len(self._rows) == self.space.num_configurations
        return None if complete else [self.configurations[row] for row in self._rows.values()]

    def evaluate(self, configuration: Configuration, fidelity: int | None = None) -> Evaluation:
        epoch = checked_fidelity(self.card, fidelity)
        row = int(self.rows([configuration])[0])
        self._check_measured(row, epoch)
        return self.curves.evaluation(row, self.card.objective, self.card.direction, epoch)

    def utilities(
        self, configurations: Sequence[Configuration], fidelity: int | None = None
    ) -> np.ndarray:
        epoch = checked_fidelity(self.card, fidelity)
        rows = self.rows(configurations)
        for row in rows:
            self._check_measured(row, epoch)
        return self.curves.utilities(self.card.objective, self.card.direction, epoch)[rows]

    def reference(self) -> Reference:
        utilities = self.utilities([self.configurations[row] for row in self._rows.values()])
        how = f"best and median of all {len(utilities)} recorded configurations"
        return reference_of(utilities, how)

    def rows(self, configurations: Sequence[Configuration]) -> np.ndarray:
        """Int array (q,). The recorded configuration that answers for each of q."""
        points = self.space.encode([self.space.complete(c) for c in configurations])
        found = np.array([self._rows.get(key, -1) for key in _keys(points)], dtype=int)
        unknown = np.flatnonzero(found < 0)
        if len(unknown):
            asked = embedding(self.space, points[unknown])
            nearest = [((self._embedded - row) ** 2).sum(axis=1).argmin() for row in asked]
            if self.card.lookup == "grid":
                raise BenchmarkError(
                    f"{self.card.name!r} has lookup 'grid' and answers only for recorded "
                    f"configurations. Received: {dict(configurations[unknown[0]])}; the nearest "
                    f"is {dict(self.configurations[nearest[0]])}. Choose from `pool`, give the "
                    "hyperparameters in space.json the grid's `step`, or set lookup to 'pool' in "
                    "card.json."
                )
            found[unknown] = nearest
        return found

    def _check_measured(self, row: int, epoch: int) -> None:
        measured = ~np.isnan(self.curves.metrics[self.card.objective][row])
        if measured.any() and measured.argmax() >= epoch and epoch < self.curves.failed_from[row]:
            raise BenchmarkError(
                f"{self.card.name!r} holds no {self.card.objective!r} of "
                f"{dict(self.configurations[row])} before epoch {measured.argmax() + 1}. "
                f"Received: fidelity={epoch}. Ask for the full fidelity, or leave policies that "
                "train partly out of the study."
            )


def embedding(space: SearchSpace, points: Points) -> np.ndarray:
    """Float array (n, ...). Where squared distances are those of the Gaussian process's kernel."""
    columns = []
    for column, hp in enumerate(space.hyperparameters):
        active = points.active[:, column]
        if hp.is_categorical:
            numbers = np.where(active, points.numbers[:, column], -1)
            corners = numbers[:, None] == np.arange(-1, len(hp.choices))
            columns.append(np.sqrt(CATEGORY_DISTANCE / 2) * corners)
        else:
            columns.append(points.units[:, [column]])
            columns.append(np.sqrt(INACTIVE_DISTANCE) * active[:, None])
    return np.hstack(columns) if columns else np.zeros((len(points), 1))


def _keys(points: Points) -> list[bytes]:
    units = np.where(points.active, points.units, INACTIVE_KEY)
    return [row.tobytes() for row in np.round(units, KEY_DIGITS) + 0.0]
