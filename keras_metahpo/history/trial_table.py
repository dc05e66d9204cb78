"""The table of a trial log: trials as rows of measurements, and back."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from keras_metahpo.history.training_state import seconds_of
from keras_metahpo.space import SearchSpace, Value

if TYPE_CHECKING:
    import pyarrow

COMPLETED, FAILED = "COMPLETED", "FAILED"
FIXED_COLUMNS = ("trial_id", "status", "epoch", "elapsed_s", "message")
HP_PREFIX = "hp:"


@dataclass(frozen=True)
class LoggedTrial:
    """One trial.

    Attributes:
        trial_id: Unique in its log.
        configuration: Active hyperparameters only.
        measurements: A dictionary of metrics an epoch, from epoch 1; may hold `elapsed_s`.
        status: `"COMPLETED"` or `"FAILED"`.
        message: Why it failed.
    """

    trial_id: str
    configuration: Mapping[str, Value]
    measurements: Sequence[Mapping[str, float]]
    status: str = COMPLETED
    message: str | None = None

    @property
    def elapsed_s(self) -> float:
        """Seconds of all its epochs; 0 where they were not timed."""
        return max((m.get("elapsed_s", 0.0) for m in self.measurements), default=0.0)

    @property
    def epoch_s(self) -> float:
        """Seconds an epoch; 0 unless all of its epochs are timed."""
        elapsed = [m["elapsed_s"] for m in self.measurements if "elapsed_s" in m]
        return seconds_of(elapsed)[0] if len(elapsed) == len(self.measurements) else 0.0


def table_of(space: SearchSpace, trials: Sequence[LoggedTrial]) -> "pyarrow.Table":
    """Trials in the columns of `trials.parquet`."""
    import pyarrow

    rows: dict[str, list] = {name: [] for name in FIXED_COLUMNS}
    hp_columns = {name: [] for name in space.names}  # type: dict[str, list]
    metric_names = dict.fromkeys(
        key for t in trials for m in t.measurements for key in m if key != "elapsed_s"
    )
    metrics = {name: [] for name in metric_names}  # type: dict[str, list]
    for trial in trials:
        for epoch, measured in enumerate(trial.measurements or ({},), start=1):
            rows["trial_id"].append(trial.trial_id)
            rows["status"].append(trial.status)
            rows["epoch"].append(epoch if trial.measurements else None)
            rows["elapsed_s"].append(measured.get("elapsed_s"))
            rows["message"].append(trial.message)
            for name, column in hp_columns.items():
                column.append(trial.configuration.get(name))
            for name, column in metrics.items():
                column.append(measured.get(name))
    arrays = {
        "trial_id": pyarrow.array(rows["trial_id"], pyarrow.string()),
        "status": pyarrow.array(rows["status"], pyarrow.string()),
        "epoch": pyarrow.array(rows["epoch"], pyarrow.int32()),
        "elapsed_s": pyarrow.array(rows["elapsed_s"], pyarrow.float64()),
        "message": pyarrow.array(rows["message"], pyarrow.string()),
    }
    arrays |= {
        HP_PREFIX + n: _hyperparameter_array(v, _value_types(space, n))
        for n, v in hp_columns.items()
    }
    arrays |= {n: pyarrow.array(v, pyarrow.float64()) for n, v in metrics.items()}
    return pyarrow.table(arrays)


def trials_of(space: SearchSpace, table: "pyarrow.Table") -> list[LoggedTrial]:
    """The trials of a table, in the order of their first row."""
    import pyarrow

    hp_columns = {
        HP_PREFIX + name: (
            name,
            pyarrow.types.is_string(table.schema.field(HP_PREFIX + name).type)
            and _value_types(space, name) != {str},
        )
        for name in space.names
    }
    names = (*metric_names_of(table), "elapsed_s")
    found: dict[str, tuple[dict, dict[int, dict]]] = {}
    for row in table.to_pylist():
        _, measurements = found.setdefault(row["trial_id"], (row, {}))
        if row["epoch"] is not None:
            measurements[row["epoch"]] = {n: row[n] for n in names if row.get(n) is not None}
    return [
        LoggedTrial(
            trial_id=trial_id,
            configuration={
                name: _from_json(row[column]) if json_text else row[column]
                for column, (name, json_text) in hp_columns.items()
                if row[column] is not None
            },
            measurements=[
                measurements.get(epoch, {}) for epoch in range(1, max(measurements, default=0) + 1)
            ],
            status=row["status"],
            message=row.get("message"),
        )
        for trial_id, (row, measurements) in found.items()
    ]


def metric_names_of(table: "pyarrow.Table") -> list[str]:
    return [
        name
        for name in table.column_names
        if name not in FIXED_COLUMNS and not name.startswith(HP_PREFIX)
    ]


def _hyperparameter_array(values: list, legal_types: set[type]) -> "pyarrow.Array":
    """A typed column; JSON text where one name has values of several types in a space."""
    import pyarrow

    types = {type(v) for v in values if v is not None}
    if types == {int, float} and len(legal_types) == 1:
        return pyarrow.array(values, pyarrow.float64())
    if len(legal_types | types) > 1:
        as_it_is = (str, type(None)) if legal_types == {str} else (type(None),)
        values = [v if isinstance(v, as_it_is) else json.dumps(v) for v in values]
    return pyarrow.array(values)


def _value_types(space: SearchSpace, name: str) -> set[type]:
    """Types of the legal values of `name`; text in its column is JSON unless all are text."""
    types: set[type] = set()
    for hp in space.hyperparameters:
        if hp.name == name:
            numeric: dict[str, set[type]] = {"int": {int}, "float": {float}}
            types |= numeric.get(hp.kind) or {type(choice) for choice in hp.choices}
    return types


def _from_json(text: str) -> Value:
    try:
        return json.loads(text)
    except ValueError:
        return text  # Not ours, so illegal for the hyperparameter: validation says which.
