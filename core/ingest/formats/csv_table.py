"""Reads delimited text; finds separator, comments and header by itself."""

import csv
import io
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import chain
from typing import IO

from core.base.errors import BadFile
from core.base.words import counted
from core.ingest.formats.table_reader import Row, read_rows
from core.ingest.limits import Limits
from core.ingest.table import Table

DELIMITERS = (",", ";", "\t", "|", " ")
COMMENT_MARKS = ("#", "//", "%")
_HEAD_CHARACTERS = 65_536
_HEAD_LINES = 60
_MAX_LINE_CHARACTERS = 1_000_000
_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)


def read_text(
    text: IO[str],
    table_name: str,
    battery_code: str,
    limits: Limits,
    wanted: Collection[str] | None,
    on_batch: Callable[[], None],
) -> Table:
    """Read a whole table of text, calling `on_batch` every few thousand rows."""
    said: list[str] = []
    rows = _rows(text, table_name, said)
    for table in read_rows(rows, table_name, battery_code, limits, wanted, said):
        if table is not None:
            return table
        on_batch()
    raise BadFile(f"{table_name} is empty. Upload a file with column names and rows.")


def _rows(text: IO[str], table_name: str, said: list[str]) -> Iterator[Row]:
    """Rows that hold anything, with their line; what is skipped is added to `said`."""
    first = text.read(_HEAD_CHARACTERS)
    first += text.readline(_MAX_LINE_CHARACTERS)
    if "\0" in first:
        raise _not_text(table_name)
    if not first.strip():
        raise BadFile(f"{table_name} is empty. Upload a file with column names and rows.")
    lines = chain(io.StringIO(first, newline=""), _lines(text, table_name))
    head = [line for line in re.split(r"\r\n|\r|\n", first) if line.strip()][:_HEAD_LINES]
    delimiter = ""
    given = _SEPARATOR_LINE.fullmatch(head[0])
    if given:
        delimiter = given[1]
        head = head[1:]
    plain = [line for line in head if not _is_comment(line)]
    delimiter = delimiter or _find_delimiter(plain)
    yield from _records(lines, delimiter, table_name, given is not None, said)


def _records(
    lines: Iterable[str], delimiter: str, table_name: str, skip_first: bool, said: list[str]
) -> Iterator[Row]:
    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=delimiter == " ")
    n_comments = 0
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            break
        except csv.Error as error:
            raise BadFile(
                f"{table_name}, line {reader.line_num}: {error}. Look for a missing closing quote."
            ) from error
        if not any(map(str.strip, cells)) or (skip_first and reader.line_num == 1):
            continue
        if cells[0].startswith(COMMENT_MARKS) and _is_comment(cells[0]):
            n_comments += 1
            continue
        if delimiter == " " and cells[-1] == "":
            cells.pop()
        yield reader.line_num, cells
    if n_comments:
        said.append(f"{counted(n_comments, 'comment line')} of {table_name} skipped.")


def _is_comment(text: str) -> bool:
    """Whether a line begins as a comment; a column may be called "#" or "%", a comment goes on."""
    start = text.lstrip()
    mark = next((mark for mark in COMMENT_MARKS if start.startswith(mark)), None)
    return mark is not None and len(start.split(",")[0].strip()) > len(mark) + 1


def _lines(text: IO[str], table_name: str) -> Iterator[str]:
    while line := text.readline(_MAX_LINE_CHARACTERS):
        if len(line) == _MAX_LINE_CHARACTERS:
            raise BadFile(f"{table_name} has a line of over a million characters: not a table.")
        if "\0" in line:
            raise _not_text(table_name)
        yield line


def _not_text(table_name: str) -> BadFile:
    return BadFile(
        f"{table_name} is not a text table. Save the table as CSV (UTF-8) and upload it again."
    )


def _find_delimiter(lines: list[str]) -> str:
    """The delimiter that gives the same number of cells, many, in most lines."""

    def score(delimiter: str) -> float:
        try:
            reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=delimiter == " ")
            widths = [len(cells) for cells in reader]
        except csv.Error:
            return 0.0
        if not widths:
            return 0.0
        usual = max(set(widths), key=lambda width: (widths.count(width), width))
        share = widths.count(usual) / len(widths)
        # Blanks separate words of headers, too: any other mark that fits goes first.
        return (usual * share * (0.5 if delimiter == " " else 1.0)) if usual > 1 else 1e-3

    return max(DELIMITERS, key=score)
