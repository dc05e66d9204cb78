"""`metahpo search`: a script in several processes, some of which die."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from keras_metahpo.launching import LaunchError, launch, worker_environment

TIME_LIMIT_S = 240
SCRIPT = """
import os, sys, time
import keras_metahpo._kerastuner.distributed as distributed
distributed.HEARTBEAT_S, distributed.SILENT_S = 0.5, 3.0
from keras_metahpo import MetaTuner

name = os.environ.get("KERASTUNER_TUNER_ID", "alone")
folder, victims = sys.argv[1], sys.argv[2].split(",")

class FunctionTuner(MetaTuner):
    def run_trial(self, trial, **kwargs):
        x = trial.hyperparameters.Float("x", 0.0, 1.0)
        marker = os.path.join(folder, f"{name}-began")
        is_first = not os.path.exists(marker)
        open(marker, "w").close()
        # Longer than a silent worker is waited for: only the heartbeat tells.
        time.sleep(4.0 if is_first else 0.2)
        if name in victims:
            os._exit(9)
        return {"loss": x, "worker": float(name[-1])}

tuner = FunctionTuner(
    objective="loss", max_trials=6, ranker=None, seed=0, directory=folder, project_name="search",
)
tuner.search(verbose=0)
print("after the search:", name, flush=True)
"""


@pytest.fixture
def run_search(tmp_path):
    """Runs `metahpo search` on the script; some workers die in their first trial."""

    def run(victims: str = "nobody", workers: int = 2) -> subprocess.CompletedProcess:
        script = tmp_path / "script.py"
        script.write_text(SCRIPT)
        command = [sys.executable, "-m", "keras_metahpo.cli", "search", "--workers", str(workers)]
        command += ["--logs", str(tmp_path / "logs"), str(script), str(tmp_path), victims]
        return subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=TIME_LIMIT_S,
            env=os.environ | {"KERAS_BACKEND": "jax"},
        )

    return run


def trials(tmp_path) -> list[dict]:
    paths = sorted(Path(tmp_path, "search").glob("trial_*/trial.json"))
    return [json.loads(path.read_text()) for path in paths]


def workers_of(states) -> list[float]:
    return [s["metrics"]["metrics"]["worker"]["observations"][0]["value"][0] for s in states]


def test_workers_share_a_search_and_only_the_chief_goes_on(run_search, tmp_path):
    result = run_search()
    assert result.returncode == 0, result.stderr
    assert result.stdout.count("after the search: chief") == 1
    states = trials(tmp_path)
    assert [state["status"] for state in states] == ["COMPLETED"] * 6
    assert set(workers_of(states)) == {0.0, 1.0}
    for log in (tmp_path / "logs").glob("worker*.log"):
        assert "after the search" not in log.read_text()


def test_the_trial_of_a_worker_that_dies_is_run_by_another(run_search, tmp_path):
    result = run_search(victims="worker1")
    assert result.returncode == 0, result.stderr
    assert "worker1 ended with 9; the others go on" in result.stderr
    states = trials(tmp_path)
    assert [state["status"] for state in states] == ["COMPLETED"] * 6
    assert set(workers_of(states)) == {0.0}


def test_when_all_workers_die_the_command_fails_and_the_search_can_go_on(run_search, tmp_path):
    result = run_search(victims="worker0,worker1")
    assert result.returncode == 1
    assert "All of them failed" in result.stderr
    for marker in tmp_path.glob("*-began"):
        marker.unlink()
    assert run_search().returncode == 0
    assert [state["status"] for state in trials(tmp_path)] == ["COMPLETED"] * 6


def test_a_script_that_is_missing_is_named(tmp_path):
    with pytest.raises(LaunchError, match=r"nothing\.py"):
        launch(tmp_path / "nothing.py", [], 2, tmp_path)


def test_a_script_that_fails_ends_the_search(tmp_path):
    script = tmp_path / "broken.py"
    script.write_text("raise SystemExit(3)")
    with pytest.raises(LaunchError):
        launch(script, [], 2, tmp_path)


def test_gpus_are_given_in_turn_and_shared():
    names = [worker_environment(n, 3, ["0", "1"])["CUDA_VISIBLE_DEVICES"] for n in range(3)]
    assert names == ["0", "1", "0"]
    shares = [
        float(worker_environment(0, n, ["0"])["XLA_PYTHON_CLIENT_MEM_FRACTION"]) for n in (1, 3)
    ]
    assert shares == pytest.approx([0.9, 0.3])


def test_cores_are_shared(monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    assert set(worker_environment(0, 3, []).values()) == {"2"}
    assert set(worker_environment(0, 30, []).values()) == {"1"}
