"""Training many configurations of one structure at once, on one device (JAX).

A small model leaves most of a GPU idle, and most of a short training is compiling. Configurations
with the same layers and batch size are one model whose weights, numbers and learning rates have one
more axis: an epoch of all of them is one compiled call.

Shapes: k configurations, n examples, b of them in a batch, m batches in an epoch, v numbers.
"""

import time
from collections.abc import Mapping, Sequence

import jax
import jax.numpy as jnp
import keras
import numpy as np

from keras_metahpo.collector.exchangeable import exchangeable_floats
from keras_metahpo.collector.jax_numbers import scheduled_rates, traced_numbers
from keras_metahpo.collector.population_data import EACH, Epochs, stacked
from keras_metahpo.collector.preparing import (
    NotCompilable,
    Prepared,
    example,
    prepare,
    signature,
)
from keras_metahpo.collector.structure import structure
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
    return _structure(_built(prepare(task, space, configuration, data, seed=0)))


def train_populations(
    task: Task,
    space: SearchSpace,
    configurations: Sequence[Mapping[str, Value]],
    data: TaskData,
    seeds: Sequence[int],
) -> list[tuple[Measurements, int] | Exception]:
    """The curves of configurations, those of one structure trained at once as `fit` trains each.

    Args:
        task, space, configurations, data: As in `keras_metahpo.tasks.training`.
        seeds: Of weights and noise, as Keras draws them, and of the order of the examples, which
            numpy draws.

    Returns:
        For each configuration its curve and the size of its population, or why it could not be
        trained like that. A curve is a dictionary of metrics and `num_parameters` an epoch; its
        `elapsed_s` is an equal share of the population's and does not count compiling. It ends
        with an epoch whose loss is not finite.
    """
    results: list[tuple[Measurements, int] | Exception] = [NotCompilable()] * len(seeds)
    populations: dict[str, list[tuple[int, Prepared]]] = {}
    for place, (configuration, seed) in enumerate(zip(configurations, seeds, strict=True)):
        try:
            training = _built(prepare(task, space, configuration, data, seed))
            populations.setdefault(_structure(training), []).append((place, training))
        except Exception as reason:  # `fit` will say the same.
            results[place] = reason
    for members in populations.values():
        places, trainings = zip(*members, strict=True)
        curves = _train(trainings, [seeds[place] for place in places], task.max_fidelity)
        for place, curve in zip(places, curves, strict=True):
            results[place] = curve
    return results


def _train(
    trainings: Sequence[Prepared], seeds: Sequence[int], num_epochs: int
) -> list[tuple[Measurements, int] | Exception]:
    """Trains a population; one that is too large for the memory, say, in halves."""
    try:
        curves = _Population(trainings, seeds, num_epochs).train()
        return [(curve, len(trainings)) for curve in curves]
    except Exception as reason:
        if len(trainings) == 1:
            return [reason]
    middle = len(trainings) // 2
    return [
        *_train(trainings[:middle], seeds[:middle], num_epochs),
        *_train(trainings[middle:], seeds[middle:], num_epochs),
    ]


def _built(training: Prepared) -> Prepared:
    training.model._symbolic_build(data_batch=example(training.train))
    return training


def _structure(training: Prepared) -> str:
    sizes = [training.batch_size, training.validation_batch_size]
    shapes = [signature(training.train), signature(training.validation), sizes]
    return f"{structure(training.model)} {shapes}"


class _Population:
    """The state of all configurations and its compiled epochs.

    Args:
        trainings: k built models of one structure, with their data.
        seeds: k seeds of orders.
        num_epochs: Of the training.
    """

    def __init__(self, trainings: Sequence[Prepared], seeds: Sequence[int], num_epochs: int):
        first = trainings[0]
        rngs = [np.random.default_rng(seed) for seed in seeds]
        self.model, self.num_epochs, self.size = first.model, num_epochs, len(trainings)
        self.numbers = exchangeable_floats(self.model)
        self.train_data = Epochs([t.train for t in trainings], first.batch_size, rngs)
        self.validation_data = Epochs(
            [t.validation for t in trainings], first.validation_batch_size, [None] * self.size
        )
        models = [training.model for training in trainings]
        self.state = stacked([_state(model) for model in models])
        self.no_metrics = _state(self.model)[-1]
        values = [[getattr(p, n) for p, n in exchangeable_floats(model)] for model in models]
        self.values = jnp.asarray(values, jnp.float32)
        num_steps = num_epochs * self.train_data.num_batches
        self.rates = stacked([scheduled_rates(model.optimizer, num_steps) for model in models])

    def train(self) -> list[Measurements]:
        """The curves of all configurations."""
        rows, validation_rows = self.train_data.next(), self.validation_data.next()
        train = self._compiled(self._train_epoch, self.train_data, rows)
        validate = self._compiled(self._validate, self.validation_data, validation_rows)
        epochs: list[dict[str, np.ndarray]] = []
        started = time.perf_counter()
        for number in range(self.num_epochs):
            if number > 0:
                rows, validation_rows = self.train_data.next(), self.validation_data.next()
            self.state, logs = train(self.state, self.values, self.rates, *rows)
            _, validation_logs = validate(self.state, self.values, self.rates, *validation_rows)
            logs |= {f"val_{name}": value for name, value in validation_logs.items()}
            measured = {name: np.asarray(value) for name, value in logs.items()}
            elapsed_s = (time.perf_counter() - started) / self.size
            epochs.append(measured | {"elapsed_s": np.full(self.size, elapsed_s)})
            if not np.isfinite(measured["loss"]).any():
                break
        return [self._curve(epochs, number) for number in range(self.size)]

    def _curve(self, epochs: Sequence[Mapping[str, np.ndarray]], number: int) -> Measurements:
        num_parameters = float(self.model.count_params())
        curve: Measurements = []
        for epoch in epochs:
            measured = {name: float(values[number]) for name, values in epoch.items()}
            curve.append(measured | {"num_parameters": num_parameters})
            if not np.isfinite(measured["loss"]):
                break
        return curve

    def _compiled(self, epoch, data: Epochs, rows: tuple):
        """`epoch` for all configurations at once, compiled for such arrays."""
        axes = (EACH, EACH, EACH, data.axis, EACH, EACH)
        mapped = jax.jit(jax.vmap(epoch, axes))
        return mapped.lower(self.state, self.values, self.rates, *rows).compile()

    def _train_epoch(self, state, values, rates, arrays, full, rest):
        """An epoch of one configuration; `full` (m, b) and `rest` (n - m b,) are its rows."""
        return self._epoch(self.model.train_step, state, values, rates, arrays, full, rest)

    def _validate(self, state, values, rates, arrays, full, rest):
        trainable, others, _, metrics = state
        without_optimizer = (trainable, others, metrics)
        return self._epoch(
            self.model.test_step, without_optimizer, values, rates, arrays, full, rest
        )

    def _epoch(self, train_or_test, state, values, rates, arrays, full, rest):
        def step(state, rows):
            logs, state = train_or_test(state, _rows_of(arrays, rows))
            return state, logs

        state = (*state[:-1], self.no_metrics)
        logs: dict[str, jax.Array] = {}
        with traced_numbers(self.model, self.numbers, values, rates):
            if len(full):
                state, all_logs = jax.lax.scan(step, state, full)
                logs = jax.tree.map(lambda values: values[-1], all_logs)
            if len(rest):
                state, logs = step(state, rest)
        return state, logs


def _rows_of(arrays, rows):
    return jax.tree.map(lambda array: array[rows], arrays)


def _state(model: keras.Model) -> tuple:
    """Trainable and other variables, those of the optimizer, and those of the metrics."""
    kinds = (
        model.trainable_variables,
        model.non_trainable_variables,
        model.optimizer.variables,
        model.metrics_variables,
    )
    return tuple([variable.value for variable in variables] for variables in kinds)
