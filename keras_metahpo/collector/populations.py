"""Training configurations of a task at once, as far as they are of one structure (JAX)."""

from collections.abc import Mapping, Sequence

from keras_metahpo.collector.preparing import prepare
from keras_metahpo.populations.trainer import (
    PopulationTrainer,
    built,
    structure_of_training,
)
from keras_metahpo.populations.trainings import NotCompilable, Prepared
from keras_metahpo.space import SearchSpace, Value
from keras_metahpo.tasks import Task, TaskData
from keras_metahpo.tasks.training import Measurements


def structure_of(
    task: Task, space: SearchSpace, configuration: Mapping[str, Value], data: TaskData
) -> str:
    """What the compiled training of a configuration depends on, as text.

    Raises:
        NotCompilable: if it cannot be compiled.
    """
    return structure_of_training(built(prepare(task, space, configuration, data, seed=0)))


def train_populations(
    trainer: PopulationTrainer,
    task: Task,
    space: SearchSpace,
    configurations: Sequence[Mapping[str, Value]],
    data: TaskData,
    seeds: Sequence[int],
) -> list[tuple[Measurements, int] | Exception]:
    """What `PopulationTrainer.train` says of configurations of a task.

    Args:
        trainer: Trains them.
        task, space, configurations, data: As in `keras_metahpo.tasks.training`.
        seeds: Of weights and noise, as Keras draws them, and of the order of the examples, which
            numpy draws.
    """
    results: list[tuple[Measurements, int] | Exception] = [NotCompilable()] * len(seeds)
    trainings: dict[int, Prepared] = {}
    for place, (configuration, seed) in enumerate(zip(configurations, seeds, strict=True)):
        try:
            trainings[place] = built(prepare(task, space, configuration, data, seed))
        except Exception as reason:  # `fit` will say the same.
            results[place] = reason
    trained = trainer.train(
        list(trainings.values()), [seeds[place] for place in trainings], task.max_fidelity
    )
    for place, result in zip(trainings, trained, strict=True):
        results[place] = result
    return results
