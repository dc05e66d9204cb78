"""What the training of a task's configuration begins with."""

from collections.abc import Mapping

import keras

from keras_metahpo.populations.trainings import (
    FIT_BATCH_SIZE,
    NotCompilable,
    Prepared,
    require_compilable,
)
from keras_metahpo.space import SearchSpace, Value
from keras_metahpo.tasks import Task, TaskData
from keras_metahpo.tasks.training import build_configuration

FIT_ARGUMENTS = {"batch_size", "validation_batch_size"}


def prepare(
    task: Task,
    space: SearchSpace,
    configuration: Mapping[str, Value],
    data: TaskData,
    seed: int,
) -> Prepared:
    """Builds the model of a configuration, with the weights that `fit` would find.

    Raises:
        NotCompilable: if only `fit` itself can train it.
    """
    # Layers are named as in a fresh process, or no two structures would be equal.
    keras.utils.clear_session(free_memory=False)
    keras.utils.set_random_seed(seed)
    hp, model = build_configuration(task, space, configuration)
    arguments = dict(task.fit_arguments(hp))
    if others := sorted(set(arguments) - FIT_ARGUMENTS):
        raise NotCompilable(f"fit is called with {', '.join(others)}")
    require_compilable(model)
    prepared = task.prepared_data(hp, data.train, data.validation)
    batch_size = arguments.get("batch_size") or FIT_BATCH_SIZE
    validation_batch_size = arguments.get("validation_batch_size") or batch_size
    return Prepared(model, prepared.train, prepared.validation, batch_size, validation_batch_size)
