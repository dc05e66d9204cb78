"""Training one configuration of a task, and a callback that keeps its curve and its time."""

import time
from collections.abc import Mapping, Sequence

import keras
import keras_tuner

from keras_metahpo.space import SearchSpace, Value
from keras_metahpo.tasks.task import Task, TaskData

# A dictionary of metrics and `elapsed_s` an epoch.
Measurements = list[dict[str, float]]


class EpochClock(keras.callbacks.Callback):
    """Collects `measurements`."""

    def __init__(self):
        super().__init__()
        self.measurements: Measurements = []
        self._started = 0.0

    def on_train_begin(self, logs=None):
        self._started = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        metrics = {name: float(value) for name, value in (logs or {}).items()}
        self.measurements.append(metrics | {"elapsed_s": time.perf_counter() - self._started})


def build_configuration(
    task: Task, space: SearchSpace, configuration: Mapping[str, Value]
) -> tuple[keras_tuner.HyperParameters, keras.Model]:
    """The hyperparameters of a configuration as KerasTuner has them, and its compiled model."""
    hp = space.to_keras_tuner()
    hp.values = dict(configuration)
    return hp, task.hypermodel().build(hp)


def fit_configuration(
    task: Task,
    space: SearchSpace,
    configuration: Mapping[str, Value],
    data: TaskData,
    callbacks: Sequence[keras.callbacks.Callback],
) -> keras.Model:
    """Builds a configuration's model and trains it with plain `fit` for all epochs of the task.

    Args:
        task: What to train.
        space: Its search space.
        configuration: Active hyperparameters.
        data: The task's arrays.
        callbacks: Of `fit`; a loss that is not finite ends the training besides.
    """
    hp, model = build_configuration(task, space, configuration)
    task.hypermodel().fit(
        hp,
        model,
        *data.train,
        validation_data=data.validation,
        epochs=task.max_fidelity,
        callbacks=[*callbacks, keras.callbacks.TerminateOnNaN()],
        verbose=0,
    )
    return model
