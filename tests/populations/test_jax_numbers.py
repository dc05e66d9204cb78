"""Numbers that are constants to Python and inputs to a JAX function."""

import operator

import keras
import pytest

pytestmark = pytest.mark.skipif(keras.backend.backend() != "jax", reason="of JAX")
if keras.backend.backend() == "jax":
    import jax
    import jax.numpy as jnp

    from keras_metahpo.populations.exchangeable import exchangeable_floats
    from keras_metahpo.populations.jax_numbers import TracedFloat, scheduled_rates, traced_numbers

OPERATORS = (operator.add, operator.sub, operator.mul, operator.truediv, operator.pow)


@pytest.mark.parametrize("operate", OPERATORS)
@pytest.mark.parametrize("other", [0.3, 2])
def test_arithmetic_is_on_the_input_and_comparison_on_the_constant(operate, other):
    @jax.jit
    def both(traced):
        number = TracedFloat(0.5, traced)
        assert number > 0 and number == 0.5 and number != 0.0 and bool(number)
        assert 0 < number <= 1 and not number < 0.1
        array = jnp.full(3, other, jnp.float32)
        return operate(number, other), operate(other, number), operate(number, array)

    for result, expected in zip(
        both(0.7),
        (operate(0.7, other), operate(other, 0.7), [operate(0.7, other)] * 3),
        strict=True,
    ):
        assert result.dtype == jnp.float32
        assert result.tolist() == pytest.approx(expected, rel=1e-6)


def test_it_never_becomes_a_float():
    with pytest.raises(TypeError):
        float(TracedFloat(0.5, jnp.float32(0.7)))


def test_numbers_are_back_in_place_after_a_trace_that_fails():
    schedule = keras.optimizers.schedules.CosineDecay(0.1, 10)
    dropout = keras.layers.Dropout(0.25)
    model = keras.Sequential([keras.Input((3,)), dropout, keras.layers.Dense(1)])
    model.compile(keras.optimizers.Adam(schedule, beta_1=0.7), "mse")
    numbers = exchangeable_floats(model)
    values = jnp.zeros(len(numbers))
    with (
        pytest.raises(RuntimeError, match="a trace"),
        traced_numbers(model, numbers, values, jnp.zeros(4)),
    ):
        assert isinstance(dropout.rate, TracedFloat)
        raise RuntimeError("a trace")
    assert (dropout.rate, model.optimizer.beta_1) == (0.25, 0.7)
    assert model.optimizer._learning_rate is schedule


def test_scheduled_rates_are_those_of_the_schedule():
    schedule = keras.optimizers.schedules.CosineDecay(0.0, 8, warmup_target=0.1, warmup_steps=4)
    rates = scheduled_rates(keras.optimizers.SGD(schedule), 12)
    expected = [float(schedule(step)) for step in range(12)]
    assert rates.tolist() == pytest.approx(expected, abs=1e-8)
    assert len(scheduled_rates(keras.optimizers.SGD(0.1), 12)) == 0
