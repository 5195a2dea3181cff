"""A whole table as it stands in a file: what readers give, and what recognition judges."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class Column:
    """One column of a table, read once as numbers and, where that is small, as texts.

    name : as in the header, trimmed, unique within its table
    numbers : (n_rows,) float64 in the unit of the file; NaN where a cell is blank or no number.
        "99 %" and "1.1 Ah" are numbers, their unit goes to `unit`; marks of thousands and decimals
        are judged on the whole column
    texts : (n_rows,) the cells as written, trimmed, "" where blank: "007" stays "007"; None where
        a column of numbers has too many different cells to keep
    unit : "Ah", "percent", ...: from a row of units or from the cells; "" where neither says it
        (the unit in the name is read from `name`)
    n_texts : cells that are neither blank nor numbers
    examples : file row and text of the first of those cells
    doubt : a sentence where the cells can be read in two ways ("1,100" beside "998")
    """

    name: str
    numbers: np.ndarray
    texts: "pd.Categorical[Any] | None" = None
    unit: str = ""
    n_texts: int = 0
    examples: tuple[tuple[int, str], ...] = ()
    doubt: str = ""

    @property
    def n_numbers(self) -> int:
        """Cells that hold a finite number."""
        return int(np.isfinite(self.numbers).sum())

    @property
    def n_blank(self) -> int:
        """Cells that are blank."""
        return int(np.isnan(self.numbers).sum()) - self.n_texts


@dataclass(frozen=True)
class Table:
    """A table of a file: its columns, all of the same length.

    name : for messages: the file, or "Sheet 'A'"
    battery_code : of its rows where no column names batteries: the file's or sheet's own name
    file_rows : (n_rows,) int32, the row in the file or sheet, counted from 1
    above : texts that stand above the header (titles, remarks), as they may name the battery
    skipped : sentences on what was not read as rows: titles, a row of units, comments, ...
    """

    name: str
    battery_code: str
    columns: tuple[Column, ...]
    file_rows: np.ndarray
    above: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns, in the order of the file."""
        return tuple(column.name for column in self.columns)

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return len(self.file_rows)

    def column(self, name: str) -> Column:
        """The column of that name; raises KeyError without one."""
        return self._by_name[name]

    @cached_property
    def _by_name(self) -> dict[str, Column]:
        return {column.name: column for column in self.columns}


@dataclass(frozen=True)
class FileTables:
    """All tables of a file.

    label : the format in words: "CSV table", "ZIP of 4 CSV files", "Excel workbook"
    kind : "text", "sheets" (each table a worksheet), "files" (each a file of an archive) or
        "structure" (nested MATLAB data: the batteries and columns are known)
    encoding : in words where it was judged: "UTF-16", "GB18030 (Chinese)"; "" where plain UTF-8
    notes : sentences on the file as a whole
    """

    label: str
    kind: str
    tables: tuple[Table, ...]
    encoding: str = ""
    notes: tuple[str, ...] = field(default=())


def table_of(
    frame: pd.DataFrame, name: str = "table", battery_code: str = "battery", first_row: int = 2
) -> Table:
    """A table of a data frame's columns, for readers of typed files and for tests."""
    columns = []
    for label in frame.columns:
        values: Sequence[object] = list(frame[label])
        numbers = np.array([_number(value) for value in values], dtype=np.float64)
        texts = ["" if value is None or value != value else str(value) for value in values]
        n_texts = int(sum(bool(t) and np.isnan(n) for t, n in zip(texts, numbers, strict=True)))
        columns.append(Column(str(label), numbers, pd.Categorical(texts), n_texts=n_texts))
    rows = np.arange(first_row, first_row + len(frame), dtype=np.int32)
    return Table(name, battery_code, tuple(columns), rows)


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float | np.number) else float("nan")
