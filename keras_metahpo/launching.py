"""Runs a search script as a chief and several workers on this machine: `metahpo search`."""

import argparse
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from keras_metahpo.environment import ENDS_WITH_SEARCH
from keras_metahpo.errors import MetaHPOError

CHIEF = "chief"
POLL_S = 0.2
# A worker that ends by itself does so soon after the chief.
FAREWELL_S = 30.0
THREAD_VARIABLES = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
# Of a GPU's memory, what its workers share.
SHARED_MEMORY = 0.9


class LaunchError(MetaHPOError):
    """The script cannot be run, or it failed."""


def add_arguments(command: argparse.ArgumentParser, positive: Callable) -> None:
    """The arguments of `metahpo search`."""
    command.add_argument(
        "script", type=Path, help="Python file that makes a MetaTuner and searches"
    )
    command.add_argument("arguments", nargs=argparse.REMAINDER, help="what the script is told")
    command.add_argument("--workers", type=positive, default=2, help="trials at once")
    command.add_argument(
        "--logs", type=Path, default=Path("metahpo-workers"), help="folder of the workers' output"
    )


def run(options) -> None:
    """Runs `metahpo search`."""
    launch(options.script, options.arguments, options.workers, options.logs)


def launch(script: Path, arguments: list[str], num_workers: int, logs: Path) -> None:
    """Runs a script as a chief, whose output is shown, and workers, until the search is over.

    The script is the same for all, and the one of a search in a single process: `search` serves
    in the chief, works in the workers and ends them; only the chief goes on after it.

    Args:
        script: A Python file that makes a `MetaTuner` and calls its `search`.
        arguments: Of the script.
        num_workers: How many trials run at once. GPUs are given to them in turn; several workers
            on one GPU share its memory, and on a CPU its cores.
        logs: Folder of the workers' output, `worker0.log` and so on.

    Raises:
        LaunchError: if there is no such script, or the chief or all workers failed.
    """
    if not script.is_file():
        raise LaunchError(f"script must be a Python file that searches. Received: {script}.")
    logs.mkdir(parents=True, exist_ok=True)
    common = {
        **os.environ,
        "KERASTUNER_ORACLE_IP": "127.0.0.1",
        "KERASTUNER_ORACLE_PORT": str(_free_port()),
    }
    gpus = visible_gpus()
    command = [sys.executable, str(script), *arguments]
    # The chief trains nothing: its GPU would only be taken from a worker.
    chief = subprocess.Popen(
        command, env=common | {"KERASTUNER_TUNER_ID": CHIEF, "CUDA_VISIBLE_DEVICES": ""}
    )
    workers = {}
    try:
        for number in range(num_workers):
            name = f"worker{number}"
            environment = common | worker_environment(number, num_workers, gpus)
            with (logs / f"{name}.log").open("w") as log:
                workers[name] = subprocess.Popen(
                    command,
                    env=environment | {"KERASTUNER_TUNER_ID": name, ENDS_WITH_SEARCH: "1"},
                    stdout=log,
                    stderr=subprocess.STDOUT,
                )
        _wait(chief, workers, logs)
    finally:
        for process in (chief, *workers.values()):
            if process.poll() is None:
                process.terminate()
        for process in (chief, *workers.values()):
            _reap(process)


def worker_environment(number: int, num_workers: int, gpus: list[str]) -> dict[str, str]:
    """What a worker may use: a GPU or a share of one, or a share of the cores."""
    if not gpus:
        threads = str(max(1, (os.cpu_count() or 1) // num_workers))
        return dict.fromkeys(THREAD_VARIABLES, threads)
    sharing = -(-num_workers // len(gpus))
    return {
        "CUDA_VISIBLE_DEVICES": gpus[number % len(gpus)],
        "TF_FORCE_GPU_ALLOW_GROWTH": "true",
        "XLA_PYTHON_CLIENT_MEM_FRACTION": f"{SHARED_MEMORY / sharing:.3f}",
    }


def visible_gpus() -> list[str]:
    """Names of the GPUs that may be used, as `CUDA_VISIBLE_DEVICES` takes them."""
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    if chosen is not None:
        return [gpu for gpu in chosen.split(",") if gpu.strip() not in ("", "-1")]
    if shutil.which("nvidia-smi") is None:
        return []
    listed = subprocess.run(["nvidia-smi", "--list-gpus"], capture_output=True, text=True)
    return [str(number) for number, _ in enumerate(listed.stdout.splitlines())]


def _wait(chief: subprocess.Popen, workers: dict[str, subprocess.Popen], logs: Path) -> None:
    reported: set[str] = set()
    while chief.poll() is None:
        time.sleep(POLL_S)
        for name, worker in workers.items():
            if worker.poll() not in (None, 0) and name not in reported:
                reported.add(name)
                print(
                    f"metahpo: {name} ended with {worker.returncode}; the others go on. See "
                    f"{logs / name}.log.",
                    file=sys.stderr,
                )
        if len(reported) == len(workers):
            raise LaunchError(
                f"At least one worker must live. All of them failed; see {logs}/worker*.log."
            )
    if chief.returncode:
        raise LaunchError(f"The chief ended with {chief.returncode}; see its output above.")
    deadline = time.monotonic() + FAREWELL_S
    while time.monotonic() < deadline and any(w.poll() is None for w in workers.values()):
        time.sleep(POLL_S)


def _reap(process: subprocess.Popen) -> None:
    try:
        process.wait(timeout=FAREWELL_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]
