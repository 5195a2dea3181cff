"""Reads delimited text; finds separator, decimal mark, encoding and header by itself."""

import codecs
import csv
import io
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import IO

from core.base.errors import BadFile
from core.ingest.formats.table_builder import TableBuilder
from core.ingest.limits import Limits
from core.ingest.numbers import parse_number
from core.ingest.table import Table

BATCH_ROWS = 5_000
HEAD_ROWS = 20
DELIMITERS = (",", ";", "\t")
_HEAD_CHARACTERS = 65_536
_MAX_LINE_CHARACTERS = 1_000_000
_UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@dataclass(frozen=True)
class CsvHead:
    """What the first lines of a table show: columns, delimiter and first rows."""

    columns: tuple[str, ...]
    delimiter: str
    rows: tuple[tuple[str, ...], ...]

    @property
    def decimal_comma(self) -> bool:
        """True where a comma can be a decimal mark, because it separates no cells."""
        return self.delimiter != ","


def _latin1_bytes(error: UnicodeError) -> tuple[str, int]:
    """Decode the bytes that are not UTF-8 as Latin-1, as older instruments write "°C"."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("latin-1"), error.end


codecs.register_error("latin1_bytes", _latin1_bytes)


def open_text(stream: io.RawIOBase) -> IO[str]:
    """Decode a byte stream: UTF-8, with or without byte order mark; stray bytes as Latin-1."""
    buffered = io.BufferedReader(stream, 1 << 16)
    start = buffered.peek(4)[:4]
    if start.startswith(_UTF16_MARKS):
        raise BadFile('The table is saved as UTF-16. Save it as "CSV UTF-8" and upload it again.')
    return io.TextIOWrapper(buffered, encoding="utf-8-sig", errors="latin1_bytes", newline="")


def read_rows(
    text: IO[str],
    table_name: str,
    battery_code: str,
    limits: Limits,
    wanted: Collection[str] | None,
    on_batch: Callable[[], None],
) -> Table:
    """Read a whole table, calling `on_batch` every few thousand rows."""
    head, lines = _start(text, table_name)
    builder = TableBuilder(
        head.columns, table_name, battery_code, limits, head.decimal_comma, wanted
    )
    width = len(head.columns)
    records = _records(lines, head.delimiter, table_name)
    for _header in islice(records, 1):
        pass
    while batch := list(islice(records, BATCH_ROWS)):
        file_rows = [number for number, _cells in batch]
        cells = [cells for _number, cells in batch]
        if set(map(len, cells)) != {width}:
            cells = [_fit(*record, width, table_name) for record in batch]
        builder.add(cells, file_rows)
        on_batch()
    return builder.table()


def unique_names(header: Sequence[object]) -> tuple[str, ...]:
    """Make column names for display and mapping: trimmed, none empty, all different."""
    names: list[str] = []
    seen: set[str] = set()
    for position, cell in enumerate(header, start=1):
        base = " ".join(str(cell).split()) if cell is not None else ""
        name = base = base or f"column {position}"
        repeat = 2
        while name in seen:
            name = f"{base} ({repeat})"
            repeat += 1
        names.append(name)
        seen.add(name)
    return tuple(names)


def check_header(columns: Sequence[str], n_rows: int, table_name: str) -> None:
    """Raise BadFile if the header holds numbers or no rows follow it."""
    if all(_is_number(column) for column in columns):
        raise BadFile(
            f"The first row of {table_name} holds numbers. Add a first row with column names."
        )
    if n_rows == 0:
        raise BadFile(f"{table_name} has column names but no rows. Upload a file with data.")


def _start(text: IO[str], table_name: str) -> tuple[CsvHead, Iterator[str]]:
    """Look at the first lines; returns what they say and an iterator over all lines."""
    first = text.read(_HEAD_CHARACTERS)
    first += text.readline(_MAX_LINE_CHARACTERS)
    if "\0" in first:
        raise _not_text(table_name)
    if not first.strip():
        raise _empty(table_name)
    delimiter = _find_delimiter(first)
    found = _records(io.StringIO(first, newline=""), delimiter, table_name)
    records = [cells for _number, cells in islice(found, HEAD_ROWS + 1)]
    if not records:
        raise _empty(table_name)
    columns = unique_names(_without_trailing_blanks(records[0]))
    check_header(columns, len(records) - 1, table_name)
    width = len(columns)
    rows = tuple(tuple([*cells, *[""] * width][:width]) for cells in records[1:])
    lines = chain(io.StringIO(first, newline=""), _lines(text, table_name))
    return CsvHead(columns, delimiter, rows), lines


def _not_text(table_name: str) -> BadFile:
    return BadFile(
        f"{table_name} is not a text table. Save the table as CSV (UTF-8) and upload it again."
    )


def _empty(table_name: str) -> BadFile:
    return BadFile(f"{table_name} is empty. Upload a file with column names and rows.")


def _lines(text: IO[str], table_name: str) -> Iterator[str]:
    while line := text.readline(_MAX_LINE_CHARACTERS):
        if len(line) == _MAX_LINE_CHARACTERS:
            raise BadFile(f"{table_name} has a line of over a million characters: not a table.")
        if "\0" in line:
            raise _not_text(table_name)
        yield line


def _records(
    lines: Iterable[str], delimiter: str, table_name: str
) -> Iterator[tuple[int, list[str]]]:
    """Rows that hold anything, with their line number."""
    reader = csv.reader(lines, delimiter=delimiter)
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise BadFile(
                f"{table_name}, line {reader.line_num}: {error}. Look for a missing closing quote."
            ) from error
        if any(map(str.strip, cells)):
            yield reader.line_num, cells


def _fit(file_row: int, cells: list[str], width: int, table_name: str) -> list[str]:
    """Pad a short row with blanks, and drop blank cells beyond the last column."""
    if any(cell.strip() for cell in cells[width:]):
        raise BadFile(
            f"{table_name}, row {file_row} has {len(cells)} cells, but there are {width} columns. "
            "Check the separator (a decimal comma needs ; or tab between cells)."
        )
    return [*cells[:width], *[""] * (width - len(cells))]


def _find_delimiter(first: str) -> str:
    """The delimiter that gives the header most cells, and the rows as many."""
    lines = [line for line in re.split(r"\r\n|\r|\n", first) if line.strip()][: HEAD_ROWS + 1]

    def score(delimiter: str) -> float:
        try:
            widths = [len(cells) for cells in csv.reader(lines, delimiter=delimiter)]
        except csv.Error:
            return 0.0
        same = sum(width == widths[0] for width in widths) / len(widths)
        return widths[0] * same if widths[0] > 1 else 1e-3

    return max(DELIMITERS, key=score)


def _without_trailing_blanks(header: list[str]) -> list[str]:
    end = len(header)
    while end > 1 and not header[end - 1].strip():
        end -= 1
    return header[:end]


def _is_number(text: str) -> bool:
    try:
        parse_number(text, decimal_comma=True)
    except ValueError:
        return False
    return True
