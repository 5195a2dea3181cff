"""Excel workbooks (.xlsx), read row by row."""

import math
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain, islice
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from openpyxl import load_workbook

from core.base.errors import BadFile, FadeBenchError
from core.ingest.formats.csv_table import BATCH_ROWS, unique_names
from core.ingest.formats.file_format import READING, FileFormat, SourceFile
from core.ingest.formats.table_builder import TableBuilder
from core.ingest.formats.zip_archive import check_members, is_workbook, is_zip, stem_of
from core.ingest.limits import Limits, Progress
from core.ingest.numbers import is_missing, parse_number
from core.ingest.table import FileTables, Table

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


def sheet_names(workbook: Any) -> tuple[str, ...]:
    """Names of the worksheets, without sheets of charts."""
    return tuple(sheet.title for sheet in workbook.worksheets)


def read_sheet(
    workbook: Any,
    sheet: str,
    battery_code: str,
    limits: Limits,
    wanted: Collection[str] | None,
    on_batch: Callable[[int], None],
) -> Table | None:
    """Read a worksheet, telling `on_batch` the number of rows so far; None without a table."""
    first = list(islice(_filled_rows(workbook[sheet], None), 3))
    if len(first) < 2 or not _looks_like_table([cells for _number, cells in first]):
        return None
    columns = _columns(first[0][1])
    width = len(columns)
    builder = TableBuilder(columns, f"Sheet {sheet!r}", battery_code, limits, True, wanted)
    rows = _filled_rows(workbook[sheet], width)
    for _header in islice(rows, 1):
        pass
    for row in rows:
        batch = list(chain([row], islice(rows, BATCH_ROWS - 1)))
        cells = [[*cells, *[None] * (width - len(cells))] for _number, cells in batch]
        builder.add(cells, [number for number, _cells in batch])
        on_batch(batch[-1][0])
    return builder.table()


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


def _read(source: SourceFile, wanted: Collection[str] | None, on_progress: Progress) -> FileTables:
    with open_workbook(source.path, source.limits) as workbook:
        names = sheet_names(workbook)
        tables = []
        for place, sheet in enumerate(names):
            code = sheet if len(names) > 1 else stem_of(source.name)
            table = read_sheet(workbook, sheet, code, source.limits, wanted, lambda _row: None)
            on_progress((place + 1) / len(names), READING)
            tables += [table] if table is not None and table.n_rows else []
    if not tables:
        raise BadFile("The workbook is empty. Upload one with column names and rows.")
    if len(tables) == 1:
        tables = [replace(tables[0], battery_code=stem_of(source.name))]
    return FileTables("Excel workbook", "sheets", tuple(tables))


def _fits(path: Path, start: bytes) -> bool:
    return is_zip(start) and is_workbook(path)


XLSX = FileFormat("XLSX", (".xlsx",), _fits, _read)
