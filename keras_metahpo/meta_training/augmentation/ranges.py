"""Augmentations of what is searched: fewer values, narrower ranges, other physical scales."""

from dataclasses import replace

import numpy as np

from keras_metahpo.meta_training.augmentation.rebuilding import with_column
from keras_metahpo.meta_training.source_task import SourceTask

# Widths of cropped ranges, as parts of the whole.
CROP_WIDTHS = (0.4, 0.9)
# Standard deviation of a shift of a physical scale, in natural logarithms: a factor of 1.4.
SHIFT_SCALE = 0.35


def freeze(task: SourceTask, rng: np.random.Generator, min_rows: int) -> SourceTask:
    """Keeps the configurations in which one discrete hyperparameter has one value."""
    column = int(rng.integers(len(task.space)))
    hp = task.space.hyperparameters[column]
    numbers = task.points.numbers[:, column]
    values, counts = np.unique(numbers[~np.isnan(numbers)], return_counts=True)
    common = values[counts >= min_rows]
    if hp.kind == "fixed" or hp.is_numeric or len(common) == 0:
        return task
    number = rng.choice(common)
    rows = numbers == number
    value = hp.value(number)
    fixed = replace(hp, kind="fixed", default=value, choices=(value,), ordered=False)
    new_numbers = task.points.numbers[rows].copy()
    new_numbers[:, column] = 0.0
    return with_column(task.take(rows), column, fixed, new_numbers)


def crop(task: SourceTask, rng: np.random.Generator, min_rows: int) -> SourceTask:
    """Narrows the range of one continuous hyperparameter."""
    columns = [
        c
        for c, hp in enumerate(task.space.hyperparameters)
        if hp.kind == "float" and hp.step is None and task.points.active[:, c].all()
    ]
    if not columns:
        return task
    column = int(rng.choice(columns))
    width = rng.uniform(*CROP_WIDTHS)
    start = rng.uniform(0.0, 1.0 - width)
    units = task.points.units[:, column]
    rows = (units >= start) & (units <= start + width)
    if rows.sum() < min_rows:
        return task
    hp = task.space.hyperparameters[column]
    low, high = hp.numbers(np.array([start, start + width])).tolist()
    default = min(max(float(hp.default), low), high)
    cropped = replace(hp, low=low, high=high, default=default)
    return with_column(task.take(rows), column, cropped, task.points.numbers[rows])


def shift(task: SourceTask, rng: np.random.Generator) -> SourceTask:
    """Moves the physical scale of one logarithmic hyperparameter; its ranks stay."""
    columns = [
        c
        for c, hp in enumerate(task.space.hyperparameters)
        if hp.kind == "float" and hp.sampling == "log" and hp.step is None
    ]
    if not columns:
        return task
    column = int(rng.choice(columns))
    hp = task.space.hyperparameters[column]
    factor = float(np.exp(rng.normal(0.0, SHIFT_SCALE)))
    shifted = replace(
        hp, low=hp.low * factor, high=hp.high * factor, default=float(hp.default) * factor
    )
    numbers = task.points.numbers.copy()
    numbers[:, column] *= factor
    return with_column(task, column, shifted, numbers)
