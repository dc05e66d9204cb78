"""Kills, damaged files and resumes: no finished trial is lost, no number is used twice."""

import json
import logging
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import keras_tuner
import pytest

from keras_metahpo.testing import drive
from keras_metahpo.testing.oracles import mixed_space, smooth

TIME_LIMIT_S = 240

KILLED_SEARCH = """
import os, sys
import keras_tuner
from keras_metahpo import MetaTuner
from keras_metahpo.testing.oracles import mixed_space, smooth

class KilledTuner(MetaTuner):
    def run_trial(self, trial, **kwargs):
        if trial.trial_id == "3":
            self.oracle.update_trial(trial.trial_id, {"default_objective": -1e9}, step=7)
            os.kill(os.getpid(), 9)
        return -smooth(trial.hyperparameters)

KilledTuner(
    max_trials=8, ranker=None, seed=1, hyperparameters=mixed_space(),
    directory=sys.argv[1], project_name="search",
).search(verbose=0)
"""


@pytest.fixture
def search(tune):
    """Makes the tuner of `KILLED_SEARCH`, but one that lives."""

    def make(**kwargs):
        defaults = {"max_trials": 8, "hyperparameters": mixed_space()}
        return tune(lambda hp: -smooth(hp), **(defaults | kwargs))

    return make


def configurations(tuner) -> list[dict]:
    return [dict(trial.hyperparameters.values) for _, trial in sorted(tuner.oracle.trials.items())]


def scores(tuner) -> dict[str, float]:
    return {trial.trial_id: trial.score for trial in tuner.oracle.finished_trials()}


def test_a_search_killed_in_mid_trial_resumes_as_if_it_had_not_been(search, tmp_path):
    killed = subprocess.run(
        [sys.executable, "-c", KILLED_SEARCH, str(tmp_path)],
        env=os.environ | {"KERAS_BACKEND": "jax"},
        capture_output=True,
        text=True,
        timeout=TIME_LIMIT_S,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    resumed = search()
    assert sorted(scores(resumed)) == ["0", "1", "2"]
    files = [tmp_path / "search" / f"trial_{i}" / "trial.json" for i in range(3)]
    contents = [file.read_bytes() for file in files]
    resumed.search(verbose=0)
    assert [file.read_bytes() for file in files] == contents
    uninterrupted = search(project_name="uninterrupted")
    uninterrupted.search(verbose=0)
    assert configurations(resumed) == configurations(uninterrupted)
    assert scores(resumed) == scores(uninterrupted)


@pytest.fixture
def finished(search) -> Path:
    """The folder of a search of five trials."""
    tuner = search(max_trials=5)
    tuner.search(verbose=0)
    return Path(tuner.project_dir)


def damage(path: Path, how: str) -> None:
    if how == "missing":
        path.unlink()
    elif how == "truncated":
        content = path.read_text()
        path.write_text(content[: len(content) // 2])
    else:
        path.write_text(how)


@pytest.mark.parametrize("how", ["missing", "truncated", "[]", '{"a": 1}'])
@pytest.mark.parametrize(
    "names",
    [
        ["tuner0.json"],
        ["oracle.json"],
        ["trial_1/trial.json"],
        ["trial_4/trial.json"],
        ["oracle.json", "tuner0.json"],
        ["oracle.json", "tuner0.json", "trial_1/trial.json"],
    ],
    ids="+".join,
)
def test_damaged_files_cost_no_other_trial(finished, search, caplog, names, how):
    for name in names:
        damage(finished / name, how)
    lost = {name[6] for name in names if name.startswith("trial")}
    kept = {i: finished / f"trial_{i}" / "trial.json" for i in "01234" if i not in lost}
    before = {i: file.read_bytes() for i, file in kept.items()}
    with caplog.at_level(logging.WARNING, "keras_metahpo"):
        resumed = search()
        resumed.search(verbose=0)
    assert {i: file.read_bytes() for i, file in kept.items()} == before
    assert set(scores(resumed)) == {*kept, "5", "6", "7"}
    known = [str(t.hyperparameters.values) for t in resumed.oracle.finished_trials()]
    assert len(set(known)) == len(known)
    for name in names:
        if not (name == "tuner0.json" and how in ("[]", '{"a": 1}')):  # Not looked into.
            assert name in caplog.text
    again = search()
    assert scores(again) == scores(resumed)
    assert again.oracle.create_trial("tuner0").status == "STOPPED"


def test_warnings_name_the_file_and_the_remedy(finished, search, caplog):
    damage(finished / "trial_1" / "trial.json", "truncated")
    content = (finished / "trial_1" / "trial.json").read_bytes()
    search()
    assert str(finished / "trial_1" / "trial.json") in caplog.text
    assert "repair the file, or restore a copy" in caplog.text
    assert (finished / "trial_1" / "trial.json").read_bytes() == content


def test_a_repaired_trial_returns(finished, search):
    path = finished / "trial_1" / "trial.json"
    content = path.read_text()
    damage(path, "truncated")
    resumed = search()
    resumed.search(verbose=0)
    path.write_text(content)
    assert set(scores(search())) == set("01234567")


def test_a_whole_trial_folder_may_be_lost(finished, search):
    (finished / "trial_2" / "trial.json").unlink()
    (finished / "trial_2").rmdir()
    (finished / "oracle.json").unlink()
    newest = (finished / "trial_4" / "trial.json").read_bytes()
    resumed = search(max_trials=7)
    resumed.search(verbose=0)
    assert set(scores(resumed)) == set("013456")
    assert (finished / "trial_4" / "trial.json").read_bytes() == newest


def test_a_resume_with_more_trials_keeps_the_order(finished, search):
    resumed = search(max_trials=12)
    resumed.search(verbose=0)
    (finished / "oracle.json").unlink()
    again = search(max_trials=12)
    assert [int(trial_id) for trial_id in again.oracle.start_order] == list(range(12))
    assert scores(again) == scores(resumed)


def test_orphans_are_run_again_and_keep_their_configuration(search):
    tuner = search(max_trials=4)
    drive(tuner.oracle, lambda hp: -smooth(hp), 2)
    tuner.save()
    state = Path(tuner.project_dir, "oracle.json").read_bytes()
    orphan = tuner.oracle.create_trial("tuner0")
    # As if killed between the two writes.
    Path(tuner.project_dir, "oracle.json").write_bytes(state)
    resumed = search(max_trials=4)
    again = resumed.oracle.create_trial("tuner0")
    assert again.trial_id == orphan.trial_id == "2"
    assert again.hyperparameters.values == orphan.hyperparameters.values
    resumed.search(verbose=0)
    assert set(scores(resumed)) == set("0123")


def test_a_trial_that_ended_before_the_oracle_was_written_is_kept(search):
    tuner = search(max_trials=4)
    trial = tuner.oracle.create_trial("tuner0")
    tuner.save()
    state = Path(tuner.project_dir, "oracle.json").read_bytes()
    tuner.oracle.update_trial(trial.trial_id, {"default_objective": 0.5})
    trial.hyperparameters.Int("appeared", 1, 9)
    trial.status = "COMPLETED"
    tuner.oracle.end_trial(trial)
    Path(tuner.project_dir, "oracle.json").write_bytes(state)
    resumed = search(max_trials=4)
    assert scores(resumed) == {"0": 0.5}
    following = resumed.oracle.create_trial("tuner0")
    assert following.trial_id == "1"
    assert "appeared" in following.hyperparameters.values


def test_a_metric_of_an_interrupted_run_does_not_stay(search):
    tuner = search(max_trials=2)
    trial = tuner.oracle.create_trial("tuner0")
    tuner.oracle.update_trial(trial.trial_id, {"default_objective": -1e9}, step=3)
    tuner.save()
    resumed = search(max_trials=2)
    resumed.search(verbose=0)
    assert min(scores(resumed).values()) > -1e9


@pytest.mark.parametrize("name", ["oracle.json", "tuner0.json", "trial_4/trial.json"])
def test_files_are_replaced_in_one_step(finished, search, monkeypatch, name):
    tuner = search(max_trials=5)
    before = (finished / name).read_bytes()
    write_text = Path.write_text

    def disk_full(path, text, *args, **kwargs):
        write_text(path, text[: len(text) // 2], *args, **kwargs)
        raise OSError("No space left on device")

    monkeypatch.setattr(Path, "write_text", disk_full)
    for save in (tuner.oracle.save, tuner.save, lambda: end_again(tuner)):
        with pytest.raises(OSError, match="No space"):
            save()
    monkeypatch.undo()
    assert (finished / name).read_bytes() == before
    assert scores(search(max_trials=5)) == scores(tuner)


def end_again(tuner) -> None:
    trial = tuner.oracle.get_trial("4")
    tuner.oracle.update_trial(trial.trial_id, {"default_objective": -1e9})


def test_an_exception_in_an_oracle_method_leaves_no_lock(search, monkeypatch):
    tuner = search()
    monkeypatch.setattr(Path, "write_text", lambda *args: (_ for _ in ()).throw(OSError("gone")))
    with pytest.raises(OSError, match="gone"):
        tuner.oracle.create_trial("tuner0")
    monkeypatch.undo()
    worker = threading.Thread(target=tuner.oracle.create_trial, args=("other",), daemon=True)
    worker.start()
    worker.join(timeout=20)
    assert not worker.is_alive()


def test_an_unseeded_search_resumes_with_its_own_seed(search):
    tuner = search(seed=None, max_trials=3)
    tuner.search(verbose=0)
    assert search(seed=None).oracle.seed == tuner.oracle.seed


def test_the_tuner_of_keras_tuner_resumes_without_its_file_too(tmp_path, search):
    """KerasTuner itself begins anew and overwrites the results."""

    class Tuner(keras_tuner.Tuner):
        def run_trial(self, trial, **kwargs):
            return -smooth(trial.hyperparameters)

    search(max_trials=3).search(verbose=0)
    damage(tmp_path / "search" / "tuner0.json", "missing")
    oracle = search(max_trials=5, project_name="unused").oracle
    tuner = Tuner(oracle=oracle, directory=tmp_path, project_name="search")
    tuner.search(verbose=0)
    assert len(scores(tuner)) == 5
    assert json.loads((tmp_path / "search" / "oracle.json").read_text())["end_order"] == list(
        "01234"
    )
