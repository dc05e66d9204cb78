"""Checks task definitions; every finding says where it is and what to do.

Everything is done on fake data, so that a check needs no download.
"""

import re
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from keras_metahpo.errors import TaskError
from keras_metahpo.space import SearchSpace, Value
from keras_metahpo.tasks.registry import all_tasks, load_definitions
from keras_metahpo.tasks.sources.base import SPLITS
from keras_metahpo.tasks.task import Task, TaskData

NAME = re.compile(r"[a-z0-9_]+/[a-z0-9_.-]+")
CURVE_TOLERANCE = 1e-6
SEED = 0


@dataclass(frozen=True)
class Finding:
    """Something wrong with a task definition.

    Attributes:
        file: Path of the definition.
        line: Where, as far as is known.
        task: Name of the task; empty where the whole file is meant.
        problem: What is wrong.
        remedy: What to do.
    """

    file: str
    line: int | None
    task: str
    problem: str
    remedy: str

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        return ": ".join(part for part in (place, self.task, self.problem) if part) + (
            f" {self.remedy}"
        )


def check_file(path: str, on_task: Callable[[str], None] = lambda name: None) -> list[Finding]:
    """Everything that is wrong with the tasks of a file; a good file has no findings.

    Args:
        path: A file that lists tasks in `TASKS`.
        on_task: Called with a task's name before it is checked.
    """
    try:
        tasks = load_definitions(path)
    except TaskError as error:
        line = _line_of_error(path, error.__cause__) or _line_of(path, "TASKS")
        return [Finding(path, line, "", str(error), "Nothing else was checked.")]
    findings: list[Finding] = []
    for task in tasks.values():
        on_task(task.name)
        findings += _Check(path, task).findings()
    return findings


class _Check:
    """The checks of one task; each yields findings."""

    def __init__(self, path: str, task: Task):
        self.path = path
        self.task = task

    def findings(self) -> list[Finding]:
        """All of them; what cannot be checked for an earlier fault is left out."""
        found = [*self.name(), *self.card()]
        faults = [*self.data(), *self.model()]
        return found + (faults or list(self.training()))

    def name(self) -> Iterator[Finding]:
        name, stem = self.task.name, Path(self.path).stem
        if not NAME.fullmatch(name) or name.partition("/")[0] != stem:
            yield self._finding(
                f"a name must be '{stem}/variant', in small letters.",
                "The part before the slash must be the file's stem: rename the task or the file.",
            )
        for taken, (_, origin) in all_tasks().items():
            if taken == name and _resolved(origin) != _resolved(self.path):
                yield self._finding(f"the name is taken by {origin}.", "Choose another name.")

    def card(self) -> Iterator[Finding]:
        for field in ("licence", "citation", "version", "tags"):
            if not getattr(self.task, field):
                yield self._finding(
                    f"{field} is empty.", f"Give `Task` a {field}; 'unknown' is an answer, too."
                )
        try:
            self.task.direction  # noqa: B018 (the property raises)
        except Exception as error:
            yield self._finding(
                f"the objective {self.task.objective!r} has no known direction: {error}",
                "Use a metric that KerasTuner knows, such as val_accuracy or val_loss.",
            )

    def data(self) -> Iterator[Finding]:
        try:
            data = self.task.data.fake()
        except Exception as error:
            yield self._raised("data.fake()", error, "It must give arrays without a download.")
            return
        shapes = {}
        for split in SPLITS:
            inputs, labels = getattr(data, split)
            if _num_examples(inputs) == 0:
                yield self._finding(
                    f"the {split} split is empty.", "Give every split at least one example."
                )
            if not isinstance(inputs, np.ndarray):
                continue
            shapes[split] = inputs.shape[1:]
            if labels is None:
                continue
            if len(inputs) != len(labels):
                yield self._finding(
                    f"the {split} split has {len(inputs)} inputs and {len(labels)} labels.",
                    "Give each example one label.",
                )
            integers = np.ndim(labels) == 1 and np.issubdtype(np.asarray(labels).dtype, np.integer)
            if integers and len(labels) and not _in_range(labels, self.task.data.num_classes):
                yield self._finding(
                    f"the {split} split has labels from {min(labels)} to {max(labels)}.",
                    f"Labels must be below data.num_classes={self.task.data.num_classes}.",
                )
        if len(set(shapes.values())) > 1:
            yield self._finding(
                f"examples differ in shape: {shapes}.", "Prepare all splits in the same way."
            )

    def model(self) -> Iterator[Finding]:
        try:
            space = self.task.search_space()
        except Exception as error:
            yield self._raised("build(hp)", error, "It must build with the default values.")
            return
        if len(space) == 0:
            yield self._finding(
                "the search space is empty.", "Ask for a value with hp.Float(...) or the like."
            )
            return
        units = np.random.default_rng(SEED).random((4, len(space)))
        units[0], units[1] = 0.0, 1.0
        passing: set[str] = set()
        for configuration in space.decode(space.snap(units)):
            hp = space.to_keras_tuner()
            hp.values = dict(configuration)
            try:
                self.task.hypermodel().build(hp)
            except Exception as error:
                yield self._raised(
                    f"build(hp) of {configuration}",
                    error,
                    "Every configuration of the search space must be legal.",
                )
                return
            passing |= set(SearchSpace.from_keras_tuner(hp).names) - set(space.names)
        for name in sorted(passing):
            yield Finding(
                self.path,
                _line_of(self.path, f'"{name}"'),
                self.task.name,
                f"{name!r} is declared for some configurations only, so no search finds it.",
                "Declare it outside the `if`, within `with hp.conditional_scope(...)`.",
            )

    def training(self) -> Iterator[Finding]:
        space, data = self.task.search_space(), self.task.data.fake()
        configuration = space.default_configuration()
        try:
            curves = [_one_epoch(self.task, space, configuration, data) for _ in range(2)]
        except Exception as error:
            yield self._raised("fit", error, "It must train on data.fake().")
            return
        objective = self.task.objective
        values = [curve.get(objective, float("nan")) for curve in curves]
        if objective not in curves[0]:
            yield self._finding(
                f"fit does not measure the objective {objective!r}, but {sorted(curves[0])}.",
                "Compile the model with that metric, or name one of these as `objective`.",
            )
        elif not np.isfinite(values).all():
            yield self._finding(
                f"the objective of the default configuration is {values[0]} after one epoch.",
                "Choose defaults that train.",
            )
        elif abs(values[0] - values[1]) > CURVE_TOLERANCE or _differ(*curves):
            yield self._finding(
                f"the same seed gives other curves: {curves[0]} and {curves[1]}.",
                "Draw only from Keras' generators, which `keras.utils.set_random_seed` seeds.",
            )

    def _finding(self, problem: str, remedy: str) -> Finding:
        line = _line_of(self.path, f'"{self.task.name}"') or _line_of(self.path, "TASKS")
        return Finding(self.path, line, self.task.name, problem, remedy)

    def _raised(self, what: str, error: Exception, remedy: str) -> Finding:
        finding = self._finding(f"{what} raises {type(error).__name__}: {error}.", remedy)
        return replace(finding, line=_line_of_error(self.path, error) or finding.line)


def _one_epoch(
    task: Task, space: SearchSpace, configuration: Mapping[str, Value], data: TaskData
) -> dict[str, float]:
    """The metrics of a configuration after one epoch from a fixed seed."""
    import keras

    from keras_metahpo.tasks.training import EpochClock, fit_configuration

    keras.utils.set_random_seed(SEED)
    clock = EpochClock()
    fit_configuration(replace(task, max_fidelity=1), space, configuration, data, [clock])
    return {name: v for name, v in clock.measurements[0].items() if name != "elapsed_s"}


def _differ(first: Mapping[str, float], second: Mapping[str, float]) -> bool:
    return any(
        abs(value - second.get(name, float("nan"))) > CURVE_TOLERANCE
        for name, value in first.items()
    )


def _num_examples(inputs: Any) -> int:
    """The length of an array, or of the arrays of a dictionary."""
    arrays = inputs.values() if isinstance(inputs, Mapping) else [inputs]
    return min(map(len, arrays))


def _in_range(labels: np.ndarray, num_classes: int) -> bool:
    return min(labels) >= 0 and max(labels) < num_classes


def _line_of(path: str, text: str) -> int | None:
    """The first line that holds a text."""
    lines = Path(path).read_text().splitlines() if Path(path).is_file() else []
    return next((number for number, line in enumerate(lines, 1) if text in line), None)


def _line_of_error(path: str, error: BaseException | None) -> int | None:
    """The innermost line of the file in an error's traceback, or where it cannot be parsed."""
    if isinstance(error, SyntaxError):
        return error.lineno
    frames = traceback.extract_tb(error.__traceback__) if error else []
    lines = [f.lineno for f in frames if _resolved(f.filename) == _resolved(path)]
    return lines[-1] if lines else None


def _resolved(path: str) -> Path:
    return Path(path).resolve()
