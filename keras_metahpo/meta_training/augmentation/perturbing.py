"""A random smooth function added to what was measured.

Shapes: n configurations.
"""

from dataclasses import replace

import numpy as np

from keras_metahpo.meta_training.source_task import SourceTask

# Largest perturbation of the response, in standard deviations of the utilities' ranks.
PERTURB_SCALE = 0.6
NUM_WAVES = 48


def perturb(task: SourceTask, rng: np.random.Generator) -> SourceTask:
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
