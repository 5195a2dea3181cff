"""Excel workbooks: the right sheet, row numbers, and cells of every kind."""

import io
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from core.base.errors import BadFile
from core.ingest.formats.readers import preview
from core.ingest.formats.xlsx_extent import extent_of
from core.ingest.mapping import ColumnMapping, FeatureColumn
from tests.core.ingest.files import read_table, write_xlsx

ROWS: list[list[Any]] = [["cell", "cycle", "capacity_ah", "ir"], [7, 1, 1.1, 0.1], [7, 2, 1.0, 0.2]]


def test_sheet_with_the_table_is_found(tmp_path: Path) -> None:
    sheets: dict[str, list[list[Any]]] = {
        "Empty": [],
        "Info": [["Made by", "a cycler"]],
        "Data": ROWS,
    }
    path = write_xlsx(tmp_path / "w.xlsx", sheets)
    look = preview(path, "w.xlsx")
    assert (look.sheets, look.mapping.sheet) == ((), None)
    assert look.mapping.nominal_capacity_ah == 1.1
    frame = read_table(path, "w.xlsx", look.mapping)
    assert list(frame["battery_code"]) == ["7", "7"]
    assert list(frame["feature_1"]) == [0.1, 0.2]


def test_rows_are_counted_as_in_the_sheet(tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "w.xlsx", {"S": [[], ["x", "y"], [1, 2], [None, None], [3, 4]]})
    mapping = ColumnMapping(features=(FeatureColumn("x", "", "x"),))
    frame = read_table(path, "w.xlsx", mapping)
    assert list(frame["file_row"]) == [3, 5]
    assert set(frame["battery_code"]) == {"w"}


def test_chosen_sheet_and_unknown_sheet(tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "w.xlsx", {"One": ROWS, "Two": [["a", "b"], [1, 2]]})
    assert preview(path, "w.xlsx", sheet="Two").columns == ("a", "b")
    with pytest.raises(BadFile, match="no sheet 'Three'"):
        preview(path, "w.xlsx", sheet="Three")


def test_a_date_where_a_number_belongs(tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "w.xlsx", {"S": [*ROWS, [7, 3, date(2024, 1, 2), 0.3]]})
    with pytest.raises(BadFile, match="row 4: column 'capacity_ah' holds the date '2024-01-02"):
        read_table(path, "w.xlsx", preview(path, "w.xlsx").mapping)


def test_blank_and_error_cells_are_missing_values(tmp_path: Path) -> None:
    rows: list[list[Any]] = [*ROWS, [7, 3, None, 0.3], [7, 4, "#DIV/0!", 0.3]]
    path = write_xlsx(tmp_path / "w.xlsx", {"S": rows})
    frame = read_table(path, "w.xlsx", preview(path, "w.xlsx").mapping)
    assert list(frame["capacity"].isna()) == [False, False, True, True]


def test_empty_workbook(tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "w.xlsx", {"S": []})
    with pytest.raises(BadFile, match="empty"):
        preview(path, "w.xlsx")


@pytest.mark.parametrize(
    "cell",
    [b'<c r="XFD1048576">', b"<c r='XFD1048576'>", b'<x:c s="1" r = "XFD1048576">'],
)
def test_the_extent_counts_cells_in_any_quotes(cell: bytes) -> None:
    sheet = b"<worksheet><sheetData><row>" + cell + b"<v>1</v></c></row></sheetData></worksheet>"
    extent = extent_of(io.BytesIO(sheet))
    assert (extent.n_columns, extent.n_rows) == (16_384, 1_048_576)


def test_the_extent_counts_rows_whose_cells_name_no_place() -> None:
    rows = b"<row r='1'><c r='ALL1'><v>1</v></c></row><row r='1048576'><c><v>1</v></c></row>"
    extent = extent_of(io.BytesIO(b"<worksheet><sheetData>" + rows + b"</sheetData></worksheet>"))
    assert (extent.n_columns, extent.n_rows) == (1_000, 1_048_576)


def test_a_formula_in_single_quotes_has_no_result_either() -> None:
    sheet = b"<row r='2'><c r='B2'><f>A2*2</f></c></row></sheetData></worksheet>"
    assert extent_of(io.BytesIO(sheet)).formulas_without_result == ("B2",)


@pytest.mark.parametrize("start", [b"<!DOCTYPE x []>", "\ufeff<?xml?>".encode("utf-16-le")])
def test_xml_with_entities_or_wide_characters_is_refused(start: bytes) -> None:
    with pytest.raises(BadFile, match="damaged or of an unknown kind"):
        extent_of(io.BytesIO(start + b"<worksheet><row><c><v>1</v></c></row></worksheet>"))
