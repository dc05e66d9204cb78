"""What one process of a collection does: plan a stage of a task, or train a group of trials."""

import dataclasses
import resource
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from keras_metahpo.collector.config import PlanConfig
from keras_metahpo.collector.plan import Group, PlannedTrial
from keras_metahpo.collector.shards import Claim
from keras_metahpo.collector.task_collection import TaskCollection
from keras_metahpo.collector.training import Trainer, trains_populations
from keras_metahpo.history.trial_table import FAILED


@dataclass(frozen=True)
class Place:
    """Where a collection lies and who collects.

    Attributes:
        output: Directory of the collection.
        config: What is planned.
        owner: Name of this collecting process.
        dead_owners: Names of processes that have died.
        lease_s: Seconds after which a claim is void unless it is renewed.
    """

    output: str
    config: PlanConfig
    owner: str
    dead_owners: frozenset[str]
    lease_s: float

    def of(self, task_name: str) -> TaskCollection:
        return _task_collection(self.output, task_name, self.config)


@dataclass(frozen=True)
class GroupReport:
    """How a group of trials went.

    Attributes:
        task: Name of the task.
        group: Name of the group.
        num_trained: Trials that this process has finished.
        failures: Reasons of those that failed.
        trained_by: What trained them.
        is_elsewhere: Whether another process has the group; nothing was done.
    """

    task: str
    group: str
    num_trained: int = 0
    failures: tuple[str, ...] = ()
    trained_by: tuple[str, ...] = ()
    is_elsewhere: bool = False


def plan_stage(place: Place, task_name: str, stage: int) -> tuple[str, list[Group]]:
    """The groups of a stage of a task, planned now if nobody has, without finished trials."""
    _use_one_thread()
    task = place.of(task_name)
    planned = task.groups(stage)
    if planned is None:
        task.propose(stage)
        planned = task.groups(stage)
    finished = task.finished()
    groups = [
        Group(group.name, tuple(t for t in group.trials if t.trial_id not in finished))
        for group in planned or []
    ]
    return task_name, [group for group in groups if group.trials]


def train_group(place: Place, task_name: str, group: Group) -> GroupReport:
    """Trains the trials of a group that are not finished, unless another process does."""
    _use_one_thread()
    task = place.of(task_name)
    claim = task.shards.claim(group.name, place.owner, place.lease_s, place.dead_owners)
    if claim is None:
        return GroupReport(task_name, group.name, is_elsewhere=True)
    try:
        records = _train_trials(task, group, claim)
    finally:  # Whoever stops of his own accord has not died of a trial.
        _trainer().clear()
        claim.release()
    return GroupReport(
        task_name,
        group.name,
        num_trained=len(records),
        failures=tuple(r["message"] for r in records if r["status"] == FAILED),
        trained_by=tuple(r["trained_by"] for r in records),
    )


def _train_trials(task: TaskCollection, group: Group, claim: Claim) -> list[dict[str, Any]]:
    """Records of the trials that were not finished before."""
    finished = task.finished()
    left = [planned for planned in group.trials if planned.trial_id not in finished]
    # Where a process has died, one trial a time tells which one it was.
    size = len(left) if trains_populations() and not claim.deaths else 1
    records = []
    for start in range(0, len(left), size):
        trials = left[start : start + size]
        for planned, record in zip(trials, _records(task, trials, claim), strict=True):
            task.shards.write(planned.trial_id, record)
            records.append(record)
    return records


def _records(
    task: TaskCollection, trials: Sequence[PlannedTrial], claim: Claim
) -> list[dict[str, Any]]:
    """What comes of trials that are trained together."""
    if claim.is_hopeless(trials[0].trial_id):
        return [_killed(planned.configuration) for planned in trials]
    claim.begin(trials[0].trial_id)
    planned_trials = [(planned.configuration, planned.seed) for planned in trials]
    trained = _trainer().train_together(task.task, task.space, planned_trials)
    return [
        dataclasses.asdict(trial)
        | {"trained_by": trained_by, "seed": planned.seed, "peak_memory_mb": _peak_memory_mb()}
        for planned, (trial, trained_by) in zip(trials, trained, strict=True)
    ]


def _killed(configuration: dict) -> dict[str, Any]:
    return {
        "configuration": configuration,
        "measurements": [],
        "status": FAILED,
        "message": "Every process that trained this was killed; probably out of memory.",
        "trained_by": "nothing",
    }


def _peak_memory_mb() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10


@lru_cache(maxsize=1)
def _trainer() -> Trainer:
    return Trainer()


@lru_cache(maxsize=1)
def _task_collection(output: str, task_name: str, config: PlanConfig) -> TaskCollection:
    return TaskCollection(output, task_name, config)


def _use_one_thread() -> None:
    """The best throughput is that of many processes of one thread."""
    import keras

    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        try:
            tf.config.threading.set_intra_op_parallelism_threads(1)
            tf.config.threading.set_inter_op_parallelism_threads(1)
        except RuntimeError:
            pass  # The process has already run TensorFlow; its threads are set for good.
