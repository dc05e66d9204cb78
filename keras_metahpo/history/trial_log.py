"""The trial log: one directory format for source tasks, tabular blackboxes and finished searches.

card.json       what this is: see `TrialLogCard`
space.json      `keras_tuner.HyperParameters.get_config()`
trials.parquet  a row a measurement: trial_id, status, hp:<name> (null when inactive), epoch
                (from 1), every metric, elapsed_s (cumulative for the trial), message
"""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from keras_metahpo.errors import SearchSpaceError, TrialLogError
from keras_metahpo.history.records import FAILED_UTILITY, History, best_utility
from keras_metahpo.history.training_state import seconds_of
from keras_metahpo.space import SearchSpace, Value

if TYPE_CHECKING:
    import pyarrow

FORMAT_VERSION = 1
COMPLETED, FAILED = "COMPLETED", "FAILED"
LOOKUPS = ("grid", "pool", "surrogate")
FIXED_COLUMNS = ("trial_id", "status", "epoch", "elapsed_s", "message")
HP_PREFIX = "hp:"


@dataclass(frozen=True)
class TrialLogCard:
    """The facts about a trial log.

    Attributes:
        name, version: What it is called; the version changes when its content does.
        source, licence: Where the measurements come from and what may be done with them.
        objective, direction: The metric that is optimised; `"min"` or `"max"`.
        fidelity, max_fidelity: The unit of a measurement and how far a trial can go.
        lookup: How an unrecorded configuration is answered: `"grid"` (never: all are recorded),
            `"pool"` (the nearest recorded) or `"surrogate"` (a regressor fitted on load).
        features: Task features (family, number of classes, ...), optional.
        provenance: How it was made: command, versions, machine.
    """

    name: str
    objective: str
    direction: str
    version: str = "1"
    source: str = ""
    licence: str = ""
    fidelity: str = "epoch"
    max_fidelity: int = 1
    lookup: str = "pool"
    features: Mapping[str, Value] = field(default_factory=dict)
    provenance: Mapping[str, Value] = field(default_factory=dict)
    format_version: int = FORMAT_VERSION

    @property
    def family(self) -> str:
        """What the features say, else the first tag, else what stands before the name's slash."""
        tags = str(self.features.get("tags", "")).split(",")
        return str(self.features.get("family") or tags[0] or self.name.partition("/")[0])


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


class TrialLog:
    """A validated trial log in memory.

    Args:
        card: The facts.
        space: The search space.
        table: `pyarrow.Table` in the columns of `trials.parquet`.
        path: Where it was read from, for messages.
    """

    def __init__(
        self, card: TrialLogCard, space: SearchSpace, table: "pyarrow.Table", path: str = ""
    ):
        self.card = card
        self.space = space
        self.table = table
        self.path = path

    @classmethod
    def from_trials(
        cls, card: TrialLogCard, space: SearchSpace, trials: Sequence[LoggedTrial]
    ) -> "TrialLog":
        """Builds and validates a log from trials."""
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
        log = cls(card, space, pyarrow.table(arrays))
        log.validate()
        return log

    @classmethod
    def open(cls, path: str) -> "TrialLog":
        """Reads and validates a log; `path` is any directory that fsspec opens."""
        import fsspec
        import pyarrow
        import pyarrow.parquet

        path = str(path).rstrip("/")
        filesystem, root = fsspec.core.url_to_fs(path)
        contents = {}
        for name in ("card.json", "space.json", "trials.parquet"):
            try:
                with filesystem.open(f"{root}/{name}", "rb") as file:
                    if name.endswith("json"):
                        contents[name] = json.load(file)
                    else:
                        contents[name] = pyarrow.parquet.read_table(file)
            except FileNotFoundError as error:
                raise TrialLogError(
                    "A trial log is a directory with card.json, space.json and trials.parquet. "
                    f"Received: {path}, where {name} is missing."
                ) from error
            except (ValueError, pyarrow.ArrowException, OSError) as error:
                raise TrialLogError(
                    f"{path}/{name} cannot be read: {error}. Write the log again with "
                    "`TrialLog.write`, or restore the file from a copy."
                ) from error
        card = _card_from_json(contents["card.json"], f"{path}/card.json")
        try:
            space = SearchSpace.from_config(contents["space.json"])
        except SearchSpaceError as error:
            raise TrialLogError(f"{path}/space.json: {error}") from error
        log = cls(card, space, contents["trials.parquet"], path)
        log.validate()
        return log

    def write(self, path: str) -> str:
        """Writes the log into a directory, the table first and the card last; returns the path."""
        import fsspec
        import pyarrow.parquet

        path = str(path).rstrip("/")
        filesystem, root = fsspec.core.url_to_fs(path)
        filesystem.makedirs(root, exist_ok=True)
        with filesystem.open(f"{root}/trials.parquet", "wb") as file:
            pyarrow.parquet.write_table(self.table, file, compression="zstd")
        for name, content in (
            ("space.json", self.space.get_config()),
            ("card.json", dataclasses.asdict(self.card)),
        ):
            with filesystem.open(f"{root}/{name}", "w") as file:
                json.dump(content, file, indent=1, sort_keys=True)
                file.write("\n")
        return path

    def validate(self) -> None:
        """Raises `TrialLogError` naming the file, the row and the remedy."""
        from keras_metahpo.history.validation import validate_table

        where = f"{self.path}/trials.parquet" if self.path else "trials.parquet"
        validate_table(self.card, self.space, self.table, where)

    @property
    def metric_names(self) -> list[str]:
        return [
            name
            for name in self.table.column_names
            if name not in FIXED_COLUMNS and not name.startswith(HP_PREFIX)
        ]

    @cached_property
    def trials(self) -> list[LoggedTrial]:
        """The trials in the order of their first row."""
        import pyarrow

        hp_columns = {
            HP_PREFIX + name: (
                name,
                pyarrow.types.is_string(self.table.schema.field(HP_PREFIX + name).type)
                and _value_types(self.space, name) != {str},
            )
            for name in self.space.names
        }
        names = (*self.metric_names, "elapsed_s")
        found: dict[str, tuple[dict, dict[int, dict]]] = {}
        for row in self.table.to_pylist():
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
                    measurements.get(epoch, {})
                    for epoch in range(1, max(measurements, default=0) + 1)
                ],
                status=row["status"],
                message=row.get("message"),
            )
            for trial_id, (row, measurements) in found.items()
        ]

    def history(self, max_fidelity: int | None = None) -> History:
        """Configurations and their utilities: the best epoch up to `max_fidelity`, as KerasTuner.

        Args:
            max_fidelity: Epochs to look at; all of them when `None`.
        """
        utilities = []
        for trial in self.trials:
            values = [m.get(self.card.objective) for m in trial.measurements[:max_fidelity]]
            best = best_utility(values, self.card.direction)
            utilities.append(best if trial.status == COMPLETED else FAILED_UTILITY)
        return History([t.configuration for t in self.trials], np.array(utilities))

    def __repr__(self) -> str:
        return f"TrialLog({self.card.name!r}, {len(self.trials)} trials)"


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


def _card_from_json(content: Mapping, where: str) -> TrialLogCard:
    if not isinstance(content, Mapping):
        raise TrialLogError(
            f"{where} must hold a JSON object. Received: {str(content)[:100]}. "
            "Write the log again with `TrialLog.write`."
        )
    known = {f.name for f in dataclasses.fields(TrialLogCard)}
    missing = [n for n in ("name", "objective", "direction") if n not in content]
    unknown = sorted(set(content) - known)
    if content.get("format_version", 0) > FORMAT_VERSION:
        raise TrialLogError(
            f"{where} has format version {content['format_version']}; this release of "
            f"keras-metahpo reads up to {FORMAT_VERSION}. Upgrade keras-metahpo."
        )
    if missing or unknown:
        raise TrialLogError(
            f"{where} must have the entries {sorted(known)}. "
            f"Received: missing {missing}, unknown {unknown}."
        )
    card = TrialLogCard(**content)
    if card.direction not in ("min", "max"):
        raise TrialLogError(
            f"{where}: direction must be 'min' or 'max'. Received: {card.direction!r}."
        )
    if card.lookup not in LOOKUPS:
        raise TrialLogError(f"{where}: lookup must be one of {LOOKUPS}. Received: {card.lookup!r}.")
    return card
