"""Makes many source tasks of one recorded task, so that a ranker cannot learn it by heart.

Shapes: n configurations, d hyperparameters.
"""

from dataclasses import replace

import numpy as np

from keras_metahpo.meta_training.source_task import SourceTask
from keras_metahpo.space import Condition, Hyperparameter, Points, SearchSpace, role_of
from keras_metahpo.space.roles import ALIASES

RENAME_PROBABILITY = 0.5
CROP_PROBABILITY = 0.4
FREEZE_PROBABILITY = 0.4
SHIFT_PROBABILITY = 0.5
PERTURB_PROBABILITY = 0.7
# Standard deviation of a shift of a physical scale, in natural logarithms: a factor of 1.4.
SHIFT_SCALE = 0.35
# Largest perturbation of the response, in standard deviations of the utilities' ranks.
PERTURB_SCALE = 0.6
NUM_WAVES = 48


def augment(task: SourceTask, rng: np.random.Generator, min_rows: int) -> SourceTask:
    """A perturbed copy of a recorded task with at least `min_rows` configurations."""
    if rng.random() < FREEZE_PROBABILITY:
        task = _freeze(task, rng, min_rows)
    if rng.random() < CROP_PROBABILITY:
        task = _crop(task, rng, min_rows)
    if rng.random() < SHIFT_PROBABILITY:
        task = _shift(task, rng)
    if rng.random() < PERTURB_PROBABILITY:
        task = _perturb(task, rng)
    return _rename(task, rng)


def _freeze(task: SourceTask, rng: np.random.Generator, min_rows: int) -> SourceTask:
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
    return _rebuild(task, column, fixed, new_numbers, task.utilities[rows])


def _crop(task: SourceTask, rng: np.random.Generator, min_rows: int) -> SourceTask:
    """Narrows the range of one continuous hyperparameter."""
    columns = [
        c
        for c, hp in enumerate(task.space.hyperparameters)
        if hp.kind == "float" and hp.step is None and task.points.active[:, c].all()
    ]
    if not columns:
        return task
    column = int(rng.choice(columns))
    width = rng.uniform(0.4, 0.9)
    start = rng.uniform(0.0, 1.0 - width)
    units = task.points.units[:, column]
    rows = (units >= start) & (units <= start + width)
    if rows.sum() < min_rows:
        return task
    hp = task.space.hyperparameters[column]
    low, high = hp.numbers(np.array([start, start + width])).tolist()
    default = min(max(float(hp.default), low), high)
    cropped = replace(hp, low=low, high=high, default=default)
    return _rebuild(task, column, cropped, task.points.numbers[rows], task.utilities[rows])


def _shift(task: SourceTask, rng: np.random.Generator) -> SourceTask:
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
    return _rebuild(task, column, shifted, numbers, task.utilities)


def _perturb(task: SourceTask, rng: np.random.Generator) -> SourceTask:
    """Adds a random smooth function (random Fourier features) to the utilities' order."""
    finite = np.isfinite(task.utilities)
    if finite.sum() < 2:
        return task
    units = task.points.units[finite]
    num_hyperparameters = max(units.shape[1], 1)
    lengths = 0.6 * np.sqrt(num_hyperparameters) * np.exp(rng.normal(0.0, 0.6, units.shape[1]))
    frequencies = rng.normal(size=(units.shape[1], NUM_WAVES)) / lengths[:, None]
    waves = np.cos(units @ frequencies + rng.uniform(0, 2 * np.pi, NUM_WAVES))
    smooth = waves @ rng.normal(size=NUM_WAVES)
    order = task.utilities[finite].argsort().argsort() / finite.sum()
    scale = rng.uniform(0.0, PERTURB_SCALE) * order.std() / (smooth.std() + 1e-9)
    utilities = task.utilities.copy()
    utilities[finite] = order + scale * smooth
    return replace(task, utilities=utilities)


def _rename(task: SourceTask, rng: np.random.Generator) -> SourceTask:
    """Gives hyperparameters other names of the same role."""
    names: dict[str, str] = {}
    for name in task.space.names:
        role = role_of(name)
        free = [a for a in ALIASES.get(role or "", ()) if a not in names.values()]
        if free and rng.random() < RENAME_PROBABILITY:
            names[name] = str(rng.choice(free))
        else:
            names[name] = name
    if len(set(names.values())) < len(names):
        return task
    hyperparameters = [
        replace(
            hp,
            name=names[hp.name],
            conditions=tuple(Condition(names[c.parent], c.values) for c in hp.conditions),
        )
        for hp in task.space.hyperparameters
    ]
    return replace(task, space=SearchSpace(hyperparameters))


def _rebuild(
    task: SourceTask,
    column: int,
    hp: Hyperparameter,
    numbers: np.ndarray,
    utilities: np.ndarray,
) -> SourceTask:
    """The task with one hyperparameter replaced and the given rows."""
    hyperparameters = list(task.space.hyperparameters)
    hyperparameters[column] = hp
    active = ~np.isnan(numbers)
    units = np.full(numbers.shape, 0.5)
    for c, other in enumerate(hyperparameters):
        rows = active[:, c]
        units[rows, c] = other.units(numbers[rows, c])
    points = Points(units, numbers, active)
    return replace(task, space=SearchSpace(hyperparameters), points=points, utilities=utilities)
