"""Finds task definitions: by file stem in the library, by the path of a file, or by entry point.

A name is `stem/variant`, so that one task costs the import of one file.
"""

import importlib.util
import sys
import warnings
from collections.abc import Iterable
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path

from keras_metahpo.errors import TaskError, unknown
from keras_metahpo.tasks.task import Task

ENTRY_POINTS = "keras_metahpo.tasks"
DEFINITIONS = "[!_]*.py"


def library_directory() -> Path:
    """The folder of the definitions: inside a wheel, or beside the package in a checkout."""
    package = Path(__file__).resolve().parent
    installed = package / "library"
    return installed if installed.is_dir() else package.parent.parent / "tasks"


@cache
def load_definitions(path: str) -> dict[str, Task]:
    """The tasks of one file, which lists them in `TASKS`."""
    file = Path(path)
    name = f"keras_metahpo_task_{file.stem}"
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None or not file.exists():
        raise TaskError(f"Expected the path of a Python file with `TASKS`. Received: {path}.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        raise TaskError(
            f"{path} cannot be imported: {type(error).__name__}: {error}. Correct the file."
        ) from error
    return _by_name(getattr(module, "TASKS", None), path)


def list_tasks(family: str | None = None) -> list[str]:
    """Names of all tasks in the library and in plug-ins, in alphabetical order.

    Args:
        family: Only tasks of this family.

    Raises:
        TaskError: if a name is taken twice.
    """
    tasks = all_tasks()
    return sorted(n for n, (task, _) in tasks.items() if family in (None, task.family))


def all_tasks() -> dict[str, tuple[Task, str]]:
    """Name -> task and where it is defined; every file of the library is imported."""
    files = sorted(library_directory().glob(DEFINITIONS))
    found: dict[str, tuple[Task, str]] = {}
    for origin, tasks in [(str(f), load_definitions(str(f))) for f in files] + _plug_ins():
        for name, task in tasks.items():
            _refuse_taken(name, origin, found)
            found[name] = (task, origin)
    return found


def get_task(name: str) -> Task:
    """The task called `stem/variant`, or `FILE.py` (with one task), or `FILE.py:name`.

    Raises:
        TaskError: if there is no such task, or two of them.
    """
    path, _, selected = name.rpartition(":") if ".py:" in name else (name, "", "")
    if path.endswith(".py"):
        tasks = load_definitions(path)
        chosen = selected or next(iter(tasks))
        if chosen in tasks and (selected or len(tasks) == 1):
            return tasks[chosen]
        known = [f"{path}:{task}" for task in tasks]
        raise TaskError(f"Expected one of {known}. Received: {name!r}.")
    file = library_directory() / f"{name.split('/')[0]}.py"
    found: dict[str, tuple[Task, str]] = {}
    library = [(str(file), load_definitions(str(file)))] if file.exists() else []
    for origin, tasks in library + _plug_ins():
        if name in tasks:
            _refuse_taken(name, origin, found)
            found[name] = (tasks[name], origin)
    if name not in found:
        raise TaskError(unknown("task", name, list_tasks()))
    return found[name][0]


def _refuse_taken(name: str, origin: str, found: dict[str, tuple[Task, str]]) -> None:
    if name in found:
        raise TaskError(
            f"The task name {name!r} is taken twice: by {found[name][1]} and by {origin}. "
            "Rename one of the two."
        )


@cache
def _plug_ins() -> list[tuple[str, dict[str, Task]]]:
    """(where it is defined, its tasks) of every entry point; a broken one costs a warning."""
    found = []
    for entry in entry_points(group=ENTRY_POINTS):
        origin = f"the entry point {entry.name} = {entry.value}"
        try:
            loaded = entry.load()
            found.append((origin, _by_name(getattr(loaded, "TASKS", loaded), origin)))
        except Exception as error:
            warnings.warn(
                f"{origin} of the group {ENTRY_POINTS} is left out, because it cannot be loaded: "
                f"{type(error).__name__}: {error}. Mend or uninstall its package.",
                stacklevel=2,
            )
    return found


def _by_name(tasks: object, origin: str) -> dict[str, Task]:
    if not isinstance(tasks, (list, tuple)) or not tasks or not _all_tasks(tasks):
        raise TaskError(
            f"{origin} must define `TASKS`, a list of `keras_metahpo.tasks.Task`. "
            f"Received: {tasks!r}."
        )
    found: dict[str, tuple[Task, str]] = {}
    for task in tasks:
        _refuse_taken(task.name, origin, found)
        found[task.name] = (task, origin)
    return {name: task for name, (task, _) in found.items()}


def _all_tasks(values: Iterable[object]) -> bool:
    return all(isinstance(value, Task) for value in values)
