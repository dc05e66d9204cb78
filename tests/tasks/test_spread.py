"""The spread of configurations in units of the spread of seeds."""

import math

import keras
import numpy as np
import pytest

from keras_metahpo.tasks import ArraySource, Spread, Task, measure_spread


def build(hp):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, "softmax")])
    learning_rate = hp.Float("learning_rate", 1e-6, 1.0, sampling="log", default=1e-1)
    optimizer = keras.optimizers.SGD(learning_rate)
    model.compile(
        optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"], run_eagerly=True
    )
    return model


def test_percentiles_leave_out_what_diverged():
    values = (*np.linspace(0.0, 1.0, 11), float("nan"))
    spread = Spread("x/y", values, (0.5, 0.6), ())
    assert spread.p10_p90 == pytest.approx((0.1, 0.9))
    assert spread.seed_deviation == pytest.approx(0.1 / math.sqrt(2))
    assert spread.ratio == pytest.approx(0.8 / (0.1 / math.sqrt(2)))


def test_equal_seeds_give_an_infinite_ratio_and_one_seed_none():
    assert Spread("x/y", (0.1, 0.9), (0.5, 0.5), ()).ratio == math.inf
    assert math.isnan(Spread("x/y", (0.1, 0.9), (0.5,), ()).ratio)


def test_spread_is_measured_by_training():
    inputs, labels = np.random.default_rng(0).random((100, 4)), np.arange(100) % 3
    task = Task("x/y", build, ArraySource(inputs + labels[:, None], labels), max_fidelity=1)
    trials = []

    rng = np.random.default_rng(1)
    spread = measure_spread(task, 2, 1, rng, lambda: trials.append(1))
    assert len(trials) == 4
    assert (len(spread.configurations), len(spread.seeds), len(spread.cpu_s)) == (2, 1, 4)
    assert spread.repeat_difference < 1e-6
    assert min(spread.cpu_s) > 0
    assert len({*spread.configurations, *spread.seeds}) > 1
    assert all(0 <= value <= 1 for value in spread.configurations + spread.seeds)
