"""Output folders of studies that never ran."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from keras_metahpo.benchmark.records import (
    FAILED,
    FINISHED,
    HEADER,
    SKIPPED,
    TASKS,
    End,
    Recorder,
    Step,
    TaskFacts,
    cell_file,
)

# How much of the regret a policy's trial keeps of a random one's.
SKILLS = {"MetaOracle": 0.2, "tpe": 0.6, "portfolio": 0.4, "random": 1.0, "grid": 1.3}
LEFT_OUT = {"smac": "smac is not installed; pip install keras-metahpo[peers]"}
TRIAL_S = 2.0
CARD = {
    "objective": "val_accuracy",
    "direction": "max",
    "max_fidelity": 10,
    "lookup": "surrogate",
    "source": "made up",
}


def facts(suite: str = "tables@1", family: str = "curves", **more) -> TaskFacts:
    """Facts about a task whose regret is 1 - value, unless told otherwise."""
    return TaskFacts(
        **{**CARD, "suite": suite, "family": family, "best": 1.0, "median": 0.0, **more}
    )


def write_header(directory: Path, policies: Sequence[str], **more) -> None:
    """Writes a header; `more` adds entries and replaces them."""
    directory.mkdir(parents=True, exist_ok=True)
    content = {"study": "made-up", "policies": list(policies), "random_policy": "random", **more}
    (directory / HEADER).write_text(json.dumps(content))


def write_tasks(directory: Path, tasks: Mapping[str, TaskFacts]) -> None:
    content = {name: asdict(of_task) for name, of_task in tasks.items()}
    (directory / TASKS).write_text(json.dumps(content))


def write_search(
    directory: Path,
    policy: str,
    task: str,
    seed: int,
    values: Sequence[float | None],
    end: str | None = FINISHED,
    direction: str = "max",
    trial_s: float = TRIAL_S,
    reason: str = "",
    final: Mapping[str, float] | None = None,
) -> None:
    """Writes one search whose trials have these values, and cost the same seconds each."""
    path = cell_file(directory, policy, task, seed)
    better = max if direction == "max" else min
    incumbent = None
    with Recorder(path) as recorder:
        for number, value in enumerate(values, start=1):
            if value is not None:
                incumbent = value if incumbent is None else better(incumbent, value)
            total_s = number * trial_s
            more = (10, value, incumbent, trial_s, total_s, 0.004, 10)
            recorder.add(Step(policy, task, seed, number, {"x": 1}, *more))
        if end is not None:
            recorder.add(End(policy, task, seed, end, reason, final or {}))


@pytest.fixture
def write_study(tmp_path) -> Callable[..., Path]:
    """Writes a study of given values: (policy, task, seed) -> values of its trials.

    `tasks` changes the facts about a task, `ends` how a search ended; the rest is the header's.
    """

    def write(values: Mapping, tasks: Mapping = {}, ends: Mapping = {}, **header) -> Path:
        directory = tmp_path / f"study-{len(list(tmp_path.iterdir()))}"
        names = dict.fromkeys(task for _, task, _ in values)
        found = {name: facts(**tasks.get(name, {})) for name in names}
        policies = header.pop("policies", dict.fromkeys(policy for policy, _, _ in values))
        write_header(directory, list(policies), **header)
        write_tasks(directory, found)
        for search, trials in values.items():
            end, direction = ends.get(search, FINISHED), found[search[1]].direction
            write_search(directory, *search, trials, end, direction)
        return directory

    return write


def write_made_up_study(
    directory: Path,
    skills: Mapping[str, float] = SKILLS,
    trials: int = 12,
    seeds: int = 3,
    **header,
) -> Path:
    """A study as a runner leaves it: two suites, three families, one live; one policy skipped.

    One search failed and one was skipped besides those of the policy that is not installed.
    """
    tables = {f"curves/{n}": facts() for n in range(5)}
    tables |= {f"grids/{n}": facts(family="grids", direction="min") for n in range(3)}
    live = {"best": None, "median": None, "lookup": "live", "family": "images"}
    tasks = tables | {f"live/{n}": facts("keras@1", **live) for n in range(2)}
    default = {
        "trials": trials,
        "seeds": seeds,
        "suites": ["tables@1", "keras@1"],
        "horizons": [1, 3, 5, 10, 25],
        "versions": {"keras": "3.9", "numpy": "2.1"},
        "machine": {"processor": "two cores", "gpu": None},
        "presets": {"base": {"sha256": "0" * 64}},
        "git_revision": "0123456789abcdef",
        "started": "2031-02-03T04:05:06",
    }
    write_header(directory, [*skills, *LEFT_OUT], **(default | header))
    write_tasks(directory, tasks)
    for task_number, (task, of_task) in enumerate(tasks.items()):
        sign = 1.0 if of_task.direction == "max" else -1.0
        for seed in range(seeds):
            for policy_number, (policy, skill) in enumerate(skills.items()):
                rng = np.random.default_rng([task_number, policy_number, seed])
                regrets = rng.gamma(2.0, 0.6 * skill, size=trials) / (1 + 0.1 * task_number)
                values: list[float | None] = [float(sign * (1 - regret)) for regret in regrets]
                if seed == 1 and policy == "random":
                    values[0] = None
                end, reason, final = FINISHED, "", {}
                if of_task.lookup == "live":
                    accuracy = float(1 - 0.3 * regrets.min())
                    final = {"test_accuracy": accuracy, "macro_f1": accuracy - 0.02}
                    final |= {"recall": accuracy - 0.01, "compute_s": trials * TRIAL_S}
                if (policy, task, seed) == ("tpe", "curves/0", 0):
                    values, end, reason = values[:4], FAILED, "ValueError: <no> such trial & more"
                if (policy, task, seed) == ("grid", "grids/1", 2):
                    values, end, reason = [], SKIPPED, "the grid is larger than <allowed>"
                more = {"direction": of_task.direction, "trial_s": TRIAL_S * (1 + task_number % 3)}
                write_search(
                    directory, policy, task, seed, values, end, reason=reason, final=final, **more
                )
            for policy, reason in LEFT_OUT.items():
                write_search(directory, policy, task, seed, [], SKIPPED, reason=reason)
    return directory


@pytest.fixture(scope="session")
def made_up_study(tmp_path_factory) -> Path:
    return write_made_up_study(tmp_path_factory.mktemp("studies") / "made-up")
