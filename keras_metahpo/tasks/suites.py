"""Frozen sets of tasks, split over data sets into meta-train, meta-validation and meta-test.

A suite is a file `NAME@VERSION.toml` beside the task definitions. It lists every task with the
version of its definition; whatever changes results makes a new version of the suite.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from keras_metahpo.errors import TaskError, unknown
from keras_metahpo.tasks.registry import get_task, library_directory

PARTS = ("meta_train", "meta_validation", "meta_test")


@dataclass(frozen=True)
class TaskSuite:
    """Names of tasks in three parts that share no data set.

    Attributes:
        name: Such as `"image-small"`.
        version: Such as `"1"`.
        meta_train: For training rankers.
        meta_validation: For early stopping and choices.
        meta_test: For reports only.
        task_versions: Name -> version of its definition when the suite was frozen.
    """

    name: str
    version: str
    meta_train: tuple[str, ...]
    meta_validation: tuple[str, ...]
    meta_test: tuple[str, ...]
    task_versions: Mapping[str, str]

    @property
    def task_names(self) -> tuple[str, ...]:
        """All tasks, part by part."""
        return self.meta_train + self.meta_validation + self.meta_test

    def part_of(self, task_name: str) -> str | None:
        """`"meta_train"`, `"meta_validation"` or `"meta_test"`; `None` for a task not in it."""
        return next((part for part in PARTS if task_name in getattr(self, part)), None)

    def verify(self) -> None:
        """Compares the suite with the tasks' definitions, which are imported.

        Raises:
            TaskError: if a task is missing or has another version, or a data set is in two parts.
        """
        part_of_dataset: dict[str, str] = {}
        for name, version in self.task_versions.items():
            task, part = get_task(name), str(self.part_of(name))
            if task.version != version:
                raise TaskError(
                    f"{self.name}@{self.version} was frozen with version {version} of {name}. "
                    f"Received: version {task.version}. Write {self.name} of a later version."
                )
            other = part_of_dataset.setdefault(task.dataset, part)
            if other != part:
                raise TaskError(
                    f"The data set of a task must be in one part of {self.name}@{self.version}. "
                    f"Received: {task.dataset} of {name} in {other} and {part}."
                )


def list_suites() -> list[str]:
    """`name@version` of every suite, in alphabetical order; no definition is imported."""
    return sorted(file.stem for file in _directory().glob("*@*.toml"))


def get_suite(name: str) -> TaskSuite:
    """The suite called `name@version`; the latest version where `name` has none.

    Raises:
        TaskError: if there is no such suite.
    """
    known = list_suites()
    chosen = name
    if "@" not in name:
        versions = [suite for suite in known if suite.partition("@")[0] == name]
        chosen = max(versions, key=_version_number, default=name)
    if chosen not in known:
        raise TaskError(unknown("suite", name, known))
    return _read(_directory() / f"{chosen}.toml")


def _read(file: Path) -> TaskSuite:
    name, _, version = file.stem.partition("@")
    try:
        parts = tomllib.loads(file.read_text())
        listed = [(part, dict(parts[part])) for part in PARTS]
    except (tomllib.TOMLDecodeError, KeyError, ValueError, TypeError) as error:
        raise TaskError(
            f"{file} must have the tables {', '.join(PARTS)} of task names and versions. "
            f"Received: {type(error).__name__}: {error}."
        ) from error
    names = [task for _, tasks in listed for task in tasks]
    repeated = sorted({task for task in names if names.count(task) > 1})
    if repeated:
        raise TaskError(f"{file} must list a task once. Received twice: {repeated}.")
    versions = {task: str(v) for _, tasks in listed for task, v in tasks.items()}
    return TaskSuite(
        name,
        version,
        **{part: tuple(tasks) for part, tasks in listed},
        task_versions=MappingProxyType(versions),
    )


def _directory() -> Path:
    return library_directory() / "suites"


def _version_number(name: str) -> int:
    version = name.partition("@")[2]
    return int(version) if version.isdigit() else -1
