"""Excel workbooks (.xlsx), read row by row."""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, islice
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pandas as pd
from openpyxl import load_workbook

from core.base.errors import BadFile, FadeBenchError
from core.ingest.formats.collect import Collector
from core.ingest.formats.csv_table import BATCH_ROWS, check_header, unique_names
from core.ingest.formats.file_format import READING, FileFormat, SourceFile
from core.ingest.formats.preview import PREVIEW_ROWS, Preview, make_preview, sample_frame
from core.ingest.formats.zip_archive import check_members, is_workbook, is_zip, stem_of
from core.ingest.limits import Limits, Progress
from core.ingest.mapping import ColumnMapping
from core.ingest.numbers import is_missing, parse_number

MAX_SHEET_ROWS = 1_048_576
_Row = tuple[int, list[Any]]


@contextmanager
def open_workbook(path: Path, limits: Limits) -> Iterator[Any]:
    """Open a workbook for streaming; raises BadFile for any error of its parser."""
    with ZipFile(path) as archive:
        check_members(archive, path.stat().st_size, limits)
        names = [name.lower() for name in archive.namelist()]
    if any(name.endswith("vbaproject.bin") for name in names):
        raise BadFile("The workbook holds macros. Save it as .xlsx without macros, or as CSV.")
    workbook = None
    try:
        workbook = load_workbook(path, read_only=True, data_only=True, keep_links=False)
        yield workbook
    except FadeBenchError:
        raise
    except Exception as error:  # openpyxl raises errors of many kinds on damaged files
        raise BadFile(
            "The workbook is damaged or of an unknown kind. Open it in a spreadsheet and save "
            "it again as .xlsx, or as CSV."
        ) from error
    finally:
        if workbook is not None:
            workbook.close()


def choose_sheet(workbook: Any, wanted: str | None) -> str:
    """The wanted worksheet, by default the first that holds a table with numbers.

    Instruments put a sheet of remarks before the data, so the first filled sheet may be wrong.
    """
    names = sheet_names(workbook)
    if wanted is not None:
        if wanted not in names:
            raise BadFile(f"The workbook has no sheet {wanted!r}. Choose one of {names}.")
        return wanted
    filled = [name for name in names if any(True for _row in _filled_rows(workbook[name], None))]
    if not filled:
        raise BadFile("The workbook is empty. Upload one with column names and rows.")
    for name in filled:
        first = [cells for _number, cells in islice(_filled_rows(workbook[name], None), 3)]
        if len(first) > 1 and _looks_like_table(first):
            return name
    return filled[0]


def sheet_names(workbook: Any) -> tuple[str, ...]:
    """Names of the worksheets, without sheets of charts."""
    return tuple(sheet.title for sheet in workbook.worksheets)


def read_head(workbook: Any, sheet: str) -> tuple[tuple[str, ...], list[list[Any]]]:
    """Columns and first rows of a worksheet."""
    rows = list(islice(_filled_rows(workbook[sheet], None), PREVIEW_ROWS + 1))
    table_name = f"Sheet {sheet!r}"
    if not rows:
        raise BadFile(f"{table_name} is empty. Choose another sheet.")
    columns = _columns(rows[0][1])
    check_header(columns, len(rows) - 1, table_name)
    width = len(columns)
    return columns, [[*cells, *[None] * width][:width] for _number, cells in rows[1:]]


def read_rows(
    workbook: Any,
    sheet: str,
    battery_code: str,
    collector: Collector,
    on_batch: Callable[[int], None],
) -> None:
    """Read a worksheet into `collector`, telling `on_batch` the number of rows so far."""
    columns, _rows = read_head(workbook, sheet)
    collector.start_table(columns, f"Sheet {sheet!r}", battery_code, decimal_comma=True)
    width = len(columns)
    rows = _filled_rows(workbook[sheet], width)
    for _header in islice(rows, 1):
        pass
    for first in rows:
        batch = list(chain([first], islice(rows, BATCH_ROWS - 1)))
        cells = [[*cells, *[None] * (width - len(cells))] for _number, cells in batch]
        collector.add(cells, [number for number, _cells in batch])
        on_batch(batch[-1][0])


def _filled_rows(worksheet: Any, width: int | None) -> Iterator[_Row]:
    """Rows that hold anything, with their number in the sheet."""
    # The stored dimensions are often wrong, and sometimes cut the sheet to one cell.
    worksheet.reset_dimensions()
    rows = worksheet.iter_rows(max_col=width, values_only=True)
    for number, cells in enumerate(rows, start=1):
        if number > MAX_SHEET_ROWS:
            raise BadFile(
                f"A sheet has more than {MAX_SHEET_ROWS:,} rows: not a workbook of Excel."
            )
        if any(cell is not None and cell != "" for cell in cells):
            yield number, list(cells)


def _columns(header: Sequence[Any]) -> tuple[str, ...]:
    filled = [index for index, cell in enumerate(header) if not is_missing(cell)]
    return unique_names(header[: filled[-1] + 1] if filled else header[:1])


def _looks_like_table(rows: list[list[Any]]) -> bool:
    """Two or more texts in the first row, and a number below one of them."""
    names = sum(isinstance(cell, str) and bool(cell.strip()) for cell in rows[0])
    return names > 1 and any(_is_number(cell) for cells in rows[1:] for cell in cells)


def _is_number(cell: Any) -> bool:
    try:
        return not is_missing(cell) and not math.isnan(parse_number(cell, decimal_comma=True))
    except ValueError:
        return False


def _preview(source: SourceFile, sheet: str | None) -> Preview:
    with open_workbook(source.path, source.limits) as workbook:
        sheets = sheet_names(workbook)
        chosen = choose_sheet(workbook, sheet)
        columns, rows = read_head(workbook, chosen)
    samples = [sample_frame(columns, rows)]
    return make_preview("Excel workbook", columns, samples, sheets=sheets, sheet=chosen)


def _read(source: SourceFile, mapping: ColumnMapping, on_progress: Progress) -> pd.DataFrame:
    collector = Collector(mapping, source.limits)
    with open_workbook(source.path, source.limits) as workbook:
        sheet = choose_sheet(workbook, mapping.sheet)
        n_rows = max(workbook[sheet].max_row or MAX_SHEET_ROWS, 1)
        read_rows(
            workbook,
            sheet,
            stem_of(source.name),
            collector,
            lambda row: on_progress(min(row / n_rows, 1.0), READING),
        )
    return collector.frame()


def _fits(path: Path, start: bytes) -> bool:
    return is_zip(start) and is_workbook(path)


XLSX = FileFormat("XLSX", (".xlsx",), _fits, _preview, _read)
