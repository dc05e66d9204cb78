"""Numbers and learning rates of a model as inputs of a JAX function, while it is traced.

A number is put into the model as a `TracedFloat`: Python decides by its value what to trace, and
arithmetic is on the traced input.
"""

import operator
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import jax
import jax.numpy as jnp
import keras
import numpy as np

from keras_metahpo.populations.exchangeable import is_scheduled, set_float


class TracedFloat:
    """A number that is compared as a float and computed with as a traced scalar.

    Unlike a float it cannot become one: a function that only takes floats fails instead of using
    one configuration's number for all.

    Args:
        value: What Python sees: whether it is 0 must be the same for all configurations.
        traced: Scalar array.
    """

    dtype = "float32"

    def __init__(self, value: float, traced: jax.Array):
        self.value = value
        self.traced = traced

    def __jax_array__(self):
        return self.traced

    def __bool__(self):
        return bool(self.value)

    def __hash__(self):
        return hash(self.value)

    def __neg__(self):
        return -self.traced


def _comparison(name: str):
    compare = getattr(operator, name)
    return lambda self, other: compare(self.value, getattr(other, "value", other))


def _arithmetic(name: str, is_reflected: bool):
    operate = getattr(operator, name)
    if is_reflected:
        return lambda self, other: operate(other, self.traced)
    return lambda self, other: operate(self.traced, getattr(other, "traced", other))


for _name in ("eq", "ne", "lt", "le", "gt", "ge"):
    setattr(TracedFloat, f"__{_name}__", _comparison(_name))
for _name in ("add", "sub", "mul", "truediv", "pow"):
    setattr(TracedFloat, f"__{_name}__", _arithmetic(_name, False))
    setattr(TracedFloat, f"__r{_name}__", _arithmetic(_name, True))


class TracedRates(keras.optimizers.schedules.LearningRateSchedule):
    """A learning-rate schedule as the list of its values.

    Args:
        values: Float array (steps,).
    """

    def __init__(self, values: jax.Array):
        self.values = values

    def __call__(self, step):
        step = keras.ops.convert_to_tensor(step)  # Often the optimizer's variable.
        return self.values[jnp.minimum(step, len(self.values) - 1)]

    def get_config(self):
        return {"values": np.asarray(self.values).tolist()}


@contextmanager
def traced_numbers(
    model: keras.Model,
    numbers: Sequence[tuple[Any, str]],
    values: jax.Array,
    rates: jax.Array,
) -> Iterator[None]:
    """Puts traced inputs in place of a model's numbers and schedule.

    Args:
        model: The model.
        numbers: Its exchangeable numbers.
        values: Float array (numbers,).
        rates: Float array (steps,). Of its schedule, if it has one.
    """
    constants = [getattr(part, name) for part, name in numbers]
    schedule = model.optimizer._learning_rate
    try:
        for (part, name), constant, value in zip(numbers, constants, values, strict=True):
            set_float(part, name, TracedFloat(constant, value))
        if is_scheduled(model.optimizer):
            model.optimizer._learning_rate = TracedRates(rates)
        yield
    finally:
        for (part, name), constant in zip(numbers, constants, strict=True):
            set_float(part, name, constant)
        if is_scheduled(model.optimizer):
            model.optimizer._learning_rate = schedule


def scheduled_rates(optimizer: keras.optimizers.Optimizer, num_steps: int) -> np.ndarray:
    """The values of its schedule at each step: float array (num_steps,); empty without one."""
    if not is_scheduled(optimizer):
        return np.zeros(0, np.float32)
    rates = jax.vmap(lambda step: jnp.float32(optimizer._learning_rate(step)))
    return np.asarray(rates(jnp.arange(num_steps)))
