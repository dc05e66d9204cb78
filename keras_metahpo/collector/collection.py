"""Collecting trial logs of many tasks, on all cores of one machine or of many.

Every finished trial is a file of its own, so that a killed collection goes on where it stopped and
nothing is trained twice; a task's log is written when all its trials are there.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from keras_metahpo.collector.config import PlanConfig
from keras_metahpo.collector.owners import new_owner
from keras_metahpo.collector.plan import Group
from keras_metahpo.collector.task_collection import TaskCollection
from keras_metahpo.collector.worker import GroupReport, Place, plan_stage, train_group
from keras_metahpo.errors import CollectionError
from keras_metahpo.parallel import unordered_results
from keras_metahpo.tasks import get_task

# Tasks whose groups are trained side by side: workers seldom wait for the end of a stage, and
# logs come out while other tasks are still to begin.
TASKS_AT_ONCE = 8
LEASE_S = 900.0
WAIT_S = 5.0
# Broken pools in a row without a finished group between them.
MOST_BROKEN_POOLS = 10


def collect(
    task_names: Sequence[str],
    output: str,
    config: PlanConfig | None = None,
    num_workers: int = 1,
    lease_s: float = LEASE_S,
) -> Iterator[GroupReport]:
    """Collects trial logs; yields a report after each group of trials.

    Args:
        task_names: Tasks to collect; what is in their logs already is not trained again.
        output: Directory of the logs, one folder a task: a path or a URL that fsspec knows.
        config: Which configurations.
        num_workers: Processes of one thread each, if no other joblib backend has been chosen by
            `joblib.parallel_config`.
        lease_s: A group of another machine that has not ended a trial for so long is taken over.

    Raises:
        TaskError: if a task is unknown, or the directory was begun with other arguments.
        CollectionError: if worker processes keep dying, or a file cannot be written.
    """
    config = config or PlanConfig()
    for name in task_names:
        get_task(name)
    collector = _Collector(str(output), config, num_workers, lease_s)
    tasks = [TaskCollection(str(output), name, config) for name in task_names]
    missing = [task for task in tasks if not task.is_complete()]
    for start in range(0, len(missing), TASKS_AT_ONCE):
        yield from collector.collect(missing[start : start + TASKS_AT_ONCE])


def num_missing(task_names: Sequence[str], output: str, config: PlanConfig) -> int:
    """About how many trials a collection with these arguments still has to train."""
    missing = 0
    for name in task_names:
        task = TaskCollection(str(output), name, config)
        if not task.is_complete():
            missing += max(config.num_trials - len(task.finished()), 0)
    return missing


class _Collector:
    def __init__(self, output: str, config: PlanConfig, num_workers: int, lease_s: float):
        self.output, self.config = output, config
        self.num_workers, self.lease_s = num_workers, lease_s
        self._owner = new_owner()
        self._dead: set[str] = set()
        self._broken_pools = 0

    def collect(self, tasks: Sequence[TaskCollection]) -> Iterator[GroupReport]:
        unwritten = list(tasks)
        while unwritten:
            num_trained = 0
            for stage in range(self.config.num_rounds + 1):
                for report in self._collect_stage([task.task_name for task in unwritten], stage):
                    num_trained += report.num_trained
                    yield report
            if not num_trained:  # A later stage may have found damaged trials of an earlier one.
                unwritten = [task for task in unwritten if not task.write_log()]

    def _collect_stage(self, names: Sequence[str], stage: int) -> Iterator[GroupReport]:
        """Trains until nothing of a stage is missing, here or elsewhere."""
        missing = self._missing(names, stage)
        while missing:
            is_idle = True
            for report in self._results(train_group, missing):
                is_idle = is_idle and report.is_elsewhere
                if not report.is_elsewhere:
                    self._broken_pools = 0
                    yield report
            if is_idle:
                time.sleep(WAIT_S)
            missing = self._missing(sorted({name for name, _ in missing}), stage)

    def _missing(self, names: Sequence[str], stage: int) -> list[tuple[str, Group]]:
        planned: list[tuple[str, list[Group]]] = []
        while len(planned) < len(names):  # A pool may break while it plans.
            planned = list(self._results(plan_stage, [(name, stage) for name in names]))
        return [(name, group) for name, groups in planned for group in groups]

    def _results(self, function: Callable[..., Any], arguments: Sequence[tuple]) -> Iterator[Any]:
        """Results of calls on the workers; they end early when a worker is killed."""
        import joblib
        from joblib.externals.loky.process_executor import TerminatedWorkerError

        place = Place(self.output, self.config, self._owner, frozenset(self._dead), self.lease_s)
        calls = (joblib.delayed(function)(place, *given) for given in arguments)
        try:
            yield from unordered_results(calls, self.num_workers)
        except TerminatedWorkerError as error:
            self._dead.add(self._owner)
            self._owner = new_owner()
            self._broken_pools += 1
            if self._broken_pools >= MOST_BROKEN_POOLS:
                raise CollectionError(
                    f"{MOST_BROKEN_POOLS} times in a row a worker process was killed before it "
                    f"finished a group of trials ({error}). Use fewer workers, or more memory; "
                    "the same command goes on where this one stopped."
                ) from error
        except OSError as error:
            raise CollectionError(
                f"{self.output} cannot be written: {error}. Make room, or correct the permissions; "
                "the same command goes on where this one stopped."
            ) from error
