"""Reads finished KerasTuner project folders, of any tuner, as trial logs."""

import json
import logging
import os
from collections.abc import Mapping
from pathlib import Path

from keras_metahpo.errors import ProjectError, SearchSpaceError
from keras_metahpo.history.records import FAILED_UTILITY, utility
from keras_metahpo.history.trial_log import COMPLETED, FAILED, LoggedTrial, TrialLog, TrialLogCard
from keras_metahpo.space import SearchSpace

logger = logging.getLogger(__name__)

# Hyperband writes its bookkeeping into the hyperparameter values.
INTERNAL_PREFIX = "tuner/"


def trial_from_state(state: Mapping, direction: str, objective: str) -> LoggedTrial:
    """One trial of KerasTuner, from the content of its `trial.json`."""
    curves = {
        name: {int(o["step"]): _mean(o["value"]) for o in metric["observations"]}
        for name, metric in state["metrics"]["metrics"].items()
    }
    if state.get("score") is not None and not curves.get(objective):
        curves[objective] = {int(state.get("best_step") or 0): state["score"]}
    steps = sorted({step for curve in curves.values() for step in curve})
    measurements = [
        {name: curve[step] for name, curve in curves.items() if step in curve} for step in steps
    ]
    best = max((utility(m.get(objective), direction) for m in measurements), default=FAILED_UTILITY)
    completed = state["status"] == COMPLETED and best > FAILED_UTILITY
    values = state["hyperparameters"]["values"]
    return LoggedTrial(
        trial_id=str(state["trial_id"]),
        configuration={k: v for k, v in values.items() if not k.startswith(INTERNAL_PREFIX)},
        measurements=measurements,
        status=COMPLETED if completed else FAILED,
        message=state.get("message"),
    )


def import_project(
    path: str, objective: str | None = None, direction: str | None = None
) -> TrialLog:
    """Reads a KerasTuner project folder as a trial log; damaged trials are skipped with a warning.

    Args:
        path: The project folder, which holds `oracle.json` and `trial_*/trial.json`.
        objective, direction: What was optimised. The folder does not say; what is omitted is that
            of the metric whose best value equals every trial's score.

    Raises:
        ProjectError: when the folder holds no readable finished trial, or not that objective.
    """
    folder = Path(path)
    states = []
    for file in sorted(folder.glob("trial_*/trial.json")):
        try:
            state = json.loads(file.read_text())
            if state["status"] in ("COMPLETED", "FAILED", "INVALID"):
                state["metrics"]["metrics"], state["hyperparameters"]["values"]
                states.append(state)
        except (OSError, ValueError, KeyError, TypeError) as error:
            logger.warning("Skipping %s, which cannot be read: %r.", file, error)
    if not states:
        raise ProjectError(
            "Expected a KerasTuner project folder, with finished trials in "
            f"trial_*/trial.json. Received: {path}, which has none. Check the path."
        )
    if objective is None or direction is None:
        objective, direction = _infer_objective(states, path, objective, direction)
    known = sorted({name for state in states for name in state["metrics"]["metrics"]})
    if known and objective not in known:
        raise ProjectError(
            f"Expected an objective that {path} measured, one of {known}. "
            f"Received: objective={objective!r}."
        )
    space = _common_space(states)
    trials = [trial_from_state(s, direction, objective) for s in states]
    card = TrialLogCard(
        name=folder.name,
        objective=objective,
        direction=direction,
        source=f"KerasTuner project {folder.name}",
        max_fidelity=max([1, *(len(t.measurements) for t in trials)]),
    )
    return TrialLog.from_trials(card, space, trials)


def is_project(path: str | os.PathLike) -> bool:
    """Whether `path` is a KerasTuner project folder."""
    return (Path(path) / "oracle.json").exists() or any(Path(path).glob("trial_*/trial.json"))


def _mean(values) -> float:
    return sum(values) / len(values) if isinstance(values, list) else float(values)


def _common_space(states: list[Mapping]) -> SearchSpace:
    """All hyperparameters that any trial knew; the first definition of a name counts."""
    entries: dict[str, Mapping] = {}
    for state in states:
        for entry in state["hyperparameters"]["space"]:
            config = entry["config"]
            if not config["name"].startswith(INTERNAL_PREFIX):
                entries.setdefault(json.dumps([config["name"], config["conditions"]]), entry)
    try:
        return SearchSpace.from_config({"space": list(entries.values())})
    except SearchSpaceError as error:
        raise ProjectError(f"The project's search space cannot be read: {error}") from error


def _infer_objective(
    states: list[Mapping], path: str, objective: str | None, direction: str | None
) -> tuple[str, str]:
    scored = [s for s in states if s.get("score") is not None and s["status"] == "COMPLETED"]
    candidates: dict[str, str] = {}
    for name, metric in scored[0]["metrics"]["metrics"].items() if scored else ():
        for candidate, best in (("max", max), ("min", min)):
            is_asked_for = objective in (None, name) and direction in (None, candidate)
            is_preferred = candidate == metric["direction"] or name not in candidates
            if is_asked_for and is_preferred and all(_scores_match(s, name, best) for s in scored):
                candidates[name] = candidate
    if len(candidates) != 1:
        raise ProjectError(
            f"Cannot tell which metric {path} optimised. Received: candidates "
            f"{sorted(candidates)}. Give `objective` and `direction`."
        )
    return next(iter(candidates.items()))


def _scores_match(state: Mapping, name: str, best) -> bool:
    metric = state["metrics"]["metrics"].get(name)
    if not metric or not metric["observations"]:
        return False
    value = best(_mean(o["value"]) for o in metric["observations"])
    return abs(value - state["score"]) <= 1e-6 * max(1.0, abs(value))
