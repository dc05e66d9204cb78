"""Checks of a trial log's table; every complaint names the file, the row and the remedy."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from keras_metahpo.errors import SearchSpaceError, TrialLogError
from keras_metahpo.history.trial_log_card import TrialLogCard
from keras_metahpo.history.trial_table import COMPLETED, FAILED, HP_PREFIX, LoggedTrial
from keras_metahpo.space import SearchSpace

if TYPE_CHECKING:
    import pyarrow

REQUIRED_COLUMNS = ("trial_id", "status", "epoch", "elapsed_s")


def validate_table(
    card: TrialLogCard, space: SearchSpace, table: "pyarrow.Table", where: str
) -> None:
    """Raises `TrialLogError` at the first thing that is wrong in `table` before it is read."""
    _check_columns(card, space, table, where)
    _check_types(card, table, where)
    _check_rows(card, table, where)


def validate_configurations(
    space: SearchSpace, trials: Sequence[LoggedTrial], table: "pyarrow.Table", where: str
) -> None:
    """Raises `TrialLogError` at the first trial of `table` whose configuration is not legal."""
    trial_ids = table.column("trial_id").to_pylist()
    for trial in trials:
        try:
            space.complete(trial.configuration)
        except SearchSpaceError as error:
            raise TrialLogError(
                f"{where}, trial {trial.trial_id!r}: {error} It begins in row "
                f"{trial_ids.index(trial.trial_id)}. Correct the row, or widen the hyperparameter "
                "in space.json."
            ) from error


def _check_columns(card, space, table, where) -> None:
    expected = [*REQUIRED_COLUMNS, *(HP_PREFIX + n for n in space.names)]
    missing = [name for name in expected if name not in table.column_names]
    unknown = [
        name for name in table.column_names if name.startswith(HP_PREFIX) and name not in expected
    ]
    if missing or unknown:
        raise TrialLogError(
            f"{where} must have the columns {expected} and the metrics. Received: missing "
            f"{missing}, hyperparameters that space.json lacks {unknown}. "
            "Write the log with `TrialLog.from_trials`."
        )
    if card.objective not in table.column_names and _any_completed(table):
        raise TrialLogError(
            f"{where} has no column for the objective {card.objective!r}. Received: "
            f"{table.column_names}. Correct `objective` in card.json or add the column."
        )


def _check_types(card, table, where) -> None:
    import pyarrow

    for name in ("epoch", "elapsed_s", card.objective):
        if name not in table.column_names:
            continue
        type_ = table.schema.field(name).type
        is_number = pyarrow.types.is_integer(type_) or pyarrow.types.is_floating(type_)
        if not (is_number or pyarrow.types.is_null(type_)):
            raise TrialLogError(
                f"{where}: the column {name!r} must hold numbers. Received: {type_}. "
                "Convert the column."
            )


def _any_completed(table) -> bool:
    return COMPLETED in table.column("status").to_pylist()


def _check_rows(card, table, where) -> None:
    columns = {name: table.column(name).to_pylist() for name in REQUIRED_COLUMNS}
    objective = (
        table.column(card.objective).to_pylist() if card.objective in table.column_names else None
    )
    seen: dict[tuple, int] = {}
    finite: dict[str, bool] = {}
    for row, (trial_id, status, epoch, elapsed_s) in enumerate(zip(*columns.values(), strict=True)):

        def complain(problem: str, row=row) -> TrialLogError:
            return TrialLogError(f"{where}, row {row}: {problem}")

        if trial_id is None or status not in (COMPLETED, FAILED):
            raise complain(
                "expected a trial_id and a status COMPLETED or FAILED. "
                f"Received: trial_id={trial_id!r}, status={status!r}. Correct or drop the row."
            )
        if (trial_id, epoch) in seen:
            raise complain(
                f"trial {trial_id!r} has epoch {epoch} already in row {seen[trial_id, epoch]}. "
                "Drop one of the two."
            )
        seen[trial_id, epoch] = row
        is_unmeasured = epoch is None and status == FAILED
        if not is_unmeasured and not (epoch and 1 <= epoch <= card.max_fidelity):
            raise complain(
                f"expected an epoch from 1 to max_fidelity={card.max_fidelity}. "
                f"Received: epoch={epoch}. Correct the row, or max_fidelity in card.json."
            )
        if elapsed_s is not None and not elapsed_s >= 0:
            raise complain(
                f"elapsed_s must not be negative. Received: {elapsed_s}. Correct or empty it."
            )
        value = objective[row] if objective else None
        finite[trial_id] = (
            finite.get(trial_id, False)
            or status == FAILED
            or (value is not None and bool(np.isfinite(value)))
        )
    hopeless = [trial_id for trial_id, is_finite in finite.items() if not is_finite]
    if hopeless:
        raise TrialLogError(
            f"{where}: trial {hopeless[0]!r} is COMPLETED without one finite {card.objective!r} "
            f"(from row {columns['trial_id'].index(hopeless[0])} on; {len(hopeless)} such). "
            "Mark it FAILED."
        )
