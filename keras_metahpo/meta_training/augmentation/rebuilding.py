"""Puts source tasks together again whose hyperparameters or configurations have changed.

Shapes: n configurations, d hyperparameters.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from keras_metahpo.meta_training.source_task import SourceTask
from keras_metahpo.space import Condition, Hyperparameter, Points, SearchSpace
from keras_metahpo.space.points import INACTIVE_UNIT


def rebuild(
    task: SourceTask,
    hyperparameters: Sequence[Hyperparameter],
    numbers: np.ndarray,
) -> SourceTask:
    """The task with other hyperparameters.

    Args:
        task: Gives all but its search space and points.
        hyperparameters: d different ones, in any order.
        numbers: Float array (n, d). Values on the hyperparameters' own axes, NaN where inactive.
    """
    space = SearchSpace(hyperparameters)
    # A search space sorts its hyperparameters, parents first.
    order = [hyperparameters.index(hp) for hp in space.hyperparameters]
    numbers = numbers[:, order]
    active = ~np.isnan(numbers)
    units = np.full(numbers.shape, INACTIVE_UNIT)
    for column, hp in enumerate(space.hyperparameters):
        rows = active[:, column]
        units[rows, column] = hp.units(numbers[rows, column])
    points = Points(units, numbers, active)
    return replace(task, space=space, points=points)


def with_column(
    task: SourceTask, column: int, hp: Hyperparameter, numbers: np.ndarray
) -> SourceTask:
    """The task with one hyperparameter replaced, and the given values of all."""
    hyperparameters = list(task.space.hyperparameters)
    hyperparameters[column] = hp
    return rebuild(task, hyperparameters, numbers)


def renamed(
    hyperparameters: Sequence[Hyperparameter], names: Mapping[str, str]
) -> list[Hyperparameter]:
    """Hyperparameters under other names, in their conditions too.

    Args:
        hyperparameters: Of one search space.
        names: The new name of each old one; different for different ones.
    """
    return [
        replace(
            hp,
            name=names[hp.name],
            conditions=tuple(Condition(names[c.parent], c.values) for c in hp.conditions),
        )
        for hp in hyperparameters
    ]


def numbered(name: str, taken: set[str]) -> str:
    """The name, numbered as people do if it is taken: `units` is `units_1`, `units_0` `units_1`."""
    if name not in taken:
        return name
    stem, _, last = name.rpartition("_")
    stem = stem if stem and last.isdigit() else name
    number = 1
    while f"{stem}_{number}" in taken:
        number += 1
    return f"{stem}_{number}"
