"""Finds task definitions: by file stem in the library, or by the path of a file."""

import difflib
import importlib.util
import sys
from functools import cache
from pathlib import Path

from keras_metahpo.errors import TaskError
from keras_metahpo.tasks.task import Task


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
    tasks = getattr(module, "TASKS", None)
    if not tasks or not all(isinstance(task, Task) for task in tasks):
        raise TaskError(
            f"{path} must define `TASKS`, a list of `keras_metahpo.tasks.Task`. "
            f"Received: {tasks!r}."
        )
    return {task.name: task for task in tasks}


def list_tasks() -> list[str]:
    """Names of all tasks in the library, in alphabetical order."""
    files = sorted(library_directory().glob("[!_]*.py"))
    return sorted(name for file in files for name in load_definitions(str(file)))


def get_task(name: str) -> Task:
    """The task called `family/variant`, or `FILE.py` (with one task), or `FILE.py:name`."""
    path, _, selected = name.rpartition(":") if ".py:" in name else (name, "", "")
    if path.endswith(".py"):
        tasks = load_definitions(path)
        chosen = selected or next(iter(tasks))
        if chosen in tasks and (selected or len(tasks) == 1):
            return tasks[chosen]
        known = [f"{path}:{task}" for task in tasks]
        raise TaskError(f"Expected one of {known}. Received: {name!r}.")
    file = library_directory() / f"{name.split('/')[0]}.py"
    tasks = load_definitions(str(file)) if file.exists() else {}
    if name not in tasks:
        known = list_tasks()
        close = difflib.get_close_matches(name, known, n=3, cutoff=0.4) or known
        raise TaskError(f"No task is called {name!r}. Did you mean one of {close}?")
    return tasks[name]
