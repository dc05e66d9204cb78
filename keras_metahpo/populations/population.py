"""Configurations of one structure as one model, whose epoch is one compiled call (JAX).

Shapes: k configurations, n examples, b of them in a batch, m batches in an epoch, v numbers.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import jax
import jax.numpy as jnp
import keras
import numpy as np

from keras_metahpo.populations.epochs import EACH, Epochs, stacked
from keras_metahpo.populations.exchangeable import exchangeable_floats
from keras_metahpo.populations.jax_numbers import scheduled_rates, traced_numbers
from keras_metahpo.populations.trainings import Prepared

# A dictionary of metrics an epoch.
Curve = list[dict[str, float]]


class Follower(Protocol):
    """Sees the epochs of one configuration."""

    def begin(self) -> None:
        """Before the first epoch; again if the training has to begin anew."""

    def see(self, epoch: int, metrics: Mapping[str, float]) -> tuple[bool, bool]:
        """Whether the model is to be kept as it is now, and whether its training goes on."""


class Member:
    """One configuration of a population."""

    def __init__(self, training: Prepared, seed: int | None, follower: Follower | None):
        self.training = training
        self.rng = None if seed is None else np.random.default_rng(seed)
        self.follower = follower


class Population:
    """The state of all configurations and its compiled epochs.

    Args:
        members: k built models of one structure, with their data.
        num_epochs: Of the training.
    """

    def __init__(self, members: Sequence[Member], num_epochs: int):
        first = members[0].training
        self.members, self.num_epochs, self.size = members, num_epochs, len(members)
        self.models = [member.training.model for member in members]
        self.model = first.model
        self.numbers = exchangeable_floats(self.model)
        self.train_data = Epochs(
            [m.training.train for m in members], first.batch_size, [m.rng for m in members]
        )
        validations = [m.training.validation for m in members]
        size = first.validation_batch_size
        self.validation_data = Epochs(validations, size, [None] * self.size)
        self.state = stacked([_state(model) for model in self.models])
        self.no_metrics = _state(self.model)[-1]
        values = [[getattr(p, n) for p, n in exchangeable_floats(model)] for model in self.models]
        self.values = jnp.asarray(values, jnp.float32)
        num_steps = num_epochs * self.train_data.num_batches
        self.rates = stacked([scheduled_rates(model.optimizer, num_steps) for model in self.models])

    def train(self, kind: str, compiled: dict[str, Callable]) -> list[Curve]:
        """The curves of all configurations.

        Args:
            kind: Their structure.
            compiled: What earlier populations compiled.
        """
        epoch = self._compiled_epoch(kind, compiled)
        followers = [member.follower for member in self.members]
        for follower in followers:
            if follower is not None:
                follower.begin()
        curves: list[Curve] = [[] for _ in self.members]
        num_parameters = float(self.model.count_params())
        kept, going = self.state, np.ones(self.size, dtype=bool)
        started = time.perf_counter()
        for number in range(self.num_epochs):
            measured = epoch(number)
            elapsed_s = (time.perf_counter() - started) / self.size
            facts = {"elapsed_s": elapsed_s, "num_parameters": num_parameters}
            keep = np.zeros(self.size, dtype=bool)
            for row in np.flatnonzero(going):
                metrics = {name: float(values[row]) for name, values in measured.items()}
                curves[row].append(metrics | facts)
                going[row] = np.isfinite(metrics["loss"])
                follower = followers[row]
                if follower is not None:
                    keep[row], goes_on = follower.see(number, metrics)
                    going[row] &= goes_on
            if keep.any():
                kept = _chosen(jnp.asarray(keep), self.state, kept)
            if not going.any():
                break
        if any(follower is not None for follower in followers):
            self._hand_over(kept)
        return curves

    def _compiled_epoch(self, kind: str, compiled: dict[str, Callable]) -> Callable:
        """From the number of an epoch to its metrics, float arrays (k,); compiles at once."""
        data, validation = self.train_data, self.validation_data
        rows, validation_rows = data.next(), validation.next()
        train = self._compile(kind, compiled, self._train_epoch, data, rows)
        validate = self._compile(kind, compiled, self._validate, validation, validation_rows)

        def epoch(number: int) -> dict[str, np.ndarray]:
            nonlocal rows, validation_rows
            if number > 0:
                rows, validation_rows = data.next(), validation.next()
            self.state, logs = train(self.state, self.values, self.rates, *rows)
            _, others = validate(self.state, self.values, self.rates, *validation_rows)
            logs |= {f"val_{name}": value for name, value in others.items()}
            return {name: np.asarray(value) for name, value in logs.items()}

        return epoch

    def _hand_over(self, state: tuple) -> None:
        """Gives every model its part of a state, but for the metrics."""
        on_host = jax.tree.map(np.asarray, state[:-1])
        for row, model in enumerate(self.models):
            for variables, values in zip(_variables(model)[:-1], on_host, strict=True):
                for variable, value in zip(variables, values, strict=True):
                    variable.assign(value[row])

    def _compile(
        self, kind: str, compiled: dict[str, Callable], epoch: Callable, data: Epochs, rows: tuple
    ) -> Callable:
        """`epoch` for all configurations at once, compiled for such arrays."""
        arguments = (self.state, self.values, self.rates, *rows)
        shapes = jax.tree.map(lambda array: (array.shape, str(array.dtype)), arguments)
        key = f"{epoch.__name__} {kind} {data.axis} {shapes}"
        if key not in compiled:
            axes = (EACH, EACH, EACH, data.axis, EACH, EACH)
            compiled[key] = jax.jit(jax.vmap(epoch, axes)).lower(*arguments).compile()
        compiled[key] = compiled.pop(key)  # The latest last.
        return compiled[key]

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


@jax.jit
def _chosen(rows, new, old):
    """Rows (k,) of one state, the others of another one."""

    def choose(new, old):
        return jnp.where(rows.reshape(-1, *[1] * (new.ndim - 1)), new, old)

    return jax.tree.map(choose, new, old)


def _rows_of(arrays, rows):
    return jax.tree.map(lambda array: array[rows], arrays)


def _variables(model: keras.Model) -> tuple[list[Any], ...]:
    """Trainable and other variables, those of the optimizer, and those of the metrics."""
    return (
        model.trainable_variables,
        model.non_trainable_variables,
        model.optimizer.variables,
        model.metrics_variables,
    )


def _state(model: keras.Model) -> tuple[list[jax.Array], ...]:
    return tuple([variable.value for variable in variables] for variables in _variables(model))
