"""Numbers that are constants to Python and variables to a graph."""

import math
import operator

import keras
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytestmark = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="compiled epochs are for TensorFlow"
)
if keras.backend.backend() == "tensorflow":
    import tensorflow as tf

    from keras_metahpo.collector.tensorflow_numbers import (
        LearningRates,
        VariableFloat,
        scheduled_rates,
    )

OPERATORS = (operator.add, operator.sub, operator.mul, operator.truediv, operator.pow)
numbers = st.floats(0.01, 10.0)


@pytest.mark.parametrize("operate", OPERATORS)
@given(value=numbers, other=numbers)
def test_arithmetic_with_numbers_is_rounded_once(operate, value, other):
    number = VariableFloat(value)
    for result, expected in (
        (operate(number, other), operate(value, other)),
        (operate(other, number), operate(other, value)),
    ):
        assert isinstance(result, VariableFloat)
        assert float(result) == expected
        in_graph = tf.convert_to_tensor(result).numpy()
        # pow differs between libraries in the last bit of double precision.
        assert math.isclose(in_graph, tf.constant(expected).numpy(), rel_tol=1.2e-7)


@pytest.mark.parametrize("operate", OPERATORS)
def test_arithmetic_with_tensors_gives_what_a_constant_gives(operate):
    tensor = tf.constant([0.3, 2.0])
    for left, right, expected in (
        (VariableFloat(0.9), tensor, operate(0.9, tensor)),
        (tensor, VariableFloat(0.9), operate(tensor, 0.9)),
    ):
        result = operate(left, right)
        assert result.dtype == tf.float32
        assert result.numpy().tolist() == expected.numpy().tolist()


def test_a_new_value_needs_no_new_trace():
    number = VariableFloat(0.9)
    traces = []

    @tf.function
    def complement(x):
        traces.append(1)
        return x * (1.0 - number)

    assert complement(tf.constant(1.0)).numpy() == tf.constant(1.0 - 0.9).numpy()
    number.variable.assign(0.25)
    assert complement(tf.constant(1.0)).numpy() == 0.75
    assert len(traces) == 1


def test_scheduled_rates_are_those_of_the_schedule():
    schedule = keras.optimizers.schedules.CosineDecay(0.0, 8, warmup_target=0.1, warmup_steps=4)
    rates = scheduled_rates(keras.optimizers.SGD(schedule), 12)
    assert rates.tolist() == [float(schedule(step)) for step in range(12)]
    table = LearningRates(rates)
    assert [float(table(step)) for step in (0, 5, 11, 50)] == rates[[0, 5, 11, 11]].tolist()
