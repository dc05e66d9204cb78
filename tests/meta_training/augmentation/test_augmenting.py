"""All augmentations together."""

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_metahpo.meta_training.augmentation import augment

from .laws import NUM_CONFIGURATIONS, any_task, assert_valid


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 40), st.integers(0, 40), st.integers(0, 10**6))
def test_augmented_tasks_are_valid_and_large_enough(seed, other_seed, draw):
    task, other = any_task(seed), any_task(other_seed)
    same = replace(task, name="same space", utilities=task.utilities[::-1].copy())
    before = task.points.numbers.copy(), task.utilities.copy()
    augmented = augment(task, np.random.default_rng(draw), 10, (task, other, same))
    assert_valid(augmented)
    assert 10 <= len(augmented.points) <= NUM_CONFIGURATIONS
    np.testing.assert_array_equal(task.points.numbers, before[0])
    np.testing.assert_array_equal(task.utilities, before[1])


def test_the_same_generator_gives_the_same_task():
    tasks = [any_task(seed) for seed in range(5)]
    for seed in range(30):
        one, two = (augment(tasks[0], np.random.default_rng(seed), 10, tasks) for _ in range(2))
        assert one.space == two.space
        np.testing.assert_array_equal(one.points.numbers, two.points.numbers)
        np.testing.assert_array_equal(one.utilities, two.utilities)
