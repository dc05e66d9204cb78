"""A task: a hypermodel, its data and what is optimised."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import keras
import keras_tuner
import numpy as np

from keras_metahpo._kerastuner import discover_space
from keras_metahpo.errors import TaskError
from keras_metahpo.space import SearchSpace


@dataclass(frozen=True)
class TaskData:
    """Arrays of one task; no search ever sees the test split.

    Attributes:
        train, validation, test: Pairs (inputs, labels); labels are integers. After a task's
            `prepare`, inputs may be a `keras.utils.PyDataset` whose labels are `None`.
    """

    train: tuple[Any, Any]
    validation: tuple[Any, Any]
    test: tuple[Any, Any]


NO_EXAMPLES = (np.empty(0), np.empty(0))


class DataSource(Protocol):
    """Where a task's arrays come from."""

    num_classes: int

    def load(self) -> TaskData:
        """The real data."""
        ...

    def fake(self) -> TaskData:
        """Random data of the same shapes, for tests without downloads."""
        ...


def _no_fit_arguments(hp: keras_tuner.HyperParameters) -> Mapping[str, Any]:
    return {}


def _as_it_is(hp: keras_tuner.HyperParameters, data: TaskData) -> TaskData:
    return data


@dataclass(frozen=True)
class Task:
    """A tuning problem.

    Attributes:
        name: `family/variant`, unique in the registry.
        build: `build(hp)` returns a compiled `keras.Model`.
        data: Source of the arrays.
        max_fidelity: Epochs of a full training.
        objective: Metric to optimise, a name whose direction KerasTuner can infer.
        fit_arguments: `fit_arguments(hp)` returns further arguments of `fit`, such as a tuned
            batch size.
        tags: Words to select tasks by; the first one is the family.
        licence, citation: Of the data.
        version: Changes whenever results would.
        features: Facts about the task for a ranker; `task_features` adds those of the data.
        prepare: `prepare(hp, data)` returns the data that are trained on, where these depend on
            hyperparameters. The test split it gets is empty.
    """

    name: str
    build: Callable[[keras_tuner.HyperParameters], keras.Model]
    data: DataSource
    max_fidelity: int
    objective: str = "val_accuracy"
    fit_arguments: Callable[[keras_tuner.HyperParameters], Mapping[str, Any]] = _no_fit_arguments
    tags: tuple[str, ...] = ()
    licence: str = ""
    citation: str = ""
    version: str = "1"
    features: Mapping[str, Any] = field(default_factory=dict)
    prepare: Callable[[keras_tuner.HyperParameters, TaskData], TaskData] = _as_it_is

    def __post_init__(self):
        if self.max_fidelity < 1:
            raise TaskError(
                "max_fidelity must be a positive number of epochs. "
                f"Received: max_fidelity={self.max_fidelity} for task {self.name!r}."
            )

    @property
    def direction(self) -> str:
        return keras_tuner.Oracle(objective=self.objective).objective.direction

    @property
    def family(self) -> str:
        """The first tag; what stands before the slash of the name where there are no tags."""
        return self.tags[0] if self.tags else self.name.partition("/")[0]

    @property
    def dataset(self) -> str:
        """Name of its data set without the version; empty where the source has none."""
        return str(getattr(self.data, "dataset", "")).partition(":")[0]

    def hypermodel(self) -> "TaskHyperModel":
        """The task as a KerasTuner hypermodel, whose `fit` applies the tuned fit arguments."""
        return TaskHyperModel(self)

    def hyperparameters(self) -> keras_tuner.HyperParameters:
        """The search space, with every conditional branch, found as KerasTuner finds it."""
        return discover_space(self.hypermodel())

    def search_space(self) -> SearchSpace:
        return SearchSpace.from_keras_tuner(self.hyperparameters())

    def prepared_data(
        self, hp: keras_tuner.HyperParameters, train: tuple[Any, Any], validation: tuple[Any, Any]
    ) -> TaskData:
        """What `prepare` makes of training and validation data."""
        return self.prepare(hp, TaskData(train, validation, NO_EXAMPLES))


class TaskHyperModel(keras_tuner.HyperModel):
    """Builds and fits the models of a task.

    Args:
        task: The task.
    """

    def __init__(self, task: Task):
        super().__init__(name=task.name)
        self.task = task

    def build(self, hp):
        self.task.fit_arguments(hp)  # Declares the hyperparameters that `fit` will use.
        return self.task.build(hp)

    def fit(self, hp, model, x=None, y=None, *, validation_data=None, **kwargs):
        """Keras' `fit` on prepared data, with the tuned arguments."""
        data = self.task.prepared_data(hp, (x, y), validation_data)
        tuned = self.task.fit_arguments(hp)
        return model.fit(*data.train, validation_data=data.validation, **kwargs, **tuned)
