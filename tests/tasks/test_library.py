"""Every task of the library builds and trains on its fake data."""

from pathlib import Path

import keras
import keras_tuner
import numpy as np
import pytest

from keras_metahpo.space import SearchSpace
from keras_metahpo.tasks import get_task, list_tasks
from keras_metahpo.tasks.training import EpochClock

DIGITS = Path(__file__).parents[2] / "benchmarks" / "tasks" / "digits.py"
NAMES = [*list_tasks(), f"{DIGITS}:digits/mlp", f"{DIGITS}:digits/cnn"]


def hyperparameters(space: SearchSpace, configuration) -> keras_tuner.HyperParameters:
    hp = keras_tuner.HyperParameters.from_config(space.get_config())
    hp.values = dict(configuration)
    return hp


@pytest.mark.parametrize("name", NAMES, ids=lambda name: name.rpartition(":")[2])
def test_task_trains_on_fake_data(name):
    task = get_task(name)
    space = task.search_space()
    data = task.data.fake()
    hp = hyperparameters(space, space.default_configuration())
    hypermodel = task.hypermodel()
    model = hypermodel.build(hp)
    model.run_eagerly = True  # Tracing would take longer than all the steps.
    clock = EpochClock()
    hypermodel.fit(
        hp, model, *data.train, validation_data=data.validation, callbacks=[clock], verbose=0
    )
    (measured,) = clock.measurements
    assert np.isfinite(measured[task.objective])
    assert measured["elapsed_s"] > 0
    assert all(type(value) is float for value in measured.values())
    assert model.output_shape == (None, task.data.num_classes)
    # Nothing was declared in passing: the space was complete before the model was built.
    assert SearchSpace.from_keras_tuner(hp) == space
    assert hp.values == space.default_configuration()


@pytest.mark.parametrize("name", NAMES, ids=lambda name: name.rpartition(":")[2])
def test_extreme_configurations_build(name):
    task = get_task(name)
    space = task.search_space()
    corners = np.stack([np.zeros(len(space)), np.ones(len(space))])
    for configuration in space.decode(space.snap(corners)):
        model = task.hypermodel().build(hyperparameters(space, configuration))
        assert model.output_shape == (None, task.data.num_classes)


@pytest.mark.parametrize("name", NAMES, ids=lambda name: name.rpartition(":")[2])
def test_fake_data_is_like_real_data_and_repeats_itself(name):
    source = get_task(name).data
    first, again = source.fake(), source.fake()
    for split in ("train", "validation", "test"):
        inputs, labels = getattr(first, split)
        assert len(inputs) == len(labels) == 32
        assert labels.min() >= 0
        assert labels.max() < source.num_classes
        assert np.array_equal(inputs, getattr(again, split)[0])
        if inputs.ndim == 4:
            assert inputs.dtype == np.float32
            assert inputs.shape[1:] == (source.size, source.size, 1)
            assert 0.0 <= inputs.min() <= inputs.max() <= 1.0
        else:
            assert inputs.dtype == np.int32
            assert inputs.shape[1:] == (source.length,)
            assert 0 <= inputs.min() <= inputs.max() < source.vocabulary_size


def test_tuned_batch_size_reaches_fit():
    task = get_task("image/mlp_mnist")
    space = task.search_space()
    (x, y), steps = task.data.fake().train, []
    counter = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: steps.append(1))
    hp = hyperparameters(space, space.complete({"batch_size": 16}))
    model = task.hypermodel().build(hp)
    task.hypermodel().fit(hp, model, x, y, callbacks=[counter], verbose=0)
    assert len(steps) == 2


def test_space_holds_every_conditional_branch():
    names = get_task("image/mlp_mnist").search_space().names
    assert {"momentum", "batch_size", "optimizer"} <= set(names)
