"""Training configurations of one structure with one compiled epoch (TensorFlow).

Most of a short training is not training: it is tracing, pipelines, and the calls between batches.
Configurations with the same layers differ in weights and in numbers such as rates only. The first
one is traced, a whole epoch as one graph; the next ones are trained by the same graph, with their
own initial weights and numbers put in place.
"""

import gc
import time
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_metahpo.collector.batches import Batches, make_batches
from keras_metahpo.collector.preparing import prepare
from keras_metahpo.collector.tensorflow_memory import forget_gradients, noting_gradients
from keras_metahpo.collector.tensorflow_numbers import (
    LearningRates,
    VariableFloat,
    scheduled_rates,
)
from keras_metahpo.populations.exchangeable import exchangeable_floats, is_scheduled, set_float
from keras_metahpo.populations.structure import structure
from keras_metahpo.populations.trainings import Prepared, example, signature
from keras_metahpo.space import SearchSpace, Value
from keras_metahpo.tasks import Task, TaskData
from keras_metahpo.tasks.training import Measurements


class CompiledEpochs:
    """Trains configurations as `fit` does; those of one structure in a row share their graphs."""

    def __init__(self):
        self._structure = ""
        self._kept: _KeptModel | None = None
        self._gradients: set[str] = set()

    def train(
        self,
        task: Task,
        space: SearchSpace,
        configuration: Mapping[str, Value],
        data: TaskData,
        seed: int,
    ) -> Measurements:
        """The curve of one configuration.

        Args:
            task, space, configuration, data: As in `keras_metahpo.tasks.training`.
            seed: Of weights and noise, as Keras draws them, and of the order of the examples,
                which numpy draws.

        Returns:
            A dictionary of metrics and `num_parameters` an epoch; `elapsed_s` does not count
            tracing. Training ends with an epoch whose loss is not finite.

        Raises:
            NotCompilable: before training.
        """
        prepared = _built(prepare(task, space, configuration, data, seed))
        batches, validation = _batches(prepared, seed)
        key = f"{task.name} {_structure(prepared)}"
        with noting_gradients(self._gradients):
            kept = self._keep(key, prepared.model, batches.num_batches * task.max_fidelity)
            measurements = kept.train(batches, validation, task.max_fidelity)
        num_parameters = float(kept.model.count_params())
        return [measured | {"num_parameters": num_parameters} for measured in measurements]

    def _keep(self, key: str, model: keras.Model, num_steps: int) -> "_KeptModel":
        numbers = exchangeable_floats(model)
        rates = None
        if is_scheduled(model.optimizer):
            rates = scheduled_rates(model.optimizer, num_steps)
        if self._kept is not None and key == self._structure:
            values = [getattr(part, name) for part, name in numbers]
            self._kept.restart(model, values, rates)
        else:
            self.clear()
            self._kept, self._structure = _KeptModel(model, numbers, rates), key
        return self._kept

    def clear(self) -> None:
        """Forgets the kept model and gives its memory back."""
        if self._kept is not None:
            self._kept = None
            forget_gradients(self._gradients)
            gc.collect()


def structure_of(
    task: Task, space: SearchSpace, configuration: Mapping[str, Value], data: TaskData
) -> str:
    """What the compiled training of a configuration depends on, as text.

    Raises:
        NotCompilable: if it cannot be compiled.
    """
    return _structure(_built(prepare(task, space, configuration, data, seed=0)))


def _built(prepared: Prepared) -> Prepared:
    if not prepared.model.built:
        prepared.model._symbolic_build(data_batch=example(prepared.train))
    return prepared


def _structure(prepared: Prepared) -> str:
    return f"{structure(prepared.model)} {signature(prepared.train)}"


def _batches(prepared: Prepared, seed: int) -> tuple[Batches, Batches]:
    """Batches for training and validation."""
    train = make_batches(prepared.train, prepared.batch_size, np.random.default_rng(seed))
    return train, make_batches(prepared.validation, prepared.validation_batch_size, None)


class _KeptModel:
    """A compiled model, what puts it back to its beginning, and its traced epochs."""

    def __init__(
        self,
        model: keras.Model,
        numbers: Sequence[tuple[Any, str]],
        rates: np.ndarray | None,
    ):
        self.model = model
        self.numbers = [VariableFloat(getattr(part, name)) for part, name in numbers]
        for (part, name), number in zip(numbers, self.numbers, strict=True):
            set_float(part, name, number)
        if rates is not None:
            model.optimizer._learning_rate = LearningRates(rates)
        model.optimizer.build(model.trainable_variables)
        self._optimizer_start = [v.numpy() for v in model.optimizer.variables]
        self._train = _epoch(model.train_step)
        self._validate = _epoch(model.test_step)

    def restart(
        self, model: keras.Model, values: Sequence[float], rates: np.ndarray | None
    ) -> None:
        """Takes over another model's weights and numbers."""
        optimizer = self.model.optimizer
        for variable, start in zip(optimizer.variables, self._optimizer_start, strict=True):
            variable.assign(start)
        for variable, other in zip(self.model.variables, model.variables, strict=True):
            variable.assign(other)
        for number, value in zip(self.numbers, values, strict=True):
            number.variable.assign(value)
        if rates is None:
            optimizer._learning_rate.assign(model.optimizer._learning_rate)
        else:
            optimizer._learning_rate.values.assign(rates)

    def train(self, batches: Batches, validation: Batches, num_epochs: int) -> Measurements:
        batches.trace(self._train)
        validation.trace(self._validate)
        measurements: list[dict[str, float]] = []
        started = time.perf_counter()
        for _ in range(num_epochs):
            metrics = self._metrics(batches, self._train, "")
            metrics |= self._metrics(validation, self._validate, "val_")
            measurements.append(metrics | {"elapsed_s": time.perf_counter() - started})
            if not np.isfinite(metrics["loss"]):
                break
        return measurements

    def _metrics(self, batches: Batches, epoch, prefix: str) -> dict[str, float]:
        self.model.reset_metrics()
        batches.run(epoch)
        results = self.model.get_metrics_result()
        return {prefix + name: float(value) for name, value in results.items()}


def _epoch(step):
    """A graph of `step` on the rows `order` of arrays (n, ...), `size` rows a time."""

    @tf.function(autograph=False)
    def epoch(arrays, order, size):
        def body(start):
            rows = order[start : start + size]
            step(keras.tree.map_structure(lambda array: tf.gather(array, rows), arrays))
            return start + size

        tf.while_loop(lambda start: start < tf.shape(order)[0], body, [0])

    return epoch
