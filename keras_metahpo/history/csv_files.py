"""Reads tables of trials, one row a trial or one row a measurement, as trial logs."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from keras_metahpo.errors import SearchSpaceError, TrialLogError
from keras_metahpo.history.csv_columns import (
    ELAPSED_S,
    EPOCH,
    MESSAGE,
    STATUS,
    TRIAL_ID,
    hyperparameter_columns,
    infer_space,
)
from keras_metahpo.history.csv_table import Table, is_number, read_table
from keras_metahpo.history.records import FAILED_UTILITY, best_utility
from keras_metahpo.history.skipping import OnSkipped, reason_of, warn_of_skipped
from keras_metahpo.history.trial_log import TrialLog
from keras_metahpo.history.trial_log_card import TrialLogCard
from keras_metahpo.history.trial_table import COMPLETED, FAILED, LoggedTrial
from keras_metahpo.space import SearchSpace, Value

SUFFIXES = (".csv", ".tsv")
# What tools call the states of a trial, in lower case; a trial that was stopped early counts.
STATUSES = {
    **dict.fromkeys(("completed", "complete", "finished", "done", "success", "ok"), COMPLETED),
    **dict.fromkeys(("stopped", "pruned", "terminated"), COMPLETED),
    **dict.fromkeys(("failed", "fail", "invalid", "error", "crashed", "killed"), FAILED),
}
# A column that changes within more than this share of the trials is a measurement.
MEASURED_SHARE = 0.5


def is_csv_file(path: str | os.PathLike) -> bool:
    """Whether `path` is the name of a table of trials."""
    return os.fspath(path).lower().endswith(SUFFIXES) and not os.path.isdir(path)


def import_csv(
    path: str | os.PathLike,
    objective: str | None = None,
    direction: str | None = None,
    space: SearchSpace | None = None,
    on_skipped: OnSkipped = warn_of_skipped,
) -> TrialLog:
    """Reads a table; lines and trials that are damaged are skipped.

    The columns `trial_id`, `epoch`, `elapsed_s`, `status` and `message` are optional. Rows with
    the same `trial_id` are measurements of one trial, in the order of `epoch`.

    Args:
        path: The file, with names of columns in its first line.
        objective: Column of the objective.
        direction: `"min"` or `"max"`.
        space: The search space; `None` infers it from the values.
        on_skipped: Called with each line or trial that is left out and why.

    Raises:
        TrialLogError: when the file is no table, or lacks columns or usable trials.
    """
    file = Path(path)
    if objective is None or direction not in ("min", "max"):
        raise TrialLogError(
            f"{file} does not say what was optimised. Expected the column of the objective and its "
            f"direction, 'min' or 'max'. Received: objective={objective!r}, "
            f"direction={direction!r}. Give both."
        )
    table = read_table(file, (objective, EPOCH, ELAPSED_S), on_skipped)
    _check_columns(table, objective)
    rows_of = _rows_of_trials(table, on_skipped)
    if not rows_of:
        raise TrialLogError(f"Expected finished trials in {file}. Received: none. Check the file.")
    found = _hyperparameters(table, rows_of, objective, space)
    configurations = _configurations(table, rows_of, found, on_skipped)
    used = infer_space(list(configurations.values())) if space is None else space
    measured_columns = [c for c in table.columns if c not in found.values()]
    trials = []
    for trial_id, values in configurations.items():
        try:
            configuration = _converted(values, used)
        except SearchSpaceError as error:
            on_skipped(f"{file}, trial {trial_id!r}", reason_of(error))
            continue
        rows = rows_of[trial_id]
        measurements = [_measurement(table, measured_columns, row) for row in rows]
        best = best_utility((m.get(objective) for m in measurements), direction)
        has_failed = best == FAILED_UTILITY or FAILED in _statuses(table, rows)
        message = table.columns[MESSAGE][rows[-1]] if MESSAGE in table.columns else None
        status = FAILED if has_failed else COMPLETED
        trials.append(LoggedTrial(trial_id, configuration, measurements, status, message))
    if not any(trial.status == COMPLETED for trial in trials):
        raise TrialLogError(
            f"Expected trials with a finite {objective!r} in {file}. Received: {len(trials)} "
            "trials, none of which has one. Check the file and the objective."
        )
    card = TrialLogCard(
        name=file.stem,
        objective=objective,
        direction=direction,
        source=f"CSV file {file.name}",
        max_fidelity=max(len(trial.measurements) for trial in trials),
    )
    return TrialLog.from_trials(card, used, trials)


def _check_columns(table: Table, objective: str) -> None:
    if objective not in table.columns:
        raise TrialLogError(
            f"Expected a column of the objective in {table.file}, one of {list(table.columns)}. "
            f"Received: objective={objective!r}."
        )
    if EPOCH in table.columns and TRIAL_ID not in table.columns:
        raise TrialLogError(
            f"{table.file} has a column {EPOCH!r}, so a row is a measurement. Expected a column "
            f"{TRIAL_ID!r}, too. Received: {list(table.columns)}. Add it, or rename {EPOCH!r}."
        )


def _rows_of_trials(table: Table, on_skipped: OnSkipped) -> dict[str, list[int]]:
    """Numbers of the finished trials' rows, by trial, in the order of their epochs."""
    columns = table.columns
    rows_of: dict[str, list[int]] = {}
    seen: set[tuple] = set()
    for row in range(len(table.lines)):
        trial_id = columns[TRIAL_ID][row] if TRIAL_ID in columns else f"{row:05d}"
        epoch = columns[EPOCH][row] if EPOCH in columns else row
        if trial_id is None or not is_number(epoch):
            on_skipped(table.where(row), f"it has no {TRIAL_ID} or no {EPOCH}.")
        elif (trial_id, epoch) in seen:
            on_skipped(table.where(row), f"trial {trial_id!r} has {EPOCH} {epoch} already.")
        else:
            seen.add((trial_id, epoch))
            rows_of.setdefault(str(trial_id), []).append(row)
    finished = {}
    for trial_id, rows in rows_of.items():
        if None in _statuses(table, rows):
            said = [columns[STATUS][row] for row in rows]
            on_skipped(f"{table.file}, trial {trial_id!r}", f"its status is {said[-1]!r}.")
        else:
            key = columns[EPOCH].__getitem__ if EPOCH in columns else None
            finished[trial_id] = sorted(rows, key=key)
    return finished


def _statuses(table: Table, rows: Sequence[int]) -> list[str | None]:
    """What the rows say of their trial: `None` for a state in which it is not finished."""
    if STATUS not in table.columns:
        return []
    said = [table.columns[STATUS][row] for row in rows]
    return [STATUSES.get(str(status).lower()) for status in said if status is not None]


def _hyperparameters(
    table: Table, rows_of: Mapping[str, list[int]], objective: str, space: SearchSpace | None
) -> dict[str, str]:
    """Columns of the hyperparameters by name."""
    first = {n: [v[rows[0]] for rows in rows_of.values()] for n, v in table.columns.items()}
    found = hyperparameter_columns(first, objective, space.names if space else None)
    if space is None:
        found = {n: c for n, c in found.items() if not _is_measured(table.columns[c], rows_of)}
    missing = [name for name in space.names if name not in found] if space else []
    if missing or not found:
        raise TrialLogError(
            f"Expected a column for each hyperparameter in {table.file}. Received: "
            f"{list(table.columns)}, without {missing or 'any that varies like one'}. "
            "Name the columns as in the space."
        )
    return found


def _is_measured(values: Sequence, rows_of: Mapping[str, list[int]]) -> bool:
    """Whether a column changes within most trials, as no hyperparameter does."""
    several = [rows for rows in rows_of.values() if len(rows) > 1]
    changing = sum(len({values[row] for row in rows}) > 1 for rows in several)
    return changing > MEASURED_SHARE * len(several)


def _configurations(
    table: Table,
    rows_of: Mapping[str, list[int]],
    found: Mapping[str, str],
    on_skipped: OnSkipped,
) -> dict[str, dict[str, Value]]:
    """Configurations as they stand in the table, by trial."""
    configurations = {}
    for trial_id, rows in rows_of.items():
        several = {n: {table.columns[c][row] for row in rows} for n, c in found.items()}
        values = {n: next(iter(v)) for n, v in several.items() if v != {None}}
        wrong = [n for n, v in several.items() if len(v) > 1 or _is_infinite(values.get(n))]
        if wrong:
            on_skipped(
                f"{table.file}, trial {trial_id!r}",
                f"expected one finite value of each of {wrong}. "
                f"Received: {[list(several[n]) for n in wrong]}.",
            )
        else:
            configurations[trial_id] = values
    return configurations


def _is_infinite(value: Value | None) -> bool:
    return isinstance(value, float) and not is_number(value)


def _converted(values: Mapping[str, Value], space: SearchSpace) -> dict[str, Value]:
    """A configuration in the space's own types, active hyperparameters only."""
    choices: dict[str, dict[str, Value]] = {}
    for hp in space.hyperparameters:
        choices.setdefault(hp.name, {}).update({str(choice): choice for choice in hp.choices})
    active = space.complete({n: choices[n].get(str(v), v) for n, v in values.items()})
    return {name: active[name] for name in values if name in active}


def _measurement(table: Table, names: Sequence[str], row: int) -> dict[str, float]:
    """All numbers of a row that are no hyperparameters."""
    cells = {n: table.columns[n][row] for n in names if n not in (TRIAL_ID, EPOCH)}
    measured = {n: float(cell) for n, cell in cells.items() if is_number(cell)}
    if measured.get(ELAPSED_S, 0.0) < 0:
        del measured[ELAPSED_S]
    return measured
