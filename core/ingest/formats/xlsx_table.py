"""Excel workbooks (.xlsx): every worksheet that holds a table."""

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from python_calamine import CalamineWorkbook, SheetTypeEnum

from core.base.errors import BadFile, FadeBenchError
from core.ingest.formats.column_reader import is_number, text_of
from core.ingest.formats.file_format import READING, FileFormat, SourceFile
from core.ingest.formats.table_reader import Row, read_rows
from core.ingest.formats.xlsx_extent import Extent, damaged, extent_of, sheet_paths
from core.ingest.formats.zip_archive import check_members, is_workbook, is_zip, stem_of
from core.ingest.limits import Limits, Progress
from core.ingest.table import FileTables, Table


def read_workbook(
    source: SourceFile,
    wanted: Collection[str] | None,
    sheets: Collection[str] | None,
    on_progress: Progress,
) -> FileTables:
    """The tables of a workbook; sheets without one (remarks, charts) are left out and named."""
    extents = _checked_extents(source)
    tables: list[Table] = []
    without: list[str] = []
    refused: BadFile | None = None
    book = _open(source.path)
    try:
        names = [n for n in _worksheets(book) if sheets is None or n in sheets]
        for done, name in enumerate(names):
            on_progress(done / len(names), READING)
            try:
                table = _sheet(book, name, source, wanted, extents.get(name))
            except BadFile as error:
                refused = error
                without.append(name)
                continue
            tables.append(table)
    finally:
        book.close()
    if not tables:
        raise refused or BadFile(
            "The workbook is empty. Upload one with column names and rows."
            if sheets is None
            else f"The workbook has no sheet {', '.join(map(repr, sheets))}. Choose another."
        )
    if len(tables) == 1 and sheets is None and len(names) == 1:
        tables = [_called_by_file(tables[0], source)]
    notes = (f"Sheets without a table: {', '.join(without[:5])}.",) if without else ()
    return FileTables("Excel workbook", "sheets", tuple(tables), notes=notes)


def _called_by_file(table: Table, source: SourceFile) -> Table:
    """The only sheet of a workbook is its battery by the name of the file, as of a CSV."""
    return Table(
        table.name, stem_of(source.name), table.columns, table.file_rows, table.above, table.skipped
    )


def _checked_extents(source: SourceFile) -> dict[str, Extent]:
    """What every sheet uses; raises BadFile where that is more than the limits allow."""
    limits = source.limits
    with ZipFile(source.path) as archive:
        check_members(archive, source.path.stat().st_size, limits)
        if any(name.lower().endswith("vbaproject.bin") for name in archive.namelist()):
            raise BadFile("The workbook holds macros. Save it as .xlsx without macros, or as CSV.")
        known = set(archive.namelist())
        extents = {}
        for name, path in sheet_paths(archive).items():
            if path not in known:
                continue
            with archive.open(path) as stream:
                extents[name] = extent_of(stream)
            _check_extent(name, extents[name], limits)
    return extents


def _check_extent(name: str, extent: Extent, limits: Limits) -> None:
    if extent.n_columns > limits.max_columns:
        raise BadFile(
            f"Sheet {name!r} reaches to column {extent.n_columns:,}; at most "
            f"{limits.max_columns:,} columns can be read. Delete what stands far to the right, or "
            "save the table as CSV."
        )
    if extent.n_columns * extent.n_rows > limits.max_cells:
        raise BadFile(
            f"Sheet {name!r} spans {extent.n_columns:,} columns and {extent.n_rows:,} rows; at "
            f"most {limits.max_cells:,} cells can be read. Save the table as CSV."
        )


def _open(path: Path) -> CalamineWorkbook:
    try:
        return CalamineWorkbook.from_path(str(path))
    except Exception as error:  # calamine raises errors of several kinds on damaged files
        raise damaged() from error


def _worksheets(book: CalamineWorkbook) -> list[str]:
    return [sheet.name for sheet in book.sheets_metadata if sheet.typ == SheetTypeEnum.WorkSheet]


def _sheet(
    book: CalamineWorkbook,
    name: str,
    source: SourceFile,
    wanted: Collection[str] | None,
    extent: Extent | None,
) -> Table:
    table_name = f"Sheet {name!r}"
    try:
        rows = list(_filled_rows(book.get_sheet_by_name(name)))
    except FadeBenchError:
        raise
    except Exception as error:  # as above
        raise damaged() from error
    if not rows:
        raise BadFile(f"{table_name} is empty. Choose another sheet.")
    if not any(is_number(cell) for _number, cells in rows for cell in cells):
        raise BadFile(f"{table_name} holds no numbers. Choose another sheet.")
    if extent is not None and extent.formulas_without_result:
        cells = ", ".join(extent.formulas_without_result)
        raise BadFile(
            f"{table_name} holds formulas without a stored result (cell {cells}). Open the "
            "workbook in a spreadsheet, save it there, and upload it again."
        )
    for table in read_rows(rows, table_name, name, source.limits, wanted):
        if table is not None:
            return table
    raise BadFile(f"{table_name} is empty. Choose another sheet.")


def _filled_rows(sheet: Any) -> Iterator[Row]:
    """Rows that hold anything, with their number in the sheet; blank cells are None."""
    for number, cells in enumerate(sheet.iter_rows(), start=1):
        values = [None if cell == "" else cell for cell in cells]
        if any(cell is not None and text_of(cell) for cell in values):
            yield number, values


def _fits(path: Path, start: bytes) -> bool:
    return is_zip(start) and is_workbook(path)


XLSX = FileFormat("XLSX", (".xlsx",), _fits, read_workbook)
