"""The library's tasks build and train on their fake data, whatever the configuration."""

from collections import Counter
from functools import cache

import keras
import keras_tuner
import numpy as np
import pytest

from keras_metahpo.space import SearchSpace
from keras_metahpo.tasks import NEVER_RUN, TransformedSource, get_task, list_tasks
from keras_metahpo.tasks.training import EpochClock

MAX_DIMENSIONS = 14
# Declares `hidden_units` in passing. Its trial logs exist, so its space stays as it is.
KNOWN_INCOMPLETE = "text/average"


def library() -> list[str]:
    """Tasks of plain classification."""
    return [*list_tasks("image"), *list_tasks("text")]


def representatives() -> list[str]:
    """One task of every hypermodel and kind of source."""
    chosen: dict[tuple, str] = {}
    for name in library():
        task = get_task(name)
        source = task.data.source if isinstance(task.data, TransformedSource) else task.data
        chosen.setdefault((name.split("/")[0], task.tags[1], type(source)), name)
    return list(chosen.values())


@cache
def space_of(name: str) -> SearchSpace:
    return get_task(name).search_space()


def hyperparameters(space: SearchSpace, configuration) -> keras_tuner.HyperParameters:
    hp = space.to_keras_tuner()
    hp.values = dict(configuration)
    return hp


@pytest.mark.parametrize("name", representatives())
def test_task_trains_on_fake_data(name):
    task, space = get_task(name), space_of(name)
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


@pytest.mark.parametrize("name", representatives())
def test_extreme_and_random_configurations_build(name):
    task, space = get_task(name), space_of(name)
    units = np.random.default_rng(0).random((3, len(space)))
    units[0], units[1] = 0.0, 1.0
    for configuration in space.decode(space.snap(units)):
        hp = hyperparameters(space, configuration)
        model = task.hypermodel().build(hp)
        assert model.output_shape == (None, task.data.num_classes)
        if not name.startswith(KNOWN_INCOMPLETE):
            assert SearchSpace.from_keras_tuner(hp) == space


def test_spaces_differ_in_size_and_names():
    spaces = {name.split("/")[0]: space_of(name) for name in representatives()}
    assert all(5 <= len(space) <= MAX_DIMENSIONS for space in spaces.values())
    assert len({len(space) for space in spaces.values()}) >= 5
    counts = Counter(name for space in spaces.values() for name in space.names)
    assert sum(count == 1 for count in counts.values()) >= len(counts) / 2


def test_library_is_large_and_says_what_never_ran():
    tasks = [get_task(name) for name in library()]
    never_run = [task for task in tasks if NEVER_RUN in task.tags]
    assert len(tasks) - len(never_run) >= 60
    assert {task.dataset.partition("/")[0] for task in never_run} == {"kmnist", "emnist"}


@pytest.mark.parametrize("name", library())
def test_fake_data_is_like_real_data_and_repeats_itself(name):
    source = get_task(name).data
    first, again = source.fake(), source.fake()
    for split in ("train", "validation", "test"):
        inputs, labels = getattr(first, split)
        assert len(inputs) == len(labels) > 0
        assert inputs.shape[1:] == source.input_shape
        assert labels.min() >= 0
        assert labels.max() < source.num_classes
        assert np.array_equal(inputs, getattr(again, split)[0])
        if inputs.ndim == 4:
            assert inputs.dtype == np.float32
            assert -1e-6 <= inputs.min() <= inputs.max() <= 1.0 + 1e-6
        else:
            assert inputs.dtype == np.int32
            assert 0 <= inputs.min() <= inputs.max() < source.vocabulary_size


def test_tuned_batch_size_reaches_fit():
    task, space = get_task("image/mlp_mnist"), space_of("image/mlp_mnist")
    (x, y), steps = task.data.fake().train, []
    counter = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: steps.append(1))
    hp = hyperparameters(space, space.complete({"batch_size": 16}))
    model = task.hypermodel().build(hp)
    task.hypermodel().fit(hp, model, x, y, callbacks=[counter], verbose=0)
    assert len(steps) == 2


def test_spaces_of_recorded_tasks_stay_as_they_were():
    assert space_of("image/mlp_mnist").names == [
        "batch_size",
        "activation",
        "units",
        "batch_norm",
        "dropout",
        "num_layers",
        "optimizer",
        "learning_rate",
        "weight_decay",
        "momentum",
    ]
    assert space_of("text/average_sst2").names == [
        "batch_size",
        "embedding_dim",
        "dropout",
        "hidden_layer",
        "learning_rate",
        "optimizer",
        "clipnorm",
    ]
