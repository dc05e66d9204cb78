"""The trial log: one directory format for source tasks, tabular blackboxes and finished searches.

card.json       what this is: see `TrialLogCard`
space.json      `keras_tuner.HyperParameters.get_config()`
trials.parquet  a row a measurement: trial_id, status, hp:<name> (null when inactive), epoch
                (from 1), every metric, elapsed_s (cumulative for the trial), message
"""

import dataclasses
import json
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from keras_metahpo.errors import SearchSpaceError, TrialLogError
from keras_metahpo.history.records import FAILED_UTILITY, History, best_utility
from keras_metahpo.history.trial_log_card import TrialLogCard, card_from_json
from keras_metahpo.history.trial_table import (
    COMPLETED,
    LoggedTrial,
    metric_names_of,
    table_of,
    trials_of,
)
from keras_metahpo.history.validation import validate_configurations, validate_table
from keras_metahpo.space import SearchSpace

if TYPE_CHECKING:
    import pyarrow


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
        log = cls(card, space, table_of(space, trials))
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
        card = card_from_json(contents["card.json"], f"{path}/card.json")
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
        where = f"{self.path}/trials.parquet" if self.path else "trials.parquet"
        validate_table(self.card, self.space, self.table, where)
        validate_configurations(self.space, self.trials, self.table, where)

    @property
    def metric_names(self) -> list[str]:
        return metric_names_of(self.table)

    @cached_property
    def trials(self) -> list[LoggedTrial]:
        """The trials in the order of their first row."""
        return trials_of(self.space, self.table)

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
