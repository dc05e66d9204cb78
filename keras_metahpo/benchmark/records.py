"""What a study leaves behind: a header, the facts about its tasks, and a record a step.

OUT/header.json          study, versions, git revision, machine, hashes
OUT/tasks.json           task name -> suite, card, reference (see `TaskFacts`)
OUT/steps/CELL.jsonl     a line a step of one search (policy, task, seed), appended as they come;
                         the last line is an `End`

A search without its last line was interrupted, and goes on.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from keras_metahpo.atomic import write_text
from keras_metahpo.errors import BenchmarkError
from keras_metahpo.space import Value

HEADER, TASKS, STEPS = "header.json", "tasks.json", "steps"
FINISHED, FAILED, SKIPPED = "finished", "failed", "skipped"
# File systems allow names of 255 bytes.
MOST_READABLE = 120


@dataclass(frozen=True)
class Step:
    """One trial of one search.

    Attributes:
        policy, task, seed: The search.
        step: From 1.
        configuration: Active hyperparameters.
        fidelity: Epochs it was trained to.
        value: The objective; `None` where the training failed.
        incumbent: The best value so far; `None` before any.
        trial_s: Seconds of training that this step cost.
        simulated_s: Training and suggestion seconds of the search so far.
        suggestion_s: Seconds the policy took, its bookkeeping included.
        epochs: Epochs of training that this step cost.
        device: What trained: `"simulated"`, or the device's name.
        message: Why the training failed.
    """

    policy: str
    task: str
    seed: int
    step: int
    configuration: Mapping[str, Value]
    fidelity: int
    value: float | None
    incumbent: float | None
    trial_s: float
    simulated_s: float
    suggestion_s: float
    epochs: int
    device: str = "simulated"
    message: str | None = None


@dataclass(frozen=True)
class TaskFacts:
    """What a report needs to know of a task, without opening its blackbox.

    Attributes:
        suite, family: Where it belongs.
        objective, direction, max_fidelity, lookup, source, licence: As on the blackbox's card.
        best, median: Utilities between which regret is normalised; `None` where only the study's
            own results can tell.
        reference: How they were found.
    """

    suite: str
    family: str
    objective: str
    direction: str
    max_fidelity: int
    lookup: str
    source: str = ""
    licence: str = ""
    best: float | None = None
    median: float | None = None
    reference: str = ""


@dataclass(frozen=True)
class End:
    """How a search ended.

    Attributes:
        policy, task, seed: The search.
        end: `"finished"`, `"failed"` or `"skipped"`.
        reason: Why it failed or was skipped.
        final: Metrics of a live task's final model on data that no search sees.
    """

    policy: str
    task: str
    seed: int
    end: str
    reason: str = ""
    final: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class SearchRecord:
    """All that is known of one search.

    Attributes:
        steps: In their order.
        end: `None` while it runs, or after a kill.
    """

    steps: list[Step]
    end: End | None


def cell_file(output: Path, policy: str, task: str, seed: int) -> Path:
    """The file of one search: readable, and unique whatever the names hold."""
    digest = hashlib.sha256(json.dumps([policy, task]).encode()).hexdigest()[:8]
    readable = re.sub(r"[^\w.+-]+", "-", f"{policy}_{task}")[-MOST_READABLE:]
    return output / STEPS / f"{readable}_{digest}_{seed}.jsonl"


def read_search(path: Path) -> SearchRecord:
    """Reads a search; a last line that a kill cut off is left out."""
    steps: list[Step] = []
    end = None
    lines = path.read_text().splitlines()
    for number, line in enumerate(lines, start=1):
        try:
            content = json.loads(line)
            if "end" in content:
                end = End(**content)
            else:
                steps.append(Step(**content))
        except (ValueError, TypeError) as error:
            if number == len(lines):
                break
            raise BenchmarkError(
                f"{path}, line {number} must be a step of a search. Received: {line[:80]!r} "
                f"({error}). Delete the file, and run the study again to repeat this search."
            ) from error
    return SearchRecord(steps, end)


class Recorder:
    """Appends to one search's file, a line at a time.

    Args:
        path: Of the file.
        steps: Those that the file holds already; what else it holds is dropped.
    """

    def __init__(self, path: Path, steps: Sequence[Step] = ()):
        self.path = path
        self._lines = [_line(step) for step in steps]
        self._open()

    def _open(self) -> None:
        write_text(self.path, "".join(self._lines))
        self._file = self.path.open("a")

    def add(self, entry: Step | End) -> None:
        """Writes a line; it is on the disk when this returns."""
        self._lines.append(_line(entry))
        self._file.write(self._lines[-1])
        self._file.flush()

    def truncate(self, num_steps: int) -> None:
        """Keeps the first steps only."""
        self._file.close()
        self._lines = self._lines[:num_steps]
        self._open()

    def __enter__(self) -> "Recorder":
        return self

    def __exit__(self, *_) -> None:
        self._file.close()


def _line(entry: Step | End) -> str:
    return json.dumps(asdict(entry)) + "\n"


def read_header(output: Path) -> dict:
    """The header of a study's output."""
    return _read_json(Path(output) / HEADER)


def read_tasks(output: Path) -> dict[str, TaskFacts]:
    """The facts about the study's tasks, by name."""
    return {name: TaskFacts(**facts) for name, facts in _read_json(Path(output) / TASKS).items()}


def _read_json(path: Path) -> dict:
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise BenchmarkError(
            f"Expected the output of `metahpo bench run`, which holds {path.name}. Received: "
            f"{path.parent} ({error}). Name the folder that was given as --output."
        ) from error
