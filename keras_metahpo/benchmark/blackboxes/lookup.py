"""Finds the recorded configuration that answers for another one.

Shapes: n recorded configurations, q configurations asked for.
"""

from collections.abc import Sequence

import numpy as np

from keras_metahpo.space import Configuration, Points, SearchSpace

# Digits of a unit position that tell configurations apart: a policy's arithmetic may lose the last.
KEY_DIGITS = 9
INACTIVE_KEY = -1.0
# Squared distances, as in the kernel of `policies`: of an inactive number from the middle of its
# axis, and of two categories.
INACTIVE_DISTANCE, CATEGORY_DISTANCE = 0.25, 1.0


class Lookup:
    """Rows of configurations; of several equal ones the first counts.

    Args:
        space: The search space.
        configurations: n configurations.
    """

    def __init__(self, space: SearchSpace, configurations: Sequence[Configuration]):
        self.space = space
        self.configurations = tuple(configurations)
        points = space.encode(self.configurations)
        self._embedded = embedding(space, points)
        self._rows: dict[bytes, int] = {}
        for row, key in enumerate(_keys(points)):
            self._rows.setdefault(key, row)

    @property
    def distinct_rows(self) -> list[int]:
        """Rows of the configurations that equal no earlier one."""
        return list(self._rows.values())

    def exact(self, configuration: Configuration) -> int | None:
        """The row of a configuration; `SearchSpaceError` if illegal, `None` if not recorded."""
        return self._rows.get(_keys(self._points([configuration]))[0])

    def nearest(self, configurations: Sequence[Configuration]) -> np.ndarray:
        """Int array (q,). The nearest rows; raises `SearchSpaceError` for illegal ones."""
        points = self._points(configurations)
        rows = np.array([self._rows.get(key, -1) for key in _keys(points)], dtype=int)
        unknown = np.flatnonzero(rows < 0)
        for position, asked in zip(unknown, embedding(self.space, points[unknown]), strict=True):
            rows[position] = ((self._embedded - asked) ** 2).sum(axis=1).argmin()
        return rows

    def _points(self, configurations: Sequence[Configuration]) -> Points:
        return self.space.encode([self.space.complete(c) for c in configurations])


def embedding(space: SearchSpace, points: Points) -> np.ndarray:
    """Float array (n, ...). Where squared distances are those of the Gaussian process's kernel."""
    columns = [np.zeros((len(points), 1))]
    for column, hp in enumerate(space.hyperparameters):
        active = points.active[:, column]
        if hp.is_categorical:
            numbers = np.where(active, points.numbers[:, column], -1)
            corners = numbers[:, None] == np.arange(-1, len(hp.choices))
            columns.append(np.sqrt(CATEGORY_DISTANCE / 2) * corners)
        else:
            columns.append(points.units[:, [column]])
            columns.append(np.sqrt(INACTIVE_DISTANCE) * active[:, None])
    return np.hstack(columns)


def _keys(points: Points) -> list[bytes]:
    units = np.where(points.active, points.units, INACTIVE_KEY)
    return [row.tobytes() for row in np.round(units, KEY_DIGITS) + 0.0]
