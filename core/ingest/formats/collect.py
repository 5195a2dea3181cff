"""Gathers the mapped columns of one or many tables, batch by batch, in compact arrays."""

from array import array
from collections.abc import Iterator, Sequence
from operator import itemgetter

import numpy as np
import pandas as pd

from core.base.errors import BadFile
from core.ingest.limits import Limits
from core.ingest.mapping import ColumnMapping, validate_mapping
from core.ingest.numbers import TextCellError, parse_numbers

MAX_CODE_LENGTH = 64
NUMBER_ROLES = ("cycle", "capacity", "pcl", "soh", "rul")


class Collector:
    """Collects rows into the raw frame that `core.ingest.checks` and `labels` work on.

    Columns of the raw frame: battery_code (category), file_row (int32, header = 1), split
    (category, text of the file) and, if mapped, cycle, capacity, pcl, soh, rul and
    feature_1..feature_n (float64, in the file's units).
    """

    def __init__(self, mapping: ColumnMapping, limits: Limits) -> None:
        self._mapping = mapping
        self._limits = limits
        self._n_tables = 0
        self._sources = dict(number_sources(mapping))
        self._battery_column = mapping.battery_column
        self._split_column = mapping.split_column
        self._numbers = {name: array("d") for name in self._sources}
        self._rows = array("i")
        self._batteries = _Codes()
        self._splits = _Codes()

    def start_table(
        self, columns: Sequence[str], table_name: str, battery_code: str, decimal_comma: bool
    ) -> None:
        """Begin a table; `battery_code` is its battery if no column names one."""
        self._table_name = table_name
        self._fallback_code = battery_code
        self._decimal_comma = decimal_comma
        self._index = {column: position for position, column in enumerate(columns)}
        if self._n_tables == 0:
            validate_mapping(self._mapping, columns)
        for _role, column in self._mapping.named_columns():
            if column not in self._index:
                raise BadFile(
                    f"{table_name} has no column {column!r}. All tables need the same columns: "
                    "add it there, or map another column."
                )
        self._n_tables += 1

    def add(self, cells: Sequence[Sequence[object]], file_rows: Sequence[int]) -> None:
        """Add rows of the current table, each as long as its columns."""
        if len(self._rows) + len(cells) > self._limits.max_rows:
            raise BadFile(
                f"The file has more than {self._limits.max_rows:,} rows. FadeBench needs one row "
                "per cycle: summarise time series by cycle first, or split the file."
            )
        for name, column in self._sources.items():
            values = list(map(itemgetter(self._index[column]), cells))
            try:
                numbers = parse_numbers(values, self._decimal_comma)
            except TextCellError as error:
                self._refuse_text(column, file_rows[error.index], error.value)
            self._numbers[name].frombytes(numbers.tobytes())
        self._rows.extend(file_rows)
        self._add_codes(self._batteries, self._battery_column, cells)
        if self._split_column is not None:
            self._add_codes(self._splits, self._split_column, cells)
        self._check_batteries()

    def frame(self) -> pd.DataFrame:
        """The raw frame of everything added so far."""
        columns: dict[str, object] = {"battery_code": self._batteries.categorical()}
        columns["file_row"] = np.frombuffer(self._rows, dtype=np.int32)
        if self._split_column is not None:
            columns["split"] = self._splits.categorical()
        for name, values in self._numbers.items():
            columns[name] = np.frombuffer(values, dtype=np.float64)
        return pd.DataFrame(columns, copy=False)

    def _add_codes(
        self, codes: "_Codes", column: str | None, cells: Sequence[Sequence[object]]
    ) -> None:
        if column is None:
            codes.add_repeated(self._fallback_code, len(cells))
        else:
            codes.add(map(itemgetter(self._index[column]), cells))

    def _check_batteries(self) -> None:
        if len(self._batteries) > self._limits.max_batteries:
            raise BadFile(
                f"The file holds more than {self._limits.max_batteries:,} batteries. Check which "
                "column is mapped as battery, or split the file."
            )
        longest = self._batteries.longest
        if len(longest) > MAX_CODE_LENGTH:
            raise BadFile(
                f"The battery code {longest[:70]!r} is longer than {MAX_CODE_LENGTH} characters. "
                "Shorten it, or map another column as battery."
            )

    def _refuse_text(self, column: str, file_row: int, value: object) -> None:
        raise BadFile(
            f"{self._table_name}, row {file_row}: column {column!r} holds {str(value)[:60]!r} "
            "where a number belongs. Correct the cell, or map another column."
        )


class _Codes:
    """Stores each different text once, and an integer per row."""

    def __init__(self) -> None:
        self._known: dict[str, int] = {}
        self._codes = array("i")
        self.longest = ""

    def __len__(self) -> int:
        return len(self._known)

    def add(self, values: Iterator[object]) -> None:
        known = self._known
        for value in values:
            text = value.strip() if isinstance(value, str) else _cell_text(value)
            if text not in known:
                known[text] = len(known)
                self.longest = max(self.longest, text, key=len)
            self._codes.append(known[text])

    def add_repeated(self, text: str, count: int) -> None:
        self.longest = max(self.longest, text, key=len)
        code = self._known.setdefault(text, len(self._known))
        self._codes.frombytes(np.full(count, code, dtype=np.int32).tobytes())

    def categorical(self) -> pd.Categorical:
        codes = np.frombuffer(self._codes, dtype=np.int32)
        return pd.Categorical.from_codes(
            codes, categories=pd.Index(list(self._known), dtype=object)
        )


def _cell_text(value: object) -> str:
    """A workbook cell as text; whole numbers without the ".0" that spreadsheets add."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def number_sources(mapping: ColumnMapping) -> Iterator[tuple[str, str]]:
    """Yield (raw-frame column, source column) for everything that is read as a number."""
    for role in NUMBER_ROLES:
        column = getattr(mapping, f"{role}_column")
        if column is not None:
            yield role, column
    for position, feature in enumerate(mapping.features, start=1):
        yield f"feature_{position}", feature.source_column
