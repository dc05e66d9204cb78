"""A full grid of recorded trainings, addressed by position.

Shapes: n configurations of the grid, in the order of its positions.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from keras_metahpo.benchmark.blackbox import BlackboxCard, Evaluation, Reference, reference_of
from keras_metahpo.benchmark.blackboxes.vectorized import VectorizedBlackbox, checked_fidelity
from keras_metahpo.errors import BenchmarkError
from keras_metahpo.history import FAILED_UTILITY
from keras_metahpo.space import Configuration, Hyperparameter, SearchSpace, Value


class GridBlackbox(VectorizedBlackbox):
    """One recorded training, at one fidelity, for every configuration of a space of choices.

    Args:
        card: The facts.
        space: Unconditional choices only; the last one changes fastest from position to position.
        metrics: Float arrays (n,) by name, the objective among them; NaN where training failed.
        elapsed_s: Float array (n,). Seconds of each training.
        reference_utilities: Float array (n,). What the reference is made of, where `metrics` are
            noisy.
    """

    def __init__(
        self,
        card: BlackboxCard,
        space: SearchSpace,
        metrics: Mapping[str, np.ndarray],
        elapsed_s: np.ndarray,
        reference_utilities: np.ndarray | None = None,
    ):
        size = math.prod(len(hp.choices) for hp in space.hyperparameters)
        if any(len(values) != size for values in (*metrics.values(), elapsed_s)):
            raise BenchmarkError(
                f"The grid {card.name!r} must have a value for each of its {size} configurations. "
                f"Received: { ({name: len(values) for name, values in metrics.items()}) }."
            )
        self.card = card
        self.space = space
        self.metrics = metrics
        self.elapsed_s = elapsed_s
        self.reference_utilities = reference_utilities

    def evaluate(self, configuration: Configuration, fidelity: int | None = None) -> Evaluation:
        checked_fidelity(self.card, fidelity)
        row = position(self.space, configuration)
        metrics = {name: float(values[row]) for name, values in self.metrics.items()}
        failed = not np.isfinite(metrics[self.card.objective])
        return Evaluation(
            metrics, float(self.elapsed_s[row]), "The recorded run failed." if failed else None
        )

    def utilities(
        self, configurations: Sequence[Configuration], fidelity: int | None = None
    ) -> np.ndarray:
        checked_fidelity(self.card, fidelity)
        return self._grid_utilities()[[position(self.space, c) for c in configurations]]

    def reference(self) -> Reference:
        utilities = self.reference_utilities
        if utilities is None:
            utilities = self._grid_utilities()
        return reference_of(utilities, f"best and median of all {len(utilities)} configurations")

    def _grid_utilities(self) -> np.ndarray:
        return utilities_array(self.metrics[self.card.objective], self.card.direction)


def position(space: SearchSpace, configuration: Configuration) -> int:
    """Where a configuration stands among those of an unconditional discrete space.

    The last hyperparameter changes fastest. Raises `SearchSpaceError` for an illegal one.
    """
    complete = space.complete(configuration)
    row = 0
    for hp in space.hyperparameters:
        values = _values(hp)
        row = row * len(values) + values.index(complete[hp.name])
    return row


def configuration_at(space: SearchSpace, row: int) -> dict[str, Value]:
    """The configuration at a position."""
    configuration = {}
    for hp in reversed(space.hyperparameters):
        row, index = divmod(int(row), len(_values(hp)))
        configuration[hp.name] = _values(hp)[index]
    return configuration


def _values(hp: Hyperparameter) -> Sequence[Value]:
    return hp.values() if hp.is_numeric else hp.choices


def utilities_array(values: np.ndarray, direction: str) -> np.ndarray:
    """`utility` of an array of any shape."""
    values = np.asarray(values, dtype=float)
    return np.where(np.isfinite(values), values if direction == "max" else -values, FAILED_UTILITY)
