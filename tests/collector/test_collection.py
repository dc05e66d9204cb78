"""Collecting trial logs: complete, resumable, by several machines, and no failure is lost."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import joblib
import pytest

from keras_metahpo.collector.collection import collect, num_missing
from keras_metahpo.collector.config import PlanConfig
from keras_metahpo.collector.plan import is_repeat
from keras_metahpo.collector.shards import Shards
from keras_metahpo.collector.task_collection import TaskCollection
from keras_metahpo.collector.training import COMPILED, Trainer, logged
from keras_metahpo.errors import CollectionError, TaskError
from keras_metahpo.history import FAILED_UTILITY, LoggedTrial, TrialLog

CONFIG = PlanConfig(num_configurations=6, group_size=2, num_rounds=2, num_seeds=2)

# A task that trains in no time: its metric is a function of the configuration.
INSTANT = '''
"""A function in place of a training; one choice kills the process."""

import os
import signal
import time

import keras
import numpy as np

from keras_metahpo.tasks import Task, TaskData


class Points:
    num_classes = 2

    def load(self):
        inputs, labels = np.zeros((4, 1), "float32"), np.array([0, 1, 0, 1])
        return TaskData(*[(inputs, labels)] * 3)

    fake = load


class Instant(keras.Model):
    def __init__(self, value):
        super().__init__()
        self.value = value

    def fit(self, *args, callbacks=(), epochs=1, **kwargs):
        clock = callbacks[0]
        clock.on_train_begin()
        time.sleep({seconds})
        for epoch in range(epochs):
            clock.on_epoch_end(epoch, {{"val_accuracy": self.value * (epoch + 1) / epochs}})

    def count_params(self):
        return 0


def build(hp):
    if hp.Choice("kind", {kinds}) == "deadly":
        os.kill(os.getpid(), signal.SIGKILL)
    model = Instant(1.0 - hp.Float("rate", 0.0, 1.0, default=0.5) / (2 + hp.Int("units", 1, 9)))
    model.compile("sgd", "mse")
    return model


TASKS = [Task("instant/" + name, build, Points(), max_fidelity=2) for name in {names}]
'''


def definition(file: Path, names=("a",), kinds=("fine",), seconds=0.0) -> Path:
    file.write_text(INSTANT.format(names=list(names), kinds=list(kinds), seconds=seconds))
    return file


@pytest.fixture
def task_name(tmp_path) -> str:
    return f"{definition(tmp_path / 'instant.py')}:instant/a"


def collected(task_names, output, config=CONFIG, **kwargs):
    names = [task_names] if isinstance(task_names, str) else task_names
    return list(collect(names, str(output), config, **kwargs))


def log_of(task_name, output, config=CONFIG) -> TrialLog:
    return TrialLog.open(TaskCollection(str(output), task_name, config).log_path)


@pytest.fixture
def trainings(monkeypatch) -> list[str]:
    """Configurations that this process trains, as text."""
    trained = []
    original = Trainer.train_together

    def train_together(self, task, space, trials):
        trained.extend(json.dumps(trial) for trial in trials)
        return original(self, task, space, trials)

    monkeypatch.setattr(Trainer, "train_together", train_together)
    return trained


def test_a_log_holds_everything_that_was_planned(task_name, tmp_path, trainings):
    output = tmp_path / "logs"
    reports = collected(task_name, output)
    log = log_of(task_name, output)
    ids = [trial.trial_id for trial in log.trials]
    assert sum(report.num_trained for report in reports) == len(ids) == len(trainings)
    assert len([trial_id for trial_id in ids if not is_repeat(trial_id)]) == 6
    first = log.trials[0]
    assert first.configuration == {"kind": "fine", "rate": 0.5, "units": 1}
    assert [m["val_accuracy"] for m in first.measurements] == pytest.approx([5 / 12, 5 / 6])
    assert {"elapsed_s", "num_parameters"} < set(first.measurements[0])
    assert (log.card.objective, log.card.direction, log.card.max_fidelity) == (
        "val_accuracy",
        "max",
        2,
    )
    assert "Instant has a fit of its own" in log.card.provenance["trained_by"]
    assert not (output / "unfinished" / "instant-a").exists()


def test_proposals_follow_the_results(task_name, tmp_path):
    config = PlanConfig(num_configurations=40, group_size=1, num_rounds=4, num_seeds=1)
    collected(task_name, tmp_path, config)
    log = log_of(task_name, tmp_path, config)
    utilities = dict(zip([t.trial_id for t in log.trials], log.history().utilities, strict=True))
    filling = [value for trial_id, value in utilities.items() if trial_id.startswith("s")]
    proposed = [value for trial_id, value in utilities.items() if trial_id.startswith("t40r")]
    assert (len(filling), len(proposed)) == (24, 16)
    assert sum(proposed) / len(proposed) > sum(filling) / len(filling)


def test_a_finished_collection_is_left_alone(task_name, tmp_path, trainings):
    collected(task_name, tmp_path)
    trainings.clear()
    assert collected(task_name, tmp_path) == []
    assert trainings == []
    assert num_missing([task_name], str(tmp_path), CONFIG) == 0


def test_a_stopped_collection_goes_on_and_repeats_nothing(task_name, tmp_path, trainings):
    whole = tmp_path / "whole"
    collected(task_name, whole)
    expected, all_trainings = log_of(task_name, whole).trials, list(trainings)
    trainings.clear()
    stopped = collect([task_name], str(tmp_path / "stopped"), CONFIG)
    next(stopped)
    stopped.close()
    before = len(trainings)
    assert 0 < before < len(all_trainings)
    collected(task_name, tmp_path / "stopped")
    assert trainings == all_trainings
    found = log_of(task_name, tmp_path / "stopped").trials
    assert [t.trial_id for t in found] == [t.trial_id for t in expected]
    assert [t.configuration for t in found] == [t.configuration for t in expected]


def test_more_configurations_extend_a_finished_log(task_name, tmp_path, trainings):
    collected(task_name, tmp_path)
    first = {t.trial_id: t for t in log_of(task_name, tmp_path).trials}
    trainings.clear()
    larger = PlanConfig(num_configurations=12, group_size=2, num_rounds=2, num_seeds=2)
    collected(task_name, tmp_path, larger)
    log = log_of(task_name, tmp_path, larger)
    later = {t.trial_id: t for t in log.trials}
    assert len(later) == len(first) + len(trainings)
    assert log.card.provenance["trained_by"].endswith(f": {len(later)}")
    assert {trial_id: later[trial_id] for trial_id in first} == first
    configurations = [json.dumps(t.configuration) for t in log.trials if not is_repeat(t.trial_id)]
    assert len(set(configurations)) == len(configurations) == 12


def test_a_corrupt_trial_is_put_aside_and_trained_again(task_name, tmp_path, trainings):
    stopped = collect([task_name], str(tmp_path), CONFIG)
    next(stopped)
    stopped.close()
    folder = tmp_path / "unfinished" / "instant-a" / "trials"
    damaged = sorted(folder.glob("*.json"))[0]
    damaged.write_text(damaged.read_text()[:20])
    collected(task_name, tmp_path)
    assert damaged.stem in {t.trial_id for t in log_of(task_name, tmp_path).trials}


def test_failures_are_records_with_their_reasons(tmp_path, monkeypatch, task_name):
    def fail(self, task, space, trials):
        error = MemoryError("no memory")
        return [(logged(task, configuration, [], error), COMPILED) for configuration, _ in trials]

    monkeypatch.setattr(Trainer, "train_together", fail)
    reports = collected(task_name, tmp_path)
    failures = {reason for report in reports for reason in report.failures}
    assert failures == {"MemoryError: no memory"}
    log = log_of(task_name, tmp_path)
    assert set(log.history().utilities) == {FAILED_UTILITY}
    assert all(isinstance(t, LoggedTrial) and t.message for t in log.trials)


def test_a_trial_that_kills_its_process_fails_and_the_others_are_collected(tmp_path):
    task_name = f"{definition(tmp_path / 'deadly.py', kinds=('fine', 'deadly'))}:instant/a"
    output = tmp_path / "logs"
    config = PlanConfig(num_configurations=2, group_size=1, proposed_share=0.0, num_seeds=1)
    collected(task_name, output, config, num_workers=2)
    trials = log_of(task_name, output, config).trials
    assert len(trials) == 2
    deadly = [t for t in trials if t.configuration["kind"] == "deadly"]
    assert deadly
    for trial in trials:
        assert (trial.status == "FAILED") == (trial in deadly)
    assert all("was killed" in t.message for t in deadly)


def test_a_killed_machine_loses_nothing_that_was_finished(tmp_path, trainings):
    file = definition(tmp_path / "slow.py", seconds=0.2)
    task_name, output = f"{file}:instant/a", tmp_path / "logs"
    config = PlanConfig(num_configurations=30, group_size=3, proposed_share=0.0, num_seeds=1)
    script = (
        "from keras_metahpo.collector.collection import collect\n"
        "from keras_metahpo.collector.config import PlanConfig\n"
        f"list(collect([{task_name!r}], {str(output)!r}, {config!r}))"
    )
    process = subprocess.Popen([sys.executable, "-c", script], start_new_session=True)
    trials = output / "unfinished" / "instant-a" / "trials"
    deadline = time.monotonic() + 120
    while len(list(trials.glob("*.json"))) < 4 and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    finished = len(list(trials.glob("*.json")))
    assert 4 <= finished < 30
    collected(task_name, output, config)  # No lease is waited for: the process is gone.
    assert len(trainings) == 30 - finished
    assert len(log_of(task_name, output, config).trials) == 30


def test_two_collectors_share_the_work(tmp_path):
    names = ["a", "b"]
    file = definition(tmp_path / "two.py", names=names, seconds=0.1)
    tasks, output = [f"{file}:instant/{name}" for name in names], tmp_path / "logs"
    reports = joblib.Parallel(2)(
        joblib.delayed(collected)(order, output, CONFIG) for order in (tasks, tasks[::-1])
    )
    trained = [sum(report.num_trained for report in part) for part in reports]
    for task in tasks:
        assert len([t for t in log_of(task, output).trials if not is_repeat(t.trial_id)]) == 6
    planned = sum(len(log_of(task, output).trials) for task in tasks)
    assert sum(trained) == planned
    assert min(trained) > 0


def test_a_directory_of_other_arguments_is_refused(task_name, tmp_path):
    stopped = collect([task_name], str(tmp_path), CONFIG)
    next(stopped)
    stopped.close()
    with pytest.raises(TaskError, match="another directory"):
        collected(task_name, tmp_path, PlanConfig(6, seed=5))


def test_a_full_disk_is_said_and_what_is_finished_stays(task_name, tmp_path, monkeypatch):
    written = Shards.write_text

    def write_text(self, file, text):
        if len(list((tmp_path / "unfinished").glob("*/trials/*.json"))) >= 3:
            raise OSError(28, "No space left on device")
        written(self, file, text)

    monkeypatch.setattr(Shards, "write_text", write_text)
    with pytest.raises(CollectionError, match="No space left"):
        collected(task_name, tmp_path)
    monkeypatch.undo()
    assert len(list((tmp_path / "unfinished").glob("*/trials/*.json"))) == 3
    collected(task_name, tmp_path, lease_s=0.0)
    assert len(log_of(task_name, tmp_path).trials) > 6


def test_unknown_tasks_are_refused_before_anything_is_trained(tmp_path, trainings):
    with pytest.raises(TaskError, match="No task is called"):
        collected("image/mlp_gone", tmp_path)
    assert trainings == []


@pytest.mark.usefixtures("ray_backend")
def test_a_ray_cluster_collects_through_joblib(task_name, tmp_path):
    collected(task_name, tmp_path / "logs", num_workers=2)
    assert len(log_of(task_name, tmp_path / "logs").trials) > 6


def test_logs_on_another_file_system(task_name, tmp_path):
    import fsspec

    output = f"memory://collection-{tmp_path.name}"
    collected(task_name, output)
    assert len(log_of(task_name, output).trials) > 6
    fsspec.filesystem("memory").rm(f"/collection-{tmp_path.name}", recursive=True)
