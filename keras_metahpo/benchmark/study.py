"""A study: which policies search which tasks, how often, and what is expected of the results."""

import hashlib
import json
import os
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from keras_metahpo.benchmark.contestants import RANDOM, get_contestant
from keras_metahpo.errors import BenchmarkError, did_you_mean

SPLITS = ("leave-task-out", "leave-space-out", "leave-family-out")
HORIZONS = (1, 3, 5, 10, 25, 50, 100)
# What may change when a study goes on: more policies, more seeds, other targets.
EXTENDABLE = ("policies", "seeds", "targets", "suggestion_limit_s")


@dataclass(frozen=True)
class SuiteSpec:
    """Where a suite comes from.

    Attributes:
        kind: As in `keras_metahpo.benchmark.blackboxes.open_suite`.
        path: Of its data, relative to the folder given as data; `None` for packages.
        name: In reports; the kind by default. Parts of one name are one suite.
        options: Further arguments of `open_suite`.
    """

    kind: str
    path: str | None = None
    name: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def label(self) -> str:
        return self.name or self.kind


@dataclass(frozen=True)
class Study:
    """An experiment.

    Attributes:
        name, version: The version changes when its results would.
        policies: Names of contestants, as `get_contestant` takes them.
        suites: Where the tasks come from.
        trials: Of each search.
        full_trainings: What a search may cost, in full trainings, instead of a number of trials;
            the horizons then count full trainings too.
        seeds: Number of searches of each policy on each task.
        split: What nothing under test may have been trained on: the task itself, all tasks of
            its search space, or its whole family.
        experience: Configurations recorded on each other task of a suite for policies that learn
            from earlier searches.
        adversarial: Whether all prior knowledge is negated, to measure the harm it can do.
        targets: Tables with `suite`, `policy`, `metric` and `at_most` or `than`.
        horizons: Trials at which regret is reported.
        suggestion_limit_s: Longest a policy may take for one suggestion.
    """

    name: str
    policies: tuple[str, ...]
    suites: tuple[SuiteSpec, ...]
    trials: int = 50
    full_trainings: int | None = None
    seeds: int = 10
    version: str = "1"
    split: str = SPLITS[0]
    experience: int = 500
    adversarial: bool = False
    targets: tuple[Mapping[str, Any], ...] = ()
    horizons: tuple[int, ...] = HORIZONS
    suggestion_limit_s: float = 300.0

    def __post_init__(self):
        for name in ("trials", "seeds", "full_trainings"):
            value = getattr(self, name)
            if name == "full_trainings" and value is None:
                continue
            if not isinstance(value, int) or value < 1:
                raise BenchmarkError(
                    f"{name} must be a positive whole number. Received: {name}={value!r}."
                )
        if self.split not in SPLITS:
            hint = did_you_mean(str(self.split), SPLITS)
            raise BenchmarkError(f"split must be one of {SPLITS}. Received: {self.split!r}.{hint}")
        if not self.policies or not self.suites:
            raise BenchmarkError(
                "A study needs `policies` and `suites`. "
                f"Received: policies={list(self.policies)}, suites={list(self.suites)}."
            )
        for name in self.policies:
            get_contestant(name)

    @property
    def length(self) -> int:
        """Trials of a search, or full trainings where it is those that are counted."""
        return self.trials if self.full_trainings is None else self.full_trainings

    @property
    def fingerprint(self) -> str:
        """Hash of everything that must stay the same when a study goes on."""
        content = {k: v for k, v in asdict(self).items() if k not in EXTENDABLE}
        if self.full_trainings is None:  # Studies from before there were any go on.
            del content["full_trainings"]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    def as_header(self) -> dict[str, Any]:
        """What the report needs to know."""
        return {
            "study": self.name,
            "version": self.version,
            "fingerprint": self.fingerprint,
            "policies": list(self.policies),
            "random_policy": RANDOM if RANDOM in self.policies else None,
            "horizons": [h for h in self.horizons if h <= self.length],
            "trials": self.trials,
            "full_trainings": self.full_trainings,
            "seeds": self.seeds,
            "suites": [spec.label for spec in self.suites],
            "splits": self.split,
            "adversarial": self.adversarial,
            "targets": [dict(target) for target in self.targets],
        }


def read_study(path: str | os.PathLike) -> Study:
    """Reads a study file (TOML); raises `BenchmarkError` naming the file and what is wrong."""
    path = Path(path)
    try:
        content = tomllib.loads(path.read_text())
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise BenchmarkError(f"{path} cannot be read as a study file: {error}") from error
    known = {f.name for f in fields(Study)}
    if unknown := sorted(set(content) - known):
        raise BenchmarkError(f"{path}: expected entries {sorted(known)}. Received: {unknown}.")
    try:
        suites = tuple(_suite(entry) for entry in content.pop("suites", ()))
        lists = {k: tuple(v) for k, v in content.items() if isinstance(v, list)}
        return Study(**content | lists | {"suites": suites})
    except (BenchmarkError, TypeError) as error:
        raise BenchmarkError(f"{path}: {error}") from error


def _suite(entry: Mapping[str, Any]) -> SuiteSpec:
    if "kind" not in entry:
        raise BenchmarkError(f"A suite needs a `kind`. Received: {dict(entry)}.")
    options = {k: v for k, v in entry.items() if k not in ("kind", "path", "name")}
    return SuiteSpec(entry["kind"], entry.get("path"), entry.get("name", ""), options)
