"""Reads Optuna studies, from the SQLite files in which Optuna keeps them, as trial logs."""

import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from keras_metahpo.errors import SearchSpaceError, TrialLogError
from keras_metahpo.history.conditions import with_conditions
from keras_metahpo.history.records import FAILED_UTILITY, best_utility, utility
from keras_metahpo.history.skipping import DAMAGE, OnSkipped, reason_of, warn_of_skipped
from keras_metahpo.history.trial_log import TrialLog
from keras_metahpo.history.trial_log_card import TrialLogCard
from keras_metahpo.history.trial_table import COMPLETED, FAILED, LoggedTrial
from keras_metahpo.space import Hyperparameter, SearchSpace, Value

URL_PREFIX = "sqlite:///"
SUFFIXES = (".db", ".sqlite", ".sqlite3")
# What the objective is called unless the study names it.
OBJECTIVE = "value"
# Metric of what was reported on the way, where it cannot be compared with the objective.
INTERMEDIATE = "intermediate_value"


def is_study_file(path: str | os.PathLike) -> bool:
    """Whether `path` is the name of a file of Optuna studies, or their `sqlite:///` URL."""
    text = os.fspath(path)
    return text.startswith(URL_PREFIX) or (text.endswith(SUFFIXES) and not os.path.isdir(text))


def import_studies(
    path: str | os.PathLike, on_skipped: OnSkipped = warn_of_skipped
) -> list[TrialLog]:
    """Reads all studies of one objective in an SQLite file; the file is only read.

    Complete and pruned trials count with the value that Optuna gives them, failed ones as failed;
    what is still running or waiting is skipped.

    Args:
        path: The file, or its URL.
        on_skipped: Called with each study or trial that is left out and why.

    Raises:
        TrialLogError: when the file is no Optuna storage or has no study to learn from.
        ImportError: when Optuna is not installed.
    """
    file = Path(os.fspath(path).removeprefix(URL_PREFIX))
    logs, reasons = [], []

    def skip(where: str, reason: str) -> None:
        on_skipped(where, reason)
        reasons.append(reason)

    for study in _studies(file):
        where = f"{file}, study {study.study_name!r}"
        if len(study.directions) > 1:
            skip(where, f"it has {len(study.directions)} objectives; only one can be learnt from.")
            continue
        try:
            logs.append(_trial_log(study, where, on_skipped))
        except DAMAGE as error:
            skip(where, reason_of(error))
    if not logs:
        raise TrialLogError(
            f"Expected an Optuna study of one objective with finished trials in {file}. "
            f"Received: {'; '.join(reasons) or 'no study at all'}. Give another file."
        )
    return logs


def _studies(file: Path) -> list:
    """The studies of a file, with their trials."""
    try:
        import optuna
        from sqlalchemy.exc import SQLAlchemyError
    except ImportError as error:
        raise ImportError(
            f"{file} is read with Optuna, which is not installed: "
            "pip install 'keras-metahpo[optuna]'."
        ) from error

    def connect() -> sqlite3.Connection:
        # Optuna would otherwise create its tables in whatever file it is given.
        uri = f"{file.resolve().as_uri()}?mode=ro"
        return sqlite3.connect(uri, uri=True, check_same_thread=False)

    storage = None
    try:
        connection = connect()
        try:
            connection.execute("SELECT study_name FROM studies").fetchall()
        finally:
            connection.close()
        storage = optuna.storages.RDBStorage(
            "sqlite:///read_only", engine_kwargs={"creator": connect}
        )
        names = [study.study_name for study in storage.get_all_studies()]
        return [_Study(optuna.load_study(study_name=name, storage=storage)) for name in names]
    except (sqlite3.Error, SQLAlchemyError, RuntimeError, *DAMAGE) as error:
        # A RuntimeError says that the storage is of another version, and how to upgrade it.
        raise TrialLogError(
            f"Expected a file that Optuna wrote. Received: {file}, which cannot be read as one: "
            f"{str(error).splitlines()[0]}. Check the path."
        ) from error
    finally:
        if storage is not None:
            storage.engine.dispose()


class _Study:
    """What is needed of a study once its file is closed."""

    def __init__(self, study):
        self.study_name: str = study.study_name
        self.directions: list[str] = [direction.name for direction in study.directions]
        self.metric_names: list[str] | None = study.metric_names
        self.trials: list = study.get_trials(deepcopy=False)


def _trial_log(study: _Study, where: str, on_skipped: OnSkipped) -> TrialLog:
    direction = {"MINIMIZE": "min", "MAXIMIZE": "max"}[study.directions[0]]
    objective = (study.metric_names or [OBJECTIVE])[0]
    finished = []
    for trial in study.trials:
        if trial.state.is_finished():
            finished.append(trial)
        else:
            on_skipped(f"{where}, trial {trial.number}", f"it was left {trial.state.name}.")
    if all(trial.state.name == "FAIL" for trial in finished):
        raise TrialLogError("it has no trial that was completed or pruned.")
    space = _space(finished)
    are_comparable = not any(_is_better_on_the_way(trial, direction) for trial in finished)
    trials = []
    for trial in finished:
        logged = _logged(trial, space, objective, direction, are_comparable)
        try:
            space.complete(logged.configuration)
            trials.append(logged)
        except SearchSpaceError as error:
            on_skipped(f"{where}, trial {trial.number}", reason_of(error))
    card = TrialLogCard(
        name=study.study_name,
        objective=objective,
        direction=direction,
        source=f"Optuna study {study.study_name}",
        fidelity="step",
        max_fidelity=max([1, *(len(t.measurements) for t in trials)]),
    )
    return TrialLog.from_trials(card, space, trials)


def _is_better_on_the_way(trial, direction: str) -> bool:
    """Whether a complete trial has reported something better than the value it ended with."""
    if trial.state.name != "COMPLETE":
        return False
    best = best_utility(trial.intermediate_values.values(), direction)
    return best > utility(trial.value, direction)


def _logged(
    trial, space: SearchSpace, objective: str, direction: str, are_comparable: bool
) -> LoggedTrial:
    """A finished trial; its utility is that of the value which Optuna gives it."""
    name = objective if are_comparable else INTERMEDIATE
    measurements: list[dict[str, float]] = [
        {name: float(value)} for _, value in sorted(trial.intermediate_values.items())
    ]
    # The value of a pruned trial is the last one that it reported.
    value = trial.value
    if value is not None:
        if are_comparable and (not measurements or measurements[-1][objective] != value):
            measurements.append({objective: float(value)})
        elif not are_comparable:
            measurements = [*measurements[:-1], {**(measurements or [{}])[-1], objective: value}]
    if measurements and trial.duration is not None:
        measurements[-1]["elapsed_s"] = max(0.0, trial.duration.total_seconds())
    best = best_utility((m.get(objective) for m in measurements), direction)
    has_failed = trial.state.name == "FAIL" or best == FAILED_UTILITY
    kinds = {hp.name: hp for hp in space.hyperparameters}
    return LoggedTrial(
        trial_id=f"{trial.number:05d}",
        configuration={n: _value(kinds[n], v) for n, v in trial.params.items()},
        measurements=measurements,
        status=FAILED if has_failed else COMPLETED,
    )


def _space(trials: Sequence[Any]) -> SearchSpace:
    """Every parameter that was ever suggested; ranges that changed are joined."""
    distributions: dict[str, list] = {}
    for trial in trials:
        for name, distribution in trial.distributions.items():
            distributions.setdefault(name, []).append(distribution)
    hyperparameters = [_hyperparameter(*item) for item in distributions.items()]
    kinds = {hp.name: hp for hp in hyperparameters}
    # A trial that failed may have ended before all its parameters were suggested.
    whole = [t.params for t in trials if t.state.name != "FAIL" and t.value is not None]
    configurations = [{n: _value(kinds[n], v) for n, v in params.items()} for params in whole]
    return SearchSpace(with_conditions(hyperparameters, configurations))


def _hyperparameter(name: str, distributions: Sequence[Any]) -> Hyperparameter:
    kinds = {type(distribution).__name__ for distribution in distributions}
    first = distributions[0]
    if kinds == {"CategoricalDistribution"}:
        choices = tuple(dict.fromkeys(c for d in distributions for c in _choices(d.choices)))
        if set(map(type, choices)) == {bool}:
            return Hyperparameter(name, "boolean", False, choices=(False, True))
        ordered = len(choices) > 1 and not isinstance(choices[0], (bool, str))
        return Hyperparameter(name, "choice", choices[0], choices=choices, ordered=ordered)
    kind = {"FloatDistribution": "float", "IntDistribution": "int"}.get(type(first).__name__)
    if kind is None or len(kinds) > 1:
        raise TrialLogError(
            f"the parameter {name!r} must have one distribution, Float, Int or Categorical. "
            f"Received: {sorted(kinds)}."
        )
    low, high = min(d.low for d in distributions), max(d.high for d in distributions)
    is_log = all(d.log for d in distributions)
    steps = {d.step for d in distributions}
    step = steps.pop() if len(steps) == 1 and not is_log else None
    sampling = "log" if is_log else "linear"
    return Hyperparameter(
        name, kind, low, low=low, high=high, step=step, sampling=sampling, ordered=True
    )


def _choices(choices: Sequence[Any]) -> list[Value]:
    """Choices of one type, as KerasTuner has them: numbers or Booleans if all are, else text."""
    types = set(map(type, choices))
    if types == {bool} or types in ({int}, {float}):
        return list(choices)
    if types == {int, float}:
        return [float(choice) for choice in choices]
    return [str(choice) for choice in choices]


def _value(hp: Hyperparameter, value: Any) -> Value:
    """A parameter's value as the hyperparameter has it."""
    if hp.is_numeric or type(value) is type(hp.choices[0]):
        return value
    return float(value) if isinstance(hp.choices[0], float) else str(value)
