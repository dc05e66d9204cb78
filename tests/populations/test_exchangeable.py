"""Which numbers of a model can be exchanged."""

import keras

from keras_metahpo.populations.exchangeable import exchangeable_floats


def test_numbers_that_are_zero_stay_constants():
    dropout = keras.layers.Dropout(0.0)
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1), dropout])
    model.compile(keras.optimizers.SGD(0.1, momentum=0.5), "mse")
    assert exchangeable_floats(model) == [(model.optimizer, "momentum")]


def test_own_layers_name_what_can_be_exchanged():
    class Scale(keras.layers.Layer):
        exchangeable = ("factor",)

        def __init__(self):
            super().__init__()
            self.factor = 2.0

        def call(self, x):
            return self.factor * x

    scale = Scale()
    model = keras.Sequential([keras.Input((2,)), scale, keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.1), "mse")
    assert exchangeable_floats(model) == [(scale, "factor")]
