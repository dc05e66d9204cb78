"""What a study's output says of itself: versions, machine, presets, and the tasks' regret scale."""

import datetime
import json
import os
import platform
import subprocess
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import joblib

from keras_metahpo.atomic import write_text
from keras_metahpo.benchmark.blackbox import BlackboxFactory
from keras_metahpo.benchmark.blackboxes import open_suite
from keras_metahpo.benchmark.contestants import get_contestant
from keras_metahpo.benchmark.experience import opened
from keras_metahpo.benchmark.records import HEADER, TASKS, TaskFacts, read_header, read_tasks
from keras_metahpo.benchmark.study import Study
from keras_metahpo.errors import BenchmarkError

PACKAGES = ("keras-metahpo", "keras", "keras-tuner", "tensorflow", "jax", "numpy", "optuna",
            "smac", "syne-tune")  # fmt: skip


def suites_of(study: Study, data: str | None) -> dict[str, dict[str, BlackboxFactory]]:
    """The study's tasks by suite and name; parts of one name are one suite."""
    suites: dict[str, dict[str, BlackboxFactory]] = {}
    for spec in study.suites:
        path = spec.path
        if path is not None and data is not None:
            path = os.path.join(data, path)
        suites.setdefault(spec.label, {}).update(
            open_suite(spec.kind, path, **spec.options).blackboxes
        )
    return suites


def start_output(
    study: Study,
    suites: Mapping[str, Mapping[str, BlackboxFactory]],
    output: Path,
    num_workers: int,
) -> None:
    """Writes the header and the tasks' facts; refuses a folder that holds another study."""
    output.mkdir(parents=True, exist_ok=True)
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    started = now
    if (output / HEADER).exists():
        old = read_header(output)
        if old.get("fingerprint") != study.fingerprint:
            raise BenchmarkError(
                f"{output} holds another study, {old.get('study')!r} (version "
                f"{old.get('version')!r}), or one with other suites, split or trials. "
                "Choose another output folder."
            )
        started = old.get("started", now)
    header = study.as_header() | {
        "versions": _versions(),
        "git_revision": _git_revision(),
        "machine": _machine(),
        "presets": _presets(study),
        "started": started,
    }
    _write(output / HEADER, header)
    facts = read_tasks(output) if (output / TASKS).exists() else {}
    missing = [
        (suite, name, factory)
        for suite, factories in suites.items()
        for name, factory in factories.items()
        if name not in facts
    ]
    found = joblib.Parallel(num_workers)(joblib.delayed(_facts)(s, f) for s, _, f in missing)
    facts |= dict(zip((name for _, name, _ in missing), found, strict=True))
    _write(output / TASKS, {name: vars(task) for name, task in facts.items()})


def _facts(suite: str, factory: BlackboxFactory) -> TaskFacts:
    blackbox = opened(factory)
    card, reference = blackbox.card, blackbox.reference()
    return TaskFacts(
        suite=suite,
        family=card.family,
        objective=card.objective,
        direction=card.direction,
        max_fidelity=card.max_fidelity,
        lookup=card.lookup,
        source=card.source,
        licence=card.licence,
        best=reference.best if reference else None,
        median=reference.median if reference else None,
        reference=reference.how if reference else "",
    )


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _git_revision() -> str:
    """Of the package's checkout; empty when it is installed from a wheel."""
    command = ["git", "-C", str(Path(__file__).parent), "rev-parse", "HEAD"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout.strip()


def _machine() -> dict[str, str | int | None]:
    return {
        "processor": platform.processor() or platform.machine(),
        "system": platform.system(),
        "cores": os.cpu_count(),
        "backend": os.environ.get("KERAS_BACKEND", "tensorflow"),
    }


def _presets(study: Study) -> dict[str, dict]:
    """Hash and training tasks of every preset under test, by policy."""
    found = {}
    for policy in study.policies:
        for preset in get_contestant(policy).presets():
            found[preset.name] = {
                "sha256": preset.card.get("sha256"),
                "trained_on": preset.card.get("trained_on", []),
            }
    return found


def _write(path: Path, content: Mapping) -> None:
    write_text(path, json.dumps(content, indent=1) + "\n")
