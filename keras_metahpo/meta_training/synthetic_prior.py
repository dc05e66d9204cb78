"""Draws synthetic source tasks: searches of imaginary models that obey deep-learning lore.

A ranker meta-trained on them knows what to expect of a search space it has never seen.
Shapes: n configurations.
"""

import numpy as np

from keras_metahpo.meta_training.source_task import SourceTask
from keras_metahpo.meta_training.synthetic.effect import sigmoid
from keras_metahpo.meta_training.synthetic.hyperparameter import pick
from keras_metahpo.meta_training.synthetic.response import (
    Response,
    deep_learning_response,
    generic_response,
)
from keras_metahpo.meta_training.synthetic.space import draw_space, draw_unnamed_space

# Kinds of tasks; the others are deep learning under its usual names.
UNNAMED = 0.2  # any problem under names that say nothing
MISNAMED = 0.04  # usual names that mean nothing, lest names be trusted blindly
# Standard deviations of the noise, in units of the spread among good configurations.
NOISE_LEVELS = (0.0, 0.01, 0.02, 0.02, 0.05, 0.05, 0.1, 0.1, 0.25, 0.5)
HETEROSCEDASTIC = 0.3
# Chance level: all that is worse than it looks the same.
PLATEAU = 0.3
CHANCE_LEVEL = 12.0  # in units of the spread among good configurations, if there is no plateau
# An epoch's seconds rise with a power of the work; their noise, in doublings.
WORK_POWERS = (0.3, 1.0)
COST_NOISE = 0.3
# Failures.
DIVERGING = 0.4  # share of tasks on which divergence ends in NaN
OUT_OF_MEMORY = 0.05
CRASHING = 0.05
MAX_FAILURES = 0.5


def synthetic_task(rng: np.random.Generator, num_configurations: int = 192) -> SourceTask:
    """A random task of the family `"synthetic"`.

    Args:
        rng: Source of randomness; the same state gives the same task.
        num_configurations: How many configurations random search tries on it.

    Returns:
        A task whose space has 1 to 16 hyperparameters and whose utilities are not all equal.
    """
    while True:
        kind = rng.random()
        draw = draw_unnamed_space if kind < UNNAMED else draw_space
        respond = generic_response if kind < UNNAMED + MISNAMED else deep_learning_response
        synthetic = draw(rng)
        points = synthetic.space.sample(num_configurations, rng)
        response = respond(synthetic, points, rng)
        utilities = _utilities(response, rng)
        # A space of one Fixed, or one whose only hyperparameter does nothing, teaches nothing.
        if np.ptp(response.loss) > 0 and np.ptp(utilities[np.isfinite(utilities)]) > 0:
            name = f"synthetic_{int(rng.integers(2**62)):016x}"
            return SourceTask(
                name,
                "synthetic",
                synthetic.space,
                points,
                utilities,
                costs=_costs(response, rng),
            )


def _utilities(response: Response, rng: np.random.Generator) -> np.ndarray:
    """Noisy utilities of one run each, -inf where it failed: float array (n,)."""
    loss = response.loss - response.loss.min()
    # Good configurations set the scale: divergence would hide all differences between them.
    scale = np.median(loss) or loss.std() or 1.0
    loss = _with_noise(loss / scale, rng)
    has_plateau = rng.random() < PLATEAU
    level = np.quantile(loss, rng.uniform(0.25, 0.95)) if has_plateau else CHANCE_LEVEL
    loss = np.minimum(loss, level)
    return np.where(_failed(response, rng), -np.inf, _transformed(loss, rng))


def _costs(response: Response, rng: np.random.Generator) -> np.ndarray:
    """Of an epoch: float array (n,). How much faster less work is done is the machine's affair."""
    doublings = rng.uniform(*WORK_POWERS) * response.work
    return 2.0 ** (doublings + COST_NOISE * rng.normal(size=len(doublings)))


def _with_noise(loss: np.ndarray, rng) -> np.ndarray:
    deviation = pick(NOISE_LEVELS, rng)
    if rng.random() < HETEROSCEDASTIC:
        # Bad configurations vary more from run to run than good ones.
        deviation = deviation * (0.5 + rng.uniform(0.2, 1.0) * np.minimum(loss, 3.0))
    return loss + deviation * rng.normal(size=len(loss))


def _transformed(loss: np.ndarray, rng) -> np.ndarray:
    """The metric the user reads: a loss, an accuracy, or a loss that explodes."""
    kind = rng.random()
    if kind < 0.4:
        return -loss
    if kind < 0.8:
        chance, ceiling = rng.uniform(0.0, 0.5), rng.uniform(0.6, 1.0)
        # Noise can make a loss negative; an accuracy stays below 1.
        return chance + (ceiling - chance) * np.exp(-rng.uniform(0.2, 1.2) * loss)
    return -np.exp(rng.uniform(0.2, 1.0) * loss)


def _failed(response: Response, rng) -> np.ndarray:
    """Which trials fail, at most half of them: bool array (n,)."""
    num_configurations = len(response.loss)
    failed = np.zeros(num_configurations, dtype=bool)
    if rng.random() < DIVERGING:
        # NaN comes a little beyond the cliff, on some tasks not always.
        probability = rng.uniform(0.3, 1.0) * sigmoid(8.0 * (response.beyond - rng.uniform(0, 1)))
        failed |= rng.random(num_configurations) < probability
    if rng.random() < OUT_OF_MEMORY:
        failed |= response.memory > np.quantile(response.memory, rng.uniform(0.8, 0.98))
    if rng.random() < CRASHING:
        failed |= rng.random(num_configurations) < rng.uniform(0.01, 0.1)
    excess = int(failed.sum() - MAX_FAILURES * num_configurations)
    if excess > 0:
        least_risky_first = np.argsort(np.where(failed, response.beyond, np.inf))
        failed[least_risky_first[:excess]] = False
    return failed
