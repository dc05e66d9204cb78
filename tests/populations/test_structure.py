"""Structures are equal only where a trace can be shared."""

import keras
import numpy as np
import pytest

from keras_metahpo.populations.structure import structure


def loss_with(factor):
    def loss(y_true, y_pred):
        return factor * keras.ops.mean(keras.ops.square(y_true - y_pred), axis=-1)

    return loss


def plain_loss(y_true, y_pred):
    return keras.ops.mean(keras.ops.square(y_true - y_pred), axis=-1)


class FactorLoss(keras.losses.Loss):
    """Says nothing of its factor in its config."""

    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def call(self, y_true, y_pred):
        return self.factor * plain_loss(y_true, y_pred)


class Shift(keras.layers.Layer):
    """Says nothing of its offset in its config."""

    def __init__(self, offset):
        super().__init__()
        self.offset = offset

    def get_config(self):
        return {}

    def call(self, x):
        return x + keras.ops.convert_to_tensor(self.offset, "float32")


class WithoutConfig(keras.Model):
    def __init__(self, dense):
        super().__init__()
        self.dense = dense

    def call(self, x):
        return self.dense(x)


def text(layer=None, loss=lambda: "mse", optimizer=lambda: keras.optimizers.SGD(0.1), metric=None):
    """The structure of a small model, whose parts are made after names begin anew."""
    keras.utils.clear_session(free_memory=False)
    model = keras.Sequential([keras.Input((3,)), *([layer()] if layer else [])])
    model.add(keras.layers.Dense(1))
    model.compile(optimizer(), loss(), metrics=[metric()] if metric else None)
    return structure(model)


def test_numbers_rates_and_weights_do_not_matter():
    def one(rate, momentum, dropout):
        return text(
            lambda: keras.layers.Dropout(dropout),
            optimizer=lambda: keras.optimizers.SGD(rate, momentum=momentum),
        )

    assert one(0.1, 0.5, 0.2) == one(0.01, 0.9, 0.3)
    assert one(0.1, 0.5, 0.2) != one(0.1, 0.0, 0.2)
    assert one(0.1, 0.5, 0.2) != one(0.1, 0.5, 0.0)


def test_layers_losses_and_metrics_matter():
    assert text() == text()
    assert text() != text(lambda: keras.layers.Dense(2))
    assert text() != text(loss=lambda: "mae")
    assert text() != text(metric=lambda: "mae")
    assert text(lambda: keras.layers.Dense(2, "relu")) != text(
        lambda: keras.layers.Dense(2, "tanh")
    )


def test_a_schedule_is_not_a_constant_rate_and_all_schedules_are_alike():
    def of(rate):
        return text(optimizer=lambda: keras.optimizers.SGD(rate))

    cosine = keras.optimizers.schedules.CosineDecay(0.1, 10)
    exponential = keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.5)
    assert of(cosine) == of(exponential) != of(0.1)


def test_functions_that_may_hold_numbers_are_equal_to_nothing():
    assert text(loss=lambda: plain_loss) == text(loss=lambda: plain_loss)
    held = loss_with(2.0)
    assert text(loss=lambda: held) != text(loss=lambda: held)
    assert text(metric=lambda: held) != text(metric=lambda: held)

    def dense():
        return keras.layers.Dense(2, keras.ops.square)

    def closure():
        return keras.layers.Dense(2, lambda x: x)

    assert text(dense) == text(dense)
    assert text(closure) != text(closure)


@pytest.mark.parametrize(
    "value, other", [(1, 2), (0.5, 0.25), ([1, 2, 3], [1, 2, 4]), (np.ones(3), np.zeros(3))]
)
def test_attributes_that_a_config_leaves_out_matter(value, other):
    same, different = (lambda: Shift(value)), (lambda: Shift(other))
    assert text(same) == text(same) != text(different)


def test_attributes_of_own_losses_matter():
    two, three = (lambda: FactorLoss(2.0)), (lambda: FactorLoss(3.0))
    assert text(loss=two) == text(loss=two) != text(loss=three)


def test_a_model_without_a_config_is_equal_to_nothing():
    def one():
        model = WithoutConfig(keras.layers.Dense(1))
        model.compile("sgd", "mse")
        model(np.zeros((1, 3)))
        return structure(model)

    assert one() != one()


def test_structure_leaves_the_model_as_it_is():
    dropout = keras.layers.Dropout(0.25)
    model = keras.Sequential([keras.Input((3,)), dropout, keras.layers.Dense(1)])
    model.compile(keras.optimizers.Adam(0.1, beta_1=0.7), "mse")
    structure(model)
    assert (dropout.rate, model.optimizer.beta_1) == (0.25, 0.7)


def test_what_a_layer_was_adapted_to_counts():
    def adapted(offset):
        layer = keras.layers.Normalization()
        layer.adapt(np.arange(12.0).reshape(4, 3) + offset)
        return layer

    assert text(lambda: adapted(0.0)) == text(lambda: adapted(0.0))
    assert text(lambda: adapted(0.0)) != text(lambda: adapted(1.0))
