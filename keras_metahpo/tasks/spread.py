"""Whether a task's hyperparameters matter: the spread of configurations against that of seeds."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from keras_metahpo.space import Configuration, SearchSpace
from keras_metahpo.tasks.task import Task, TaskData
from keras_metahpo.tasks.training import EpochClock, fit_configuration

# Below it, tuning a task mostly chases noise.
MIN_RATIO = 8.0


@dataclass(frozen=True)
class Spread:
    """Best objective values over the epochs of trials that had any.

    Attributes:
        task: Name of the task.
        configurations: Values of random configurations, NaN where none was finite.
        seeds: Values of the default configuration, each from another seed.
        cpu_s: Processor seconds of each of these trainings, compilation included.
        repeat_difference: Largest difference between two curves of the default configuration
            from the same seed; NaN where it was not measured.
    """

    task: str
    configurations: tuple[float, ...]
    seeds: tuple[float, ...]
    cpu_s: tuple[float, ...]
    repeat_difference: float = math.nan

    @property
    def p10_p90(self) -> tuple[float, float]:
        """Percentiles of the configurations that did not diverge."""
        low, high = np.nanpercentile(self.configurations, [10, 90])
        return float(low), float(high)

    @property
    def seed_deviation(self) -> float:
        """Standard deviation over seeds; NaN with fewer than two."""
        return float(np.std(self.seeds, ddof=1)) if len(self.seeds) > 1 else float("nan")

    @property
    def ratio(self) -> float:
        """How many seed deviations the configurations spread, from p10 to p90."""
        low, high = self.p10_p90
        return (high - low) / self.seed_deviation if self.seed_deviation else float("inf")


def measure_spread(
    task: Task,
    num_configurations: int,
    num_seeds: int,
    rng: np.random.Generator,
    on_trial: Callable[[], None] = lambda: None,
) -> Spread:
    """Trains random configurations, and the default one from several seeds, from the first twice.

    Args:
        task: Its real data are loaded.
        num_configurations: Random configurations.
        num_seeds: Trainings of the default configuration, each from another seed.
        rng: Draws the configurations.
        on_trial: Called after each training.
    """
    space, data = task.search_space(), task.data.load()
    drawn = space.decode(space.sample(num_configurations, rng))
    default = space.default_configuration()
    jobs = [(configuration, 0) for configuration in drawn]
    jobs += [(default, seed) for seed in [*range(num_seeds), 0]]
    curves, seconds = [], []
    for configuration, seed in jobs:
        started = time.process_time()
        curves.append(_curve(task, space, configuration, data, seed))
        seconds.append(time.process_time() - started)
        on_trial()
    values = [_best(curve, task.direction) for curve in curves[:-1]]
    return Spread(
        task.name,
        configurations=tuple(values[:num_configurations]),
        seeds=tuple(values[num_configurations:]),
        cpu_s=tuple(seconds),
        repeat_difference=_difference(curves[num_configurations], curves[-1]),
    )


def _curve(
    task: Task, space: SearchSpace, configuration: Configuration, data: TaskData, seed: int
) -> list[float]:
    """Objective values, one an epoch."""
    import keras

    keras.utils.clear_session()
    keras.utils.set_random_seed(seed)
    clock = EpochClock()
    fit_configuration(task, space, configuration, data, [clock])
    return [m.get(task.objective, math.nan) for m in clock.measurements]


def _best(curve: Sequence[float], direction: str) -> float:
    finite = [value for value in curve if math.isfinite(value)]
    return (max if direction == "max" else min)(finite, default=math.nan)


def _difference(curve: Sequence[float], other: Sequence[float]) -> float:
    if len(curve) != len(other):
        return math.inf
    return float(np.max(np.abs(np.subtract(curve, other)), initial=0.0))
