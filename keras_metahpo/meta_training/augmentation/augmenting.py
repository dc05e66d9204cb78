"""Which augmentations a recorded task goes through, how often and in what order."""

from collections.abc import Sequence

import numpy as np

from keras_metahpo.meta_training.augmentation.columns import (
    add_irrelevant,
    drop,
    permute_choices,
    rename,
)
from keras_metahpo.meta_training.augmentation.mixing import join, joinable, mix, mixable
from keras_metahpo.meta_training.augmentation.perturbing import perturb
from keras_metahpo.meta_training.augmentation.ranges import crop, freeze, shift
from keras_metahpo.meta_training.source_task import SourceTask
from keras_metahpo.meta_training.synthetic.hyperparameter import pick

MIX_PROBABILITY = 0.1
JOIN_PROBABILITY = 0.1
DROP_PROBABILITY = 0.1
FREEZE_PROBABILITY = 0.4
CROP_PROBABILITY = 0.4
PERMUTE_PROBABILITY = 0.2
SHIFT_PROBABILITY = 0.5
PERTURB_PROBABILITY = 0.7
ADD_PROBABILITY = 0.1


def augment(
    task: SourceTask, rng: np.random.Generator, min_rows: int, others: Sequence[SourceTask] = ()
) -> SourceTask:
    """A perturbed copy of a recorded task with at least `min_rows` configurations.

    Args:
        task: Stays as it is.
        rng: All randomness comes from here.
        min_rows: What would leave fewer configurations is not done.
        others: Recorded tasks to mix it with; itself may be among them.
    """
    if rng.random() < MIX_PROBABILITY:
        partners = [other for other in others if mixable(task, other)]
        task = mix(task, pick(partners, rng), rng, min_rows) if partners else task
    if rng.random() < JOIN_PROBABILITY:
        partners = [other for other in others if joinable(task, other)]
        task = join(task, pick(partners, rng), rng) if partners else task
    if rng.random() < DROP_PROBABILITY:
        task = drop(task, rng)
    if rng.random() < FREEZE_PROBABILITY:
        task = freeze(task, rng, min_rows)
    if rng.random() < CROP_PROBABILITY:
        task = crop(task, rng, min_rows)
    if rng.random() < PERMUTE_PROBABILITY:
        task = permute_choices(task, rng)
    if rng.random() < SHIFT_PROBABILITY:
        task = shift(task, rng)
    if rng.random() < PERTURB_PROBABILITY:
        task = perturb(task, rng)
    # After the perturbation, which would make them matter.
    if rng.random() < ADD_PROBABILITY:
        task = add_irrelevant(task, rng)
    return rename(task, rng)
