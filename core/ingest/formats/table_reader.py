"""Gathers a table row by row: header, columns, and what in it is no row of data."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain, islice
from typing import Any

import numpy as np

from core.base.errors import BadFile
from core.ingest.formats.column_reader import ColumnReader, is_number, text_of
from core.ingest.formats.header import LOOK_ROWS, Header, find_header
from core.ingest.limits import Limits
from core.ingest.table import Column, Table

BATCH_ROWS = 5_000
Row = tuple[int, Sequence[Any]]


def read_rows(
    rows: Iterable[Row],
    table_name: str,
    battery_code: str,
    limits: Limits,
    wanted: Collection[str] | None = None,
    skipped: Iterable[str] = (),
) -> Iterator[Table | None]:
    """Read numbered rows that hold anything; yields None per batch, and the table at the end.

    `skipped` is asked for at the end, as it may grow while the rows are read.
    """
    source = iter(rows)
    first = list(islice(source, LOOK_ROWS))
    header = find_header([cells for _number, cells in first], table_name)
    reader = _Reader(header, [c for _n, c in first[header.first_row :]], table_name, limits, wanted)
    body = chain(first[header.first_row :], source)
    while batch := list(islice(body, BATCH_ROWS)):
        reader.add(batch)
        yield None
    yield reader.table(battery_code, tuple(skipped))


class _Reader:
    """The columns of one table."""

    def __init__(
        self,
        header: Header,
        first: Sequence[Sequence[Any]],
        table_name: str,
        limits: Limits,
        wanted: Collection[str] | None,
    ) -> None:
        names = [*header.names, *_unnamed(header, first)]
        if len(names) > limits.max_columns:
            raise BadFile(
                f"{table_name} has {len(names):,} columns; at most {limits.max_columns:,} can be "
                "read. Leave out what is not needed."
            )
        self._header, self._limits, self._table_name = header, limits, table_name
        self._width = len(names)
        self._columns = [
            ColumnReader(name) if wanted is None or name in wanted else None for name in names
        ]
        self._rows: list[np.ndarray] = []
        self._n_rows = 0
        self._remarks: list[Row] = []
        self._repeated: list[int] = []

    def add(self, batch: Sequence[Row]) -> None:
        kept = [(number, cells) for number, cells in batch if not self._is_no_data(number, cells)]
        if not kept:
            return
        self._n_rows += len(kept)
        self._check_size()
        width = self._width
        cells = [row if len(row) == width else self._fit(number, row) for number, row in kept]
        numbers = [number for number, _row in kept]
        for column, values in zip(self._columns, zip(*cells, strict=True), strict=True):
            if column is not None:
                column.add(values, numbers)
        self._rows.append(np.array(numbers, dtype=np.int32))

    def table(self, battery_code: str, skipped: tuple[str, ...]) -> Table:
        if not self._n_rows:
            raise BadFile(
                f"{self._table_name} has column names but no rows. Upload a file with data."
            )
        columns = [column for column in self._columns if column is not None]
        mark = _decimal_mark(columns)
        units = dict(zip(self._header.names, self._header.units, strict=True))
        finished = [column.finish(mark) for column in columns]
        return Table(
            name=self._table_name,
            battery_code=battery_code,
            columns=tuple(_with_unit(column, units.get(column.name, "")) for column in finished),
            file_rows=np.concatenate(self._rows),
            above=self._header.above,
            skipped=(*skipped, *self._header.skipped, *self._said()),
        )

    def _is_no_data(self, number: int, cells: Sequence[Any]) -> bool:
        """Whether a row repeats the header, or is a remark of one cell below the table."""
        if self._is_header(cells):
            self._repeated.append(number)
            return True
        # Asked for every row of a file: usually the first two cells tell that it is data.
        if self._width <= 2 or (text_of(cells[0]) and len(cells) > 1 and text_of(cells[1])):
            return False
        filled = list(islice((cell for cell in cells if text_of(cell)), 2))
        if len(filled) != 1 or is_number(filled[0]):
            return False
        remark = text_of(filled[0])
        if " " not in remark and not remark.startswith(("#", "%", "//")):
            return False
        self._remarks.append((number, filled))
        return True

    def _is_header(self, cells: Sequence[Any]) -> bool:
        known = self._header.texts
        if not cells or text_of(cells[0]).casefold() != known[0]:
            return False
        texts = tuple(text_of(cell).casefold() for cell in cells)
        return texts[: len(known)] == known and any(texts)

    def _fit(self, number: int, cells: Sequence[Any]) -> Sequence[Any]:
        """Pad a short row, and drop blank cells beyond the last column."""
        extra = [cell for cell in cells[self._width :] if text_of(cell)]
        if extra:
            raise BadFile(
                f"{self._table_name}, row {number} has {len(cells)} cells, but there are "
                f"{self._width} columns: a decimal comma between cells that commas separate does "
                "this. Export the table with semicolons or with decimal points."
            )
        return [*cells[: self._width], *[None] * (self._width - len(cells))]

    def _check_size(self) -> None:
        limits = self._limits
        if self._n_rows > limits.max_rows:
            raise BadFile(
                f"The file has more than {limits.max_rows:,} rows. FadeBench needs one row per "
                "cycle: summarise time series by cycle first, or split the file."
            )
        if self._n_rows * self._width > limits.max_cells:
            raise BadFile(
                f"{self._table_name} has more than {limits.max_cells:,} cells. Leave out columns "
                "that are not needed, or split the file."
            )

    def _said(self) -> Iterator[str]:
        if self._repeated:
            rows = ", ".join(str(number) for number in self._repeated[:5])
            yield f"The header of {self._table_name} is repeated in row {rows}; skipped there."
        for number, cells in self._remarks[:3]:
            yield f"Row {number} of {self._table_name} is a remark ({text_of(cells[0])[:60]!r})."


def _unnamed(header: Header, first: Sequence[Sequence[Any]]) -> list[str]:
    """Names of columns beyond the header that hold texts or nothing: remarks beside the table."""
    width = len(header.names)
    beyond = [cell for row in first for cell in row[width:]]
    if not any(text_of(cell) for cell in beyond) or any(is_number(cell) for cell in beyond):
        return []
    widest = max(len(row) for row in first)
    return [f"column {position}" for position in range(width + 1, widest + 1)]


def _with_unit(column: Column, unit: str) -> Column:
    return replace(column, unit=unit) if unit and not column.unit else column


def _decimal_mark(columns: Sequence[ColumnReader]) -> str:
    """The mark of decimals that the columns show, "" where none or both."""
    commas = sum(column.decimal_commas > 0 for column in columns)
    points = sum(column.decimal_points > 0 for column in columns)
    if commas and points:
        return ""
    return "," if commas else "." if points else ""
