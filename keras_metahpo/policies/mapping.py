"""Configurations from elsewhere (rules, earlier searches, users) carried into a search space.

Shapes: n configurations, d hyperparameters.
"""

import math
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import TypeGuard

import numpy as np

from keras_metahpo.history import TrialLog
from keras_metahpo.space import Configuration, Hyperparameter, Points, SearchSpace, Value


def related_logs(space: SearchSpace, logs: Sequence[TrialLog]) -> list[TrialLog]:
    """Those that share the name of a hyperparameter with the space.

    All configurations of the others would be the default one.
    """
    return [log for log in logs if not set(space.names).isdisjoint(log.space.names)]


def nearest_points(space: SearchSpace, configurations: Sequence[Configuration]) -> Points:
    """Legal points, on the grids, nearest to n configurations; defaults for what they lack."""
    occurrences = Counter(hp.name for hp in space.hyperparameters)
    choices = [
        hp for hp in space.hyperparameters if hp.kind == "choice" and occurrences[hp.name] == 1
    ]
    moved = [
        {**c, **{hp.name: nearest_choice(hp, c[hp.name]) for hp in choices if hp.name in c}}
        for c in configurations
    ]
    points = space.encode(moved)
    numbers = points.numbers.copy()
    for column, hp in enumerate(space.hyperparameters):
        if hp.step is not None:
            rows = points.active[:, column]
            numbers[rows, column] = hp.numbers(hp.units(numbers[rows, column]))
    if np.array_equal(numbers, points.numbers, equal_nan=True):
        return points
    # A value moved onto its grid may switch others on or off.
    return space.encode(space.decode(replace(points, numbers=numbers)))


def varied(
    space: SearchSpace, center: Configuration, names: Collection[str], units: np.ndarray
) -> list[dict[str, Value]]:
    """A configuration with n other values of some hyperparameters.

    Args:
        space: The search space.
        center: The configuration; what is not named keeps its very value, and no rounding error.
        names: Hyperparameters that get other values.
        units: Float array (n, d). Unit positions of the other values.
    """
    is_free = np.array([hp.name in names for hp in space.hyperparameters], dtype=bool)
    around = space.encode([center]).units
    moved = space.decode(space.snap(np.where(is_free, units, around)))
    kept = {name: value for name, value in center.items() if name not in names}
    return space.decode(space.encode([other | kept for other in moved]))


def nearest_choice(hp: Hyperparameter, value: Value) -> Value:
    """The choice nearest to a value; the default where none is like it."""
    if value in hp.choices:
        return value
    if isinstance(value, str):
        same = [c for c in hp.choices if isinstance(c, str) and c.lower() == value.lower()]
        return same[0] if same else hp.default
    numbers = [c for c in hp.choices if _is_number(c)]
    if not numbers or not _is_number(value):
        return hp.default
    if value > 0 and min(numbers) > 0:
        return min(numbers, key=lambda c: abs(math.log(c / value)))
    return min(numbers, key=lambda c: abs(c - value))


def _is_number(value: Value) -> TypeGuard[float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
