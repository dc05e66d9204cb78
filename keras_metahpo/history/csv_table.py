"""Reads a CSV file into columns of plain Python values; what does not fit is skipped by line."""

import itertools
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeGuard

from keras_metahpo.errors import TrialLogError
from keras_metahpo.history.skipping import OnSkipped

Cell = bool | int | float | str | None
DELIMITERS = (",", ";", "\t")
# Texts among numbers are damage if none repeats and they are at most this share of a column.
DAMAGED_SHARE = 0.1
FIRST_LINE = 2  # of data, after the names


@dataclass(frozen=True)
class Table:
    """A table in memory; n rows.

    Attributes:
        file: Where it was read from.
        columns: n values by name of the column; `None` is a missing one.
        lines: n numbers of lines in the file, for messages.
    """

    file: Path
    columns: dict[str, list]
    lines: list[int]

    def where(self, row: int) -> str:
        return f"{self.file}, line {self.lines[row]}"

    def without(self, rows: set[int]) -> "Table":
        kept = [row for row in range(len(self.lines)) if row not in rows]
        columns = {name: [values[row] for row in kept] for name, values in self.columns.items()}
        return Table(self.file, columns, [self.lines[row] for row in kept])


def read_table(file: Path, numeric: Sequence[str], on_skipped: OnSkipped) -> Table:
    """Reads a file; lines of another width and cells that are no numbers cost their line.

    Args:
        file: The file, with names of columns in its first line.
        numeric: Columns that must hold numbers. Of the others, one with a few stray texts among
            its numbers counts as numeric, too.
        on_skipped: Called with each line that is left out and why.

    Raises:
        TrialLogError: when the file is no table.
    """
    table = _read(file, on_skipped)
    damaged: dict[int, str] = {}
    for name, values in table.columns.items():
        numbers = [_number(value) for value in values]
        strays = [row for row, n in enumerate(numbers) if n is None and values[row] is not None]
        if name in numeric or _are_damage([values[row] for row in strays], len(values)):
            table.columns[name] = _whole(numbers)
            reasons = {r: f"{name} must be a number. Received: {values[r]!r}." for r in strays}
            damaged |= reasons
        else:
            table.columns[name] = _whole(values)
    for row, reason in damaged.items():
        on_skipped(table.where(row), reason)
    return table.without(set(damaged))


def is_number(value) -> TypeGuard[float]:
    """Whether a cell holds a finite number."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _read(file: Path, on_skipped: OnSkipped) -> Table:
    import pyarrow
    import pyarrow.csv

    skipped: set[int] = set()

    def skip(row) -> str:
        skipped.add(row.number)
        if row.text.strip():  # A table may end in empty lines.
            what = f"expected {row.expected_columns} cells. Received: {row.actual_columns}."
            on_skipped(f"{file}, line {row.number}", what)
        return "skip"

    try:
        with file.open("rb") as stream:
            header = stream.readline()
        delimiter = max(DELIMITERS, key=lambda sign: header.count(sign.encode()))
        table = pyarrow.csv.read_csv(
            file,
            # Lines have numbers only when they are read one after another.
            read_options=pyarrow.csv.ReadOptions(use_threads=False),
            parse_options=pyarrow.csv.ParseOptions(
                delimiter=delimiter, invalid_row_handler=skip, ignore_empty_lines=False
            ),
            convert_options=pyarrow.csv.ConvertOptions(strings_can_be_null=True),
        )
        values = [column.to_pylist() for column in table.columns]
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        raise TrialLogError(
            f"Expected a table with names of columns in its first line. Received: {file}, which "
            f"cannot be read: {error}. Check the path, and that the file is CSV in UTF-8."
        ) from error
    if twice := [name for name, n in Counter(table.column_names).items() if n > 1]:
        raise TrialLogError(f"{file} must name each column once. Received: {twice} more than once.")
    if any(pyarrow.types.is_binary(column.type) for column in table.columns):
        raise TrialLogError(f"{file} must be in UTF-8. Received: other bytes. Convert the file.")
    unskipped = (line for line in itertools.count(FIRST_LINE) if line not in skipped)
    lines = list(itertools.islice(unskipped, table.num_rows))
    empty = {row for row, cells in enumerate(zip(*values, strict=True)) if set(cells) == {None}}
    columns = dict(zip(table.column_names, values, strict=True))
    return Table(file, columns, lines).without(empty)


def _number(value: Cell) -> float | None:
    """The number that a cell holds, NaN included; `None` for anything else."""
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return None
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _are_damage(strays: Sequence[Cell], num_rows: int) -> bool:
    """Whether texts among numbers are no choice but damage."""
    is_text = all(isinstance(value, str) for value in strays)
    is_rare = 0 < len(strays) <= DAMAGED_SHARE * num_rows and len(set(strays)) == len(strays)
    return is_text and is_rare


def _whole(values: list) -> list:
    """Whole numbers as such; data frames write them with a point where other rows have none."""
    floats = [value for value in values if isinstance(value, float)]
    if None not in values or not all(value.is_integer() for value in floats):
        return values
    return [int(value) if isinstance(value, float) else value for value in values]
