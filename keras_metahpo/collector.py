"""Trains random configurations of tasks with Keras and keeps the curves as trial logs.

Every finished trial is one JSON file, written atomically, so a killed collection goes on where it
stopped; a task's log is assembled once all its trials are there.
"""

import hashlib
import json
import time
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import numpy as np

from keras_metahpo.atomic import write_text
from keras_metahpo.history.trial_log import (
    COMPLETED,
    FAILED,
    LoggedTrial,
    TrialLog,
    TrialLogCard,
)
from keras_metahpo.space import SearchSpace, Value
from keras_metahpo.tasks import Task, get_task

TRIALS_DIRECTORY = "unfinished"


def collect(
    task_names: Sequence[str],
    num_configurations: int,
    output: str,
    seed: int = 0,
    num_workers: int = 1,
) -> Iterator[tuple[str, int]]:
    """Collects trial logs; yields (task name, trials still missing) after every trial.

    Args:
        task_names: Tasks to collect; a task whose log exists already is left alone.
        num_configurations: Configurations a task: the space's default and random ones.
        output: Directory of the trial logs, one folder a task.
        seed: Seed of the configurations and of the training.
        num_workers: Processes of one thread each.
    """
    import joblib

    root = Path(output)
    jobs = _missing_trials(task_names, num_configurations, root)
    remaining = {name: len(missing) for name, missing in jobs}
    for name, missing in jobs:
        if not missing:
            _assemble(root, name, num_configurations, seed)
    calls = (
        joblib.delayed(_collect_one)(str(root), name, index, num_configurations, seed)
        for name, missing in jobs
        for index in missing
    )
    # loky: TensorFlow survives neither threads nor forks. One thread each is the best throughput.
    parallel = joblib.Parallel(num_workers, return_as="generator_unordered", batch_size=1)
    for name in parallel(calls):
        remaining[name] -= 1
        if remaining[name] == 0:
            _assemble(root, name, num_configurations, seed)
        yield name, remaining[name]


def num_missing(task_names: Sequence[str], num_configurations: int, output: str) -> int:
    """How many trials a collection with these arguments still has to train."""
    jobs = _missing_trials(task_names, num_configurations, Path(output))
    return sum(len(missing) for _, missing in jobs)


def _missing_trials(
    task_names: Sequence[str], num_configurations: int, root: Path
) -> list[tuple[str, list[int]]]:
    """(task name, numbers of the trials without a file) of each task without a log."""
    return [
        (name, [i for i in range(num_configurations) if not _trial_file(root, name, i).exists()])
        for name in task_names
        if not (log_directory(root, name) / "card.json").exists()
    ]


def log_directory(root: str | Path, task_name: str) -> Path:
    return Path(root) / task_name.replace("/", "-")


def task_configurations(
    task_name: str, space: SearchSpace, num_configurations: int, seed: int
) -> list[dict[str, Value]]:
    """The default configuration, then random ones; equal for equal arguments."""
    digest = hashlib.sha256(f"{task_name}:{seed}".encode()).digest()
    rng = np.random.default_rng(np.frombuffer(digest, np.uint32))
    sampled = space.decode(space.sample(num_configurations - 1, rng))
    return [space.default_configuration(), *sampled]


def train_configuration(
    task: Task, space: SearchSpace, configuration: dict[str, Value], seed: int
) -> LoggedTrial:
    """Trains one configuration for all epochs of the task with plain `fit`."""
    import keras

    from keras_metahpo.tasks.training import EpochClock, fit_configuration

    keras.utils.clear_session()
    keras.utils.set_random_seed(seed)
    data = task.data.load()
    clock = EpochClock()
    message = None
    try:
        fit_configuration(task, space, configuration, data, [clock])
    except Exception as error:  # A failure is a result: it is recorded with its reason.
        message = f"{type(error).__name__}: {error}"
    values = [m.get(task.objective) for m in clock.measurements]
    if message is None and len(values) < task.max_fidelity:
        message = f"Training diverged in epoch {len(values)}."
    completed = any(v is not None and np.isfinite(v) for v in values)
    return LoggedTrial(
        trial_id="",
        configuration=configuration,
        measurements=clock.measurements,
        status=COMPLETED if completed else FAILED,
        message=message,
    )


def _collect_one(root: str, name: str, index: int, num_configurations: int, seed: int) -> str:
    _use_one_thread()
    task, space = get_task(name), _search_space(name)
    configuration = task_configurations(name, space, num_configurations, seed)[index]
    started = time.time()
    trial = train_configuration(task, space, configuration, seed=seed + index)
    record = {
        "trial_id": f"{index:05d}",
        "configuration": trial.configuration,
        "measurements": trial.measurements,
        "status": trial.status,
        "message": trial.message,
    }
    file = _trial_file(Path(root), name, index)
    write_text(file, json.dumps(record | {"wall_s": time.time() - started}))
    return name


@cache
def _search_space(name: str) -> SearchSpace:
    return get_task(name).search_space()


def _use_one_thread() -> None:
    import keras

    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        try:
            tf.config.threading.set_intra_op_parallelism_threads(1)
            tf.config.threading.set_inter_op_parallelism_threads(1)
        except RuntimeError:
            pass  # The process has already run TensorFlow; its threads are set for good.


def _trial_file(root: Path, name: str, index: int) -> Path:
    return log_directory(root / TRIALS_DIRECTORY, name) / f"{index:05d}.json"


def _assemble(root: Path, name: str, num_configurations: int, seed: int) -> None:
    import keras

    task = get_task(name)
    trials = []
    for index in range(num_configurations):
        record = json.loads(_trial_file(root, name, index).read_text())
        record.pop("wall_s")
        trials.append(LoggedTrial(**record))
    card = TrialLogCard(
        name=name,
        version=task.version,
        source=f"Keras runs of the task {name}; {task.citation}",
        licence=task.licence,
        objective=task.objective,
        direction=task.direction,
        max_fidelity=task.max_fidelity,
        features=dict(task.features) | {"tags": ",".join(task.tags), "dataset": task.dataset},
        provenance={
            "made_by": "metahpo collect",
            "keras": keras.__version__,
            "backend": keras.backend.backend(),
            "num_configurations": num_configurations,
            "seed": seed,
        },
    )
    log = TrialLog.from_trials(card, _search_space(name), trials)
    log.write(str(log_directory(root, name)))
