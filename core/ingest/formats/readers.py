"""Chooses the reader of a file by its content."""

import gzip
import zlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any, cast
from zipfile import BadZipFile, ZipFile

import numpy as np
import pandas as pd

from core.base.errors import BadFile
from core.ingest.formats import csv_table, mat, xlsx_table, zip_archive
from core.ingest.formats.collect import Collector
from core.ingest.formats.file_kind import FileKind, detect_kind
from core.ingest.limits import DEFAULT_LIMITS, BoundedStream, Limits, Progress, no_progress
from core.ingest.mapping import ColumnMapping
from core.ingest.numbers import TextCellError, parse_numbers
from core.ingest.recognise import numeric_columns, propose_mapping

PREVIEW_TABLES = 12
_STAGE = "Reading the file"


@dataclass(frozen=True)
class Preview:
    """The first rows of a file and a proposed column mapping, for the user to confirm.

    columns : every column of the file, as the mapping may name them
    numeric_columns : those that hold nothing but numbers in the first rows
    sample : the first 20 rows, one frame column per file column
    n_tables : files in a ZIP, else 1
    one_battery_per_file : no column names the battery, so each table is one
    sheets : worksheets of a workbook, else empty
    mapping : the proposal
    guesses : sentences on guesses that the user should check
    """

    format_label: str
    columns: tuple[str, ...]
    numeric_columns: tuple[str, ...]
    sample: pd.DataFrame
    n_tables: int
    one_battery_per_file: bool
    sheets: tuple[str, ...]
    mapping: ColumnMapping
    guesses: tuple[str, ...]


def preview(
    path: Path, original_name: str, limits: Limits = DEFAULT_LIMITS, sheet: str | None = None
) -> Preview:
    """Read the first rows of a file (all of a .mat) and propose a mapping.

    Raises BadFile when the file cannot be used, saying what to change.
    """
    kind = detect_kind(path, original_name)
    with _readable(original_name):
        if kind is FileKind.MAT:
            return _preview_mat(path, limits)
        if kind is FileKind.XLSX:
            return _preview_xlsx(path, limits, sheet)
        tables = _Tables(path, original_name, kind, limits)
        return _preview_text(tables)


def read_table(
    path: Path,
    original_name: str,
    mapping: ColumnMapping,
    limits: Limits = DEFAULT_LIMITS,
    on_progress: Progress = no_progress,
) -> pd.DataFrame:
    """Read the mapped columns into the raw frame described in `core.ingest.formats.collect`.

    Raises BadFile for the file and InvalidInput for a mapping that does not fit it.
    """
    kind = detect_kind(path, original_name)
    with _readable(original_name):
        if kind is FileKind.MAT:
            return mat.read_frame(path, mapping, limits)
        collector = Collector(mapping, limits)
        if kind is FileKind.XLSX:
            _read_xlsx(path, original_name, mapping, collector, limits, on_progress)
        else:
            tables = _Tables(path, original_name, kind, limits)
            for table in tables.open_all():
                csv_table.read_rows(
                    table.text,
                    table.name,
                    table.battery_code,
                    collector,
                    lambda: on_progress(tables.share_read(), _STAGE),
                )
        return collector.frame()


@dataclass(frozen=True)
class _Table:
    text: IO[str]
    name: str
    battery_code: str


class _Tables:
    """The text tables of a .csv, .csv.gz or .zip file, opened one after the other."""

    def __init__(self, path: Path, original_name: str, kind: FileKind, limits: Limits) -> None:
        self.kind = kind
        self._path = path
        self._name = original_name
        self._limits = limits
        self._packed_bytes = path.stat().st_size
        self._raw: IO[bytes] | None = None
        self._members_done = 0.0
        self.n_tables = 1

    def share_read(self) -> float:
        """Share of the file read so far, 0 to 1."""
        if self.kind is FileKind.ZIP or self._raw is None:
            return self._members_done
        return min(self._raw.tell() / max(self._packed_bytes, 1), 1.0)

    def open_all(self, at_most: int | None = None) -> Iterator[_Table]:
        """Open the tables in order; `at_most` picks that many, evenly spread."""
        if self.kind is FileKind.ZIP:
            yield from self._open_members(at_most)
            return
        with ExitStack() as stack:
            self._raw = stack.enter_context(self._path.open("rb"))
            source: IO[bytes] = self._raw
            if self.kind is FileKind.CSV_GZ:
                source = cast("IO[bytes]", stack.enter_context(gzip.open(self._raw, "rb")))
            stream = BoundedStream(source, self._packed_bytes, self._limits)
            code = zip_archive.stem_of(self._name)
            yield _Table(csv_table.open_text(stream), self._name, code)

    def _open_members(self, at_most: int | None) -> Iterator[_Table]:
        with ZipFile(self._path) as archive:
            members = zip_archive.csv_members(archive, self._packed_bytes, self._limits)
            codes = zip_archive.battery_codes(members)
            self.n_tables = len(members)
            total = sum(member.compress_size for member in members) or 1
            bytes_read = done = 0
            for index in _spread(len(members), at_most):
                with archive.open(members[index]) as source:
                    stream = BoundedStream(source, self._packed_bytes, self._limits, bytes_read)
                    text = csv_table.open_text(stream)
                    yield _Table(text, members[index].filename, codes[index])
                    bytes_read = stream.bytes_read
                done += members[index].compress_size
                self._members_done = done / total


def _preview_mat(path: Path, limits: Limits) -> Preview:
    columns = mat.read_columns(path, limits)
    rows = {name: values[: csv_table.PREVIEW_ROWS] for name, values in columns.items()}
    sample = pd.DataFrame(rows)
    return Preview(
        format_label="MATLAB 5 file of the Severson study",
        columns=tuple(columns),
        numeric_columns=numeric_columns(sample),
        sample=sample,
        n_tables=1,
        one_battery_per_file=False,
        sheets=(),
        mapping=mat.propose(columns),
        guesses=(),
    )


def _preview_xlsx(path: Path, limits: Limits, sheet: str | None) -> Preview:
    with xlsx_table.open_workbook(path, limits) as workbook:
        sheets = xlsx_table.sheet_names(workbook)
        chosen = xlsx_table.choose_sheet(workbook, sheet)
        columns, rows = xlsx_table.read_head(workbook, chosen)
    sample = _sample(columns, rows)
    return _preview("Excel workbook", columns, [sample], 1, sheets, chosen)


def _preview_text(tables: _Tables) -> Preview:
    heads = [
        csv_table.read_head(table.text, table.name) for table in tables.open_all(PREVIEW_TABLES)
    ]
    label = {
        FileKind.CSV: "CSV table",
        FileKind.CSV_GZ: "CSV table (gzip)",
        FileKind.ZIP: f"ZIP of {tables.n_tables} CSV files" if tables.n_tables > 1 else "ZIP, CSV",
    }[tables.kind]
    samples = [_sample(head.columns, head.rows) for head in heads]
    return _preview(label, heads[0].columns, samples, tables.n_tables, (), None)


def _preview(
    label: str,
    columns: tuple[str, ...],
    samples: Sequence[pd.DataFrame],
    n_tables: int,
    sheets: tuple[str, ...],
    sheet: str | None,
) -> Preview:
    numeric = numeric_columns(samples[0])
    if not numeric:
        raise BadFile(
            "No column holds numbers in its first rows. FadeBench needs one row per cycle, with "
            "a first row of column names and numbers below."
        )
    proposal = propose_mapping(columns, samples)
    guesses = list(proposal.guesses)
    mapping = proposal.mapping if sheet is None else _on_sheet(proposal.mapping, sheet)
    if mapping.battery_column is None:
        each = "Each file is" if n_tables > 1 else "The file is"
        guesses.append(f"{each} taken as one battery, named by its file name.")
    if mapping.cycle_column is None:
        guesses.append("No cycle column was found: rows are numbered from 1 in each battery.")
    return Preview(
        format_label=label,
        columns=columns,
        numeric_columns=numeric,
        sample=samples[0],
        n_tables=n_tables,
        one_battery_per_file=mapping.battery_column is None,
        sheets=sheets,
        mapping=mapping,
        guesses=tuple(guesses),
    )


def _read_xlsx(
    path: Path,
    original_name: str,
    mapping: ColumnMapping,
    collector: Collector,
    limits: Limits,
    on_progress: Progress,
) -> None:
    with xlsx_table.open_workbook(path, limits) as workbook:
        sheet = xlsx_table.choose_sheet(workbook, mapping.sheet)
        n_rows = _rows_promised(workbook[sheet])
        xlsx_table.read_rows(
            workbook,
            sheet,
            zip_archive.stem_of(original_name),
            collector,
            lambda row: on_progress(min(row / n_rows, 1.0), _STAGE),
        )


def _rows_promised(worksheet: Any) -> int:
    return max(worksheet.max_row or xlsx_table.MAX_SHEET_ROWS, 1)


def _on_sheet(mapping: ColumnMapping, sheet: str) -> ColumnMapping:
    return replace(mapping, sheet=sheet)


def _sample(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> pd.DataFrame:
    """First rows as a frame: numbers where a column holds nothing else, else text."""
    frame = pd.DataFrame([list(row) for row in rows], columns=list(columns), dtype=object)
    for name in columns:
        try:
            frame[name] = parse_numbers(list(frame[name]), decimal_comma=True)
        except TextCellError:
            frame[name] = frame[name].map(lambda cell: "" if cell is None else str(cell))
    return frame


def _spread(n_items: int, at_most: int | None) -> list[int]:
    """Indices of all items, or of at most so many, evenly spread and with the first."""
    if at_most is None or n_items <= at_most:
        return list(range(n_items))
    return [int(index) for index in np.linspace(0, n_items - 1, at_most)]


@contextmanager
def _readable(original_name: str) -> Iterator[None]:
    """Turn what the standard library raises on broken archives and text into BadFile."""
    try:
        yield
    except (BadZipFile, gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise BadFile(
            f"{original_name} is damaged or cut off. Copy or pack it again, and upload it anew."
        ) from error
