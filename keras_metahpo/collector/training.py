"""One trial: compiled epochs where they can replace `fit`, and `fit` itself elsewhere."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from keras_metahpo.history.trial_log import COMPLETED, FAILED, LoggedTrial
from keras_metahpo.space import SearchSpace, Value
from keras_metahpo.tasks import Task, TaskData
from keras_metahpo.tasks.training import EpochClock, Measurements, fit_configuration

if TYPE_CHECKING:
    from keras_metahpo.collector.compiled import CompiledEpochs

COMPILED = "compiled epochs"


class Trainer:
    """Trains configurations of one task after another; those of one structure share a graph."""

    def __init__(self):
        self._compiled: CompiledEpochs | None = None
        self._loaded: tuple[str, TaskData] | None = None

    def train(
        self, task: Task, space: SearchSpace, configuration: dict[str, Value], seed: int
    ) -> tuple[LoggedTrial, str]:
        """A finished trial, and what trained it: `"compiled epochs"`, or `"fit: REASON"`.

        Args:
            task, space, configuration: What to train.
            seed: Of weights, noise and the order of examples.
        """
        import keras

        if keras.backend.backend() != "tensorflow":
            return train_configuration(task, space, configuration, seed), "fit: not on TensorFlow"
        from keras_metahpo.collector.compiled import CompiledEpochs, NotCompilable

        if self._compiled is None:
            self._compiled = CompiledEpochs()
        try:
            data = self._data(task)
            measurements = self._compiled.train(task, space, configuration, data, seed)
        except NotCompilable as reason:
            return train_configuration(task, space, configuration, seed), f"fit: {reason}"
        except Exception as error:  # A failure is a result: it is recorded with its reason.
            self.clear()
            return logged(task, configuration, [], error), COMPILED
        return logged(task, configuration, measurements), COMPILED

    def _data(self, task: Task) -> TaskData:
        """The task's arrays, kept until another task's are asked for."""
        if self._loaded is None or self._loaded[0] != task.name:
            self._loaded = task.name, task.data.load()
        return self._loaded[1]

    def clear(self) -> None:
        """Gives memory back."""
        if self._compiled is not None:
            self._compiled.clear()


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
