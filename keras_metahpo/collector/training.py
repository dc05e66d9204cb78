"""Training trials: compiled where that can replace `fit`, and by `fit` itself elsewhere."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from keras_metahpo.history.trial_table import COMPLETED, FAILED, LoggedTrial
from keras_metahpo.space import SearchSpace, Value
from keras_metahpo.tasks import Task, TaskData
from keras_metahpo.tasks.training import EpochClock, Measurements, fit_configuration

if TYPE_CHECKING:
    from keras_metahpo.collector.compiled import CompiledEpochs
    from keras_metahpo.populations.trainer import PopulationTrainer

COMPILED = "compiled epochs"
# A finished trial, and what trained it: `COMPILED`, `"population of 5"`, or `"fit: REASON"`.
TrainedTrial = tuple[LoggedTrial, str]


class Trainer:
    """Trains configurations of one task after another, or at once.

    On TensorFlow, those of one structure in a row share a graph. On JAX, those that are given
    together are one compiled training, as far as they are of one structure.
    """

    def __init__(self):
        self._compiled: CompiledEpochs | None = None
        self._populations: PopulationTrainer | None = None
        self._loaded: tuple[str, TaskData] | None = None

    def train(
        self, task: Task, space: SearchSpace, configuration: dict[str, Value], seed: int
    ) -> TrainedTrial:
        """A finished trial, and what trained it.

        Args:
            task, space, configuration: What to train.
            seed: Of weights, noise and the order of examples.
        """
        return self.train_together(task, space, [(configuration, seed)])[0]

    def train_together(
        self, task: Task, space: SearchSpace, trials: Sequence[tuple[dict[str, Value], int]]
    ) -> list[TrainedTrial]:
        """Finished trials, and what trained each, in their order.

        Args:
            task, space: What to train.
            trials: Configurations and seeds.
        """
        if trains_populations():
            return self._train_populations(task, space, trials)
        return [self._train_alone(task, space, *trial) for trial in trials]

    def _train_alone(
        self, task: Task, space: SearchSpace, configuration: dict[str, Value], seed: int
    ) -> TrainedTrial:
        import keras

        if keras.backend.backend() != "tensorflow":
            reason = f"{keras.backend.backend()} is not TensorFlow or JAX"
            return _fitted(task, space, configuration, seed, reason)
        from keras_metahpo.collector.compiled import CompiledEpochs
        from keras_metahpo.populations.trainings import NotCompilable

        if self._compiled is None:
            self._compiled = CompiledEpochs()
        try:
            data = self._data(task)
            measurements = self._compiled.train(task, space, configuration, data, seed)
        except NotCompilable as reason:
            return _fitted(task, space, configuration, seed, reason)
        except Exception as error:  # A failure is a result: it is recorded with its reason.
            self.clear()
            return logged(task, configuration, [], error), COMPILED
        return logged(task, configuration, measurements), COMPILED

    def _train_populations(
        self, task: Task, space: SearchSpace, trials: Sequence[tuple[dict[str, Value], int]]
    ) -> list[TrainedTrial]:
        from keras_metahpo.collector.populations import train_populations
        from keras_metahpo.populations.trainer import PopulationTrainer

        if self._populations is None:
            self._populations = PopulationTrainer()
        configurations, seeds = zip(*trials, strict=True)
        results = train_populations(
            self._populations, task, space, configurations, self._data(task), seeds
        )
        trained: list[TrainedTrial] = []
        for (configuration, seed), result in zip(trials, results, strict=True):
            if isinstance(result, Exception):
                trained.append(_fitted(task, space, configuration, seed, result))
            else:
                curve, size = result
                trained.append((logged(task, configuration, curve), f"population of {size}"))
        return trained

    def _data(self, task: Task) -> TaskData:
        """The task's arrays, kept until another task's are asked for."""
        if self._loaded is None or self._loaded[0] != task.name:
            self._loaded = task.name, task.data.load()
        return self._loaded[1]

    def clear(self) -> None:
        """Gives memory back."""
        self._populations = None
        if self._compiled is not None:
            self._compiled.clear()


def trains_populations() -> bool:
    """Whether configurations that are given together are trained at once."""
    import keras

    return keras.backend.backend() == "jax"


def _fitted(
    task: Task,
    space: SearchSpace,
    configuration: dict[str, Value],
    seed: int,
    reason: Exception | str,
) -> TrainedTrial:
    return train_configuration(task, space, configuration, seed), f"fit: {reason}"


def train_configuration(
    task: Task, space: SearchSpace, configuration: dict[str, Value], seed: int
) -> LoggedTrial:
    """Trains one configuration for all epochs of the task with plain `fit`."""
    import keras

    keras.utils.clear_session()
    keras.utils.set_random_seed(seed)
    clock = EpochClock()
    failure = None
    try:
        data = task.data.load()
        model = fit_configuration(task, space, configuration, data, [clock])
        for measured in clock.measurements:
            measured["num_parameters"] = float(model.count_params())
    except Exception as error:  # As above.
        failure = error
    return logged(task, configuration, clock.measurements, failure)


def logged(
    task: Task,
    configuration: Mapping[str, Value],
    measurements: Measurements,
    failure: Exception | None = None,
) -> LoggedTrial:
    """A trial without an id; it failed if its objective was never finite."""
    message = None
    if failure is not None:
        message = f"{type(failure).__name__}: {failure}"
    elif len(measurements) < task.max_fidelity:
        message = f"Training diverged in epoch {len(measurements)}."
    values = [m.get(task.objective) for m in measurements]
    completed = any(v is not None and np.isfinite(v) for v in values)
    return LoggedTrial(
        trial_id="",
        configuration=configuration,
        measurements=measurements,
        status=COMPLETED if completed else FAILED,
        message=message,
    )
