"""Collecting trial logs: complete, resumable, and failures are recorded."""

import json
import shutil

import numpy as np
import pytest

from keras_metahpo import collector
from keras_metahpo.errors import TaskError
from keras_metahpo.history import FAILED_UTILITY, LoggedTrial, TrialLog
from keras_metahpo.tasks import get_task

DEFINITION = '''
"""Two blobs and a small dense network, which raises for one activation."""

from dataclasses import dataclass

import keras
import numpy as np

from keras_metahpo.tasks import Task, TaskData


@dataclass(frozen=True)
class Blobs:
    num_classes: int = 2

    def load(self):
        rng = np.random.default_rng(0)
        labels = np.arange(60) % 2
        inputs = (rng.normal(size=(60, 4)) + 2 * labels[:, None]).astype("float32")
        return TaskData(*((inputs[i : i + 20], labels[i : i + 20]) for i in (0, 20, 40)))

    fake = load


def build(hp):
    activation = hp.Choice("activation", ["relu", "tanh", "broken"])
    if activation == "broken":
        raise RuntimeError("no such activation")
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(hp.Int("units", 2, 8))])
    model.add(keras.layers.Activation(activation))
    model.add(keras.layers.Dense(2, activation="softmax"))
    optimizer = keras.optimizers.SGD(hp.Float("learning_rate", 1e-3, 1e-1, sampling="log"))
    model.compile(
        optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"], run_eagerly=True
    )
    return model


TASKS = [
    Task(
        "tiny/blobs",
        build,
        Blobs(),
        max_fidelity=2,
        tags=("tiny", "dense"),
        licence="CC0",
        features={"num_classes": 2},
    )
]
'''
NUM_CONFIGURATIONS = 3


@pytest.fixture
def task_name(tmp_path) -> str:
    file = tmp_path / "blobs.py"
    file.write_text(DEFINITION)
    return str(file)


@pytest.fixture
def trainings(monkeypatch) -> list[dict]:
    """The configurations trained, in order; the training itself is left out for its time."""
    trained = []

    def train(task, space, configuration, seed):
        trained.append(dict(configuration))
        curve = [{"val_accuracy": 0.5, "elapsed_s": float(seed + epoch)} for epoch in (1, 2)]
        return LoggedTrial("", configuration, curve)

    monkeypatch.setattr(collector, "train_configuration", train)
    return trained


def collect(task_name, output, num_configurations=NUM_CONFIGURATIONS, **kwargs):
    return list(collector.collect([task_name], num_configurations, str(output), **kwargs))


def test_log_is_complete(task_name, tmp_path):
    output = tmp_path / "logs"
    progress = collect(task_name, output, seed=3)
    assert progress == [(task_name, 2), (task_name, 1), (task_name, 0)]
    log = TrialLog.open(str(collector.log_directory(output, task_name)))
    configurations = [t.configuration for t in log.trials]
    assert len({json.dumps(c) for c in configurations}) == NUM_CONFIGURATIONS
    assert configurations[0] == get_task(task_name).search_space().default_configuration()
    assert log.trials[0].status == "COMPLETED"
    card = log.card
    assert (card.objective, card.direction, card.max_fidelity) == ("val_accuracy", "max", 2)
    assert (card.licence, card.features["num_classes"]) == ("CC0", 2)
    assert card.features["tags"] == "tiny,dense"
    assert card.features["dataset"] == ""
    assert card.provenance["seed"] == 3
    for trial in log.trials:
        if trial.status == "COMPLETED":
            assert len(trial.measurements) == 2
            times = [m["elapsed_s"] for m in trial.measurements]
            assert 0 < times[0] < times[1]
            names = {"accuracy", "loss", "val_accuracy", "val_loss", "elapsed_s"}
            assert set(trial.measurements[0]) == names


def test_finished_task_is_left_alone(task_name, tmp_path, trainings):
    collect(task_name, tmp_path)
    trainings.clear()
    assert collect(task_name, tmp_path) == []
    assert trainings == []


def test_killed_collection_resumes_and_repeats_nothing(task_name, tmp_path, trainings):
    collect(task_name, tmp_path)
    log_directory = collector.log_directory(tmp_path, task_name)
    before, first_trainings = TrialLog.open(str(log_directory)).trials, list(trainings)
    shutil.rmtree(log_directory)
    trial_files = sorted((tmp_path / collector.TRIALS_DIRECTORY).glob("*/*.json"))
    assert len(trial_files) == NUM_CONFIGURATIONS
    trial_files[1].unlink()
    trainings.clear()

    assert collect(task_name, tmp_path) == [(task_name, 0)]
    assert trainings == first_trainings[1:2]
    after = TrialLog.open(str(log_directory)).trials
    assert after[0] == before[0]
    assert after[2] == before[2]
    assert [t.configuration for t in after] == [t.configuration for t in before]


def test_collection_killed_before_the_log_was_written_only_writes_it(
    task_name, tmp_path, trainings
):
    collect(task_name, tmp_path)
    log_directory = collector.log_directory(tmp_path, task_name)
    before = TrialLog.open(str(log_directory)).trials
    (log_directory / "card.json").unlink()
    trainings.clear()
    assert collect(task_name, tmp_path) == []
    assert trainings == []
    assert TrialLog.open(str(log_directory)).trials == before


def test_stopped_generator_leaves_whole_trials_only(task_name, tmp_path, trainings):
    progress = collector.collect([task_name], NUM_CONFIGURATIONS, str(tmp_path))
    next(progress)
    progress.close()
    for file in (tmp_path / collector.TRIALS_DIRECTORY).rglob("*"):
        if file.is_file():
            json.loads(file.read_text())
    assert not collector.log_directory(tmp_path, task_name).exists()
    collect(task_name, tmp_path)
    assert len(trainings) == NUM_CONFIGURATIONS


def test_build_that_raises_is_a_failed_trial_with_its_message(task_name, tmp_path, monkeypatch):
    def configurations(name, space, num_configurations, seed):
        return [space.default_configuration(), space.complete({"activation": "broken"})]

    monkeypatch.setattr(collector, "task_configurations", configurations)
    collect(task_name, tmp_path, num_configurations=2)
    log = TrialLog.open(str(collector.log_directory(tmp_path, task_name)))
    completed, failed = log.trials
    assert completed.status == "COMPLETED"
    assert completed.message is None
    assert failed.status == "FAILED"
    assert failed.message == "RuntimeError: no such activation"
    assert failed.measurements == []
    assert log.history().utilities[1] == FAILED_UTILITY


def test_training_that_diverges_says_in_which_epoch(task_name, tmp_path):
    task = get_task(task_name)

    def diverging_build(hp):
        model = task.build(hp)
        model.layers[0].kernel.assign(np.full((4, hp.get("units")), np.nan))
        return model

    diverging = type(task)("tiny/diverging", diverging_build, task.data, max_fidelity=2)
    space = task.search_space()
    trial = collector.train_configuration(diverging, space, space.default_configuration(), 0)
    assert "diverged in epoch 1" in trial.message
    assert len(trial.measurements) == 1
    json.dumps(trial.measurements)


def test_training_is_a_function_of_the_seed(task_name):
    task = get_task(task_name)
    space = task.search_space()
    configuration = space.default_configuration()
    losses = [
        collector.train_configuration(task, space, configuration, seed).measurements[-1]["loss"]
        for seed in (0, 0, 1)
    ]
    assert losses[0] == losses[1] != losses[2]


def test_configurations_are_a_function_of_task_and_seed(task_name):
    space = get_task(task_name).search_space()

    def drawn(name, seed, count=4):
        return collector.task_configurations(name, space, count, seed)

    assert drawn("a", 0) == drawn("a", 0)
    assert drawn("a", 0)[1:] != drawn("a", 1)[1:]
    assert drawn("a", 0)[1:] != drawn("b", 0)[1:]
    assert drawn("a", 0, 2) == drawn("a", 0, 4)[:2]


def test_unknown_task_is_refused_before_anything_is_trained(tmp_path, trainings):
    with pytest.raises(TaskError, match="No task is called"):
        collect("image/mlp_gone", tmp_path)
    assert trainings == []
