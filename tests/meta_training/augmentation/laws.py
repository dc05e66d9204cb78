"""What holds of every augmented task, and tasks to try it on."""

import numpy as np

from keras_metahpo.meta_training.source_task import SourceTask
from keras_metahpo.meta_training.synthetic_prior import synthetic_task
from keras_metahpo.space import SearchSpace

NUM_CONFIGURATIONS = 32


def any_task(seed: int) -> SourceTask:
    """A task with any kinds of hyperparameters, conditions and failures."""
    return synthetic_task(np.random.default_rng(seed), NUM_CONFIGURATIONS)


def configurations(task: SourceTask) -> list[dict]:
    return task.space.decode(task.points)


def assert_valid(task: SourceTask) -> None:
    space, points = task.space, task.points
    assert SearchSpace.from_config(space.get_config()) == space
    space.default_configuration()
    assert points.units.shape == points.numbers.shape == points.active.shape
    assert points.units.shape == (len(task.utilities), len(space))
    assert len(task.early_errors) == len(task.costs) == len(task.utilities)
    assert not np.isnan(task.utilities).any() and not np.isposinf(task.utilities).any()
    # Legal values, active exactly where the conditions hold.
    encoded = space.encode(configurations(task))
    np.testing.assert_array_equal(encoded.active, points.active)
    np.testing.assert_allclose(encoded.numbers, points.numbers, rtol=1e-9)
    np.testing.assert_allclose(encoded.units, points.units, atol=1e-9)


def same_configuration(one: dict, other: dict) -> bool:
    return one.keys() == other.keys() and all(one[name] == other[name] for name in one)
