"""A chief and two workers over gRPC, each a process of its own."""

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

TIME_LIMIT_S = 150

MEMBER = """
import os, sys, time
from pathlib import Path
from types import SimpleNamespace
from keras_tuner.src.distribute import oracle_chief
from keras_metahpo import MetaTuner
from keras_metahpo._kerastuner import distributed

name = os.environ["KERASTUNER_TUNER_ID"]
# KerasTuner's chief looks every twenty seconds whether it may go.
oracle_chief.time = SimpleNamespace(sleep=lambda seconds: time.sleep(0.1))
# A worker whose first question comes after the search is over waits so long for an answer.
distributed.UNANSWERED_S = 60.0

class FunctionTuner(MetaTuner):
    def on_search_begin(self):
        super().on_search_begin()
        Path(sys.argv[1], name).touch()
        while not all(Path(sys.argv[1], f"worker{i}").exists() for i in (0, 1)):
            time.sleep(0.05)

    def run_trial(self, trial, **kwargs):
        hp = trial.hyperparameters
        x = hp.Float("x", 0.0, 1.0)
        hp.Choice("kind", ["a", "b"])
        with hp.conditional_scope("kind", ["b"]):
            hp.Int("depth", 1, 9)
        time.sleep(0.2)
        if sys.argv[2] in ("all fail", trial.trial_id):
            raise ValueError("as told")
        return {"loss": x, "worker": float(name[-1])}

FunctionTuner(
    objective="loss", max_trials=8, ranker=None, seed=0, floor=4,
    directory=sys.argv[1], project_name="search",
).search(verbose=0)
"""


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@pytest.fixture
def run_members(tmp_path):
    """Runs a chief and two workers; whatever happens, none outlives the test."""
    processes = {}

    def run(failing: str) -> dict[str, int | None]:
        """Their exit codes; `None` for one that hangs."""
        port = str(free_port())
        for name in ("chief", "worker0", "worker1"):
            environment = os.environ | {
                "KERAS_BACKEND": "jax",
                "KERASTUNER_TUNER_ID": name,
                "KERASTUNER_ORACLE_IP": "127.0.0.1",
                "KERASTUNER_ORACLE_PORT": port,
            }
            with (tmp_path / f"{name}.log").open("w") as log:
                processes[name] = subprocess.Popen(
                    [sys.executable, "-c", MEMBER, str(tmp_path), failing],
                    env=environment,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                )
        deadline = time.monotonic() + TIME_LIMIT_S
        while time.monotonic() < deadline and None in [p.poll() for p in processes.values()]:
            time.sleep(0.1)
        return {name: process.poll() for name, process in processes.items()}

    yield run
    for process in processes.values():
        process.kill()
        process.wait()


def logs(tmp_path) -> str:
    return "\n".join(f"{path.name}:\n{path.read_text()}" for path in tmp_path.glob("*.log"))


def trial_states(tmp_path) -> list[dict]:
    paths = sorted(Path(tmp_path, "search").glob("trial_*/trial.json"))
    return [json.loads(path.read_text()) for path in paths]


def test_a_chief_and_two_workers_share_a_search(run_members, tmp_path):
    codes = run_members(failing="3")
    assert codes == {"chief": 0, "worker0": 0, "worker1": 0}, logs(tmp_path)
    states = trial_states(tmp_path)
    assert [state["trial_id"] for state in states] == list("01234567")
    statuses = [state["status"] for state in states]
    assert statuses == ["COMPLETED"] * 3 + ["FAILED"] + ["COMPLETED"] * 4
    assert len({json.dumps(state["hyperparameters"]["values"]) for state in states}) == 8
    workers = {
        observation["value"][0]
        for state in states
        for observation in state["metrics"]["metrics"].get("worker", {}).get("observations", [])
    }
    assert workers == {0.0, 1.0}


def test_nobody_hangs_when_every_trial_fails(run_members, tmp_path):
    codes = run_members(failing="all fail")
    assert codes["chief"] == 0, logs(tmp_path)
    assert None not in codes.values(), logs(tmp_path)
    assert 1 in codes.values()
    assert "max_consecutive_failed_trials=3 stops" in logs(tmp_path).replace("`", "")
    assert {state["status"] for state in trial_states(tmp_path)} <= {"FAILED", "RUNNING"}
