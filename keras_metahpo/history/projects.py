"""Reads KerasTuner project folders, of any tuner and any version 1.x, as trial logs."""

import json
import math
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from keras_metahpo.errors import ProjectError, SearchSpaceError
from keras_metahpo.history.project_versions import INTERNAL_PREFIX, modern_hyperparameters
from keras_metahpo.history.records import FAILED_UTILITY, best_utility
from keras_metahpo.history.skipping import DAMAGE, OnSkipped, reason_of, warn_of_skipped
from keras_metahpo.history.trial_log import TrialLog
from keras_metahpo.history.trial_log_card import TrialLogCard
from keras_metahpo.history.trial_table import COMPLETED, FAILED, LoggedTrial
from keras_metahpo.space import Hyperparameter, SearchSpace, Value

# The oracle has stopped the trial early: what it measured counts.
STOPPED = "STOPPED"
FINISHED = (COMPLETED, STOPPED, FAILED, "INVALID")
UNFINISHED = ("RUNNING", "IDLE")


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
    best = best_utility((m.get(objective) for m in measurements), direction)
    completed = state["status"] in (COMPLETED, STOPPED) and best > FAILED_UTILITY
    values = state["hyperparameters"]["values"]
    return LoggedTrial(
        trial_id=str(state["trial_id"]),
        configuration={k: v for k, v in values.items() if not k.startswith(INTERNAL_PREFIX)},
        measurements=measurements,
        status=COMPLETED if completed else FAILED,
        message=state.get("message"),
    )


def import_project(
    path: str,
    objective: str | None = None,
    direction: str | None = None,
    on_skipped: OnSkipped = warn_of_skipped,
) -> TrialLog:
    """Reads a KerasTuner project folder as a trial log; damaged trials are skipped.

    Args:
        path: The project folder, which holds `oracle.json` and `trial_*/trial.json`.
        objective, direction: What was optimised. The folder does not say; what is omitted is that
            of the metric whose best value equals every trial's score.
        on_skipped: Called with each trial that is left out and why; logs a warning by default.

    Raises:
        ProjectError: when the folder holds no readable finished trial, or not that objective.
    """
    folder = Path(path)
    states = _read_states(folder, on_skipped)
    if not states:
        raise ProjectError(
            "Expected a KerasTuner project folder, with finished trials in "
            f"trial_*/trial.json. Received: {path}, which has none. Check the path."
        )
    if objective is None or direction is None:
        objective, direction = _infer_objective(list(states.values()), path, objective, direction)
    known = sorted({name for state in states.values() for name in state["metrics"]["metrics"]})
    if known and objective not in known:
        raise ProjectError(
            f"Expected an objective that {path} measured, one of {known}. "
            f"Received: objective={objective!r}."
        )
    space = _common_space(list(states.values()))
    trials = []
    for where, state in states.items():
        try:
            trials.append(_legal(trial_from_state(state, direction, objective), space))
        except SearchSpaceError as error:
            on_skipped(where, reason_of(error))
    card = TrialLogCard(
        name=folder.resolve().name,
        objective=objective,
        direction=direction,
        source=f"KerasTuner project {folder.resolve().name}",
        max_fidelity=max([1, *(len(t.measurements) for t in trials)]),
    )
    return TrialLog.from_trials(card, space, trials)


def is_project(path: str | os.PathLike) -> bool:
    """Whether `path` is a KerasTuner project folder."""
    return (Path(path) / "oracle.json").exists() or any(Path(path).glob("trial_*/trial.json"))


def _read_states(folder: Path, on_skipped: OnSkipped) -> dict[str, dict]:
    """Contents of the finished trials' files, by file."""
    states: dict[str, dict] = {}
    trial_ids: set[str] = set()
    for file in sorted(folder.glob("trial_*/trial.json")):
        try:
            state = _checked(json.loads(file.read_text()))
        except DAMAGE as error:
            on_skipped(str(file), reason_of(error))
            continue
        if state["status"] in UNFINISHED:
            on_skipped(str(file), f"it was left {state['status']}.")
        elif state["trial_id"] in trial_ids:
            on_skipped(str(file), f"trial_id {state['trial_id']!r} is that of another trial, too.")
        else:
            trial_ids.add(state["trial_id"])
            states[str(file)] = state
    return states


def _checked(state) -> dict:
    """A state in the form of today; raises one of `DAMAGE` where it is damaged."""
    if not isinstance(state, dict) or not isinstance(state["hyperparameters"], dict):
        raise ValueError(f"expected the state of a trial. Received: {str(state)[:60]!r}.")
    if state["status"] not in (*FINISHED, *UNFINISHED):
        raise ValueError(f"status must be one of {FINISHED}. Received: {state['status']!r}.")
    if not isinstance(state.get("score"), (int, float, type(None))):
        raise ValueError(f"score must be a number. Received: {state['score']!r}.")
    if not isinstance(state.get("message"), (str, type(None))):
        raise ValueError(f"message must be text. Received: {state['message']!r}.")
    entries, values = modern_hyperparameters(state["hyperparameters"])
    state = state | {
        "trial_id": str(state["trial_id"]),
        "hyperparameters": {"space": entries, "values": values},
    }
    space = SearchSpace.from_config({"space": entries})
    for hp in space.hyperparameters:
        _check_range(hp)
    _legal(trial_from_state(state, "max", ""), space)
    return state


def _check_range(hp: Hyperparameter) -> None:
    """Raises one of `DAMAGE` where a range is none; no other trial is to inherit it."""
    ends = [hp.low, hp.high] if hp.is_numeric else [hp.choices[0]]
    with np.errstate(all="ignore"):
        units = hp.units(np.array([hp.number(end) for end in ends]))
    if not np.isfinite(units).all() or hp.sampling not in ("linear", "log", "reverse_log"):
        raise ValueError(f"the range of {hp.name!r} cannot be used. Received: {hp}.")


def _legal(trial: LoggedTrial, space: SearchSpace) -> LoggedTrial:
    """The trial with active hyperparameters only; raises `SearchSpaceError` if one is illegal."""
    active: dict[str, Value] = {}
    for hp in space.hyperparameters:
        if hp.is_active(active):
            value = trial.configuration.get(hp.name, hp.default)
            # KerasTuner's Bayesian search gives one more than the end of a logarithmic range.
            if hp.kind == "int" and hp.sampling != "linear" and value == hp.high + 1:
                value = int(hp.high)
            active[hp.name] = hp.value(hp.number(value))
    configuration = {name: active[name] for name in trial.configuration if name in active}
    return replace(trial, configuration=configuration)


def _mean(values) -> float:
    return sum(values) / len(values) if isinstance(values, list) else float(values)


def _common_space(states: list[dict]) -> SearchSpace:
    """All hyperparameters that any trial knew; the first definition of a name counts."""
    entries: dict[str, Mapping] = {}
    for state in states:
        for entry in state["hyperparameters"]["space"]:
            config = entry["config"]
            entries.setdefault(json.dumps([config["name"], config["conditions"]]), entry)
    try:
        return SearchSpace.from_config({"space": list(entries.values())})
    except SearchSpaceError as error:
        raise ProjectError(f"The project's search space cannot be read: {error}") from error


def _infer_objective(
    states: list[dict], path: str, objective: str | None, direction: str | None
) -> tuple[str, str]:
    # Up to 1.1, a trial whose objective was NaN counted as completed.
    scored = [s for s in states if s["status"] == COMPLETED and _is_finite(s.get("score"))]
    candidates: dict[str, str] = {}
    for name, metric in scored[0]["metrics"]["metrics"].items() if scored else ():
        for candidate, best in (("max", max), ("min", min)):
            is_asked_for = objective in (None, name) and direction in (None, candidate)
            is_preferred = candidate == metric.get("direction") or name not in candidates
            if is_asked_for and is_preferred and all(_scores_match(s, name, best) for s in scored):
                candidates[name] = candidate
    if len(candidates) != 1:
        raise ProjectError(
            f"Cannot tell which metric {path} optimised. Received: candidates "
            f"{sorted(candidates)}. Give `objective` and `direction`."
        )
    return next(iter(candidates.items()))


def _is_finite(score: float | None) -> bool:
    return score is not None and math.isfinite(score)


def _scores_match(state: Mapping, name: str, best) -> bool:
    metric = state["metrics"]["metrics"].get(name)
    if not metric or not metric["observations"]:
        return False
    values = [_mean(observation["value"]) for observation in metric["observations"]]
    value = best((v for v in values if not math.isnan(v)), default=math.nan)
    return abs(value - state["score"]) <= 1e-6 * max(1.0, abs(value))
