"""Exported files opened again: the same numbers, text that does nothing, sheets that fit."""

import csv
import math
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import openpyxl
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.base.spreadsheets import MAX_CELL_CHARACTERS, harmless, write_csv, write_xlsx

HEADER = [
    *("battery_code", "cycle_num", "target", "y_true", "y_pred", "y_lower", "y_upper", "exposure")
]
# What XML cannot hold is left to the writer; codes of files are text of one line.
CODES = st.text(st.characters(exclude_categories=["C"]), min_size=1, max_size=30)
NUMBERS = st.floats(-1e12, 1e12, allow_nan=False)


def predictions(*codes: str, n: int = 2) -> pd.DataFrame:
    rows = [
        (
            code,
            cycle,
            "PCL",
            0.1 * cycle if cycle % 2 else np.nan,
            0.1 + cycle / 3,
            0.1,
            np.nan,
            "unseen",
        )
        for code in codes
        for cycle in range(1, n + 1)
    ]
    return pd.DataFrame(rows, columns=HEADER)


def write(path: Path, frame: pd.DataFrame, **options: int) -> openpyxl.Workbook:
    overall = pd.DataFrame({"target": ["PCL"], "n": [4], "rmse": [0.01], "r2": [None]})
    batteries = pd.DataFrame({"battery_code": ["=1+1"], "n": [4.0], "r2": [np.nan]})
    information = [("Model", "=cmd|' /C calc'!A0"), ("Horizon", 0), ("Clean", True), ("No", None)]
    write_xlsx(path, information, overall, batteries, frame, **options)
    return openpyxl.load_workbook(path)


def close(found: float, expected: float) -> bool:
    return math.isclose(found, expected, rel_tol=1e-14)


def read_csv(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.reader(stream))


@pytest.mark.parametrize("code", ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1", "\n=1"])
def test_formulas_are_made_harmless_in_both_files(tmp_path: Path, code: str) -> None:
    write_csv(tmp_path / "a.csv", predictions(code))
    assert read_csv(tmp_path / "a.csv")[1][0] == f"'{code}".replace("\r", " ")
    sheet = write(tmp_path / "a.xlsx", predictions(code))["Predictions"]
    assert str(sheet["A2"].value).startswith("'")
    assert sheet["A2"].data_type == "s"


@given(CODES)
def test_harmless_changes_nothing_else(text: str) -> None:
    changed = harmless(text)
    assert changed.removeprefix("'") == text.removeprefix("'")
    assert changed[0] not in "=+-@\t\r\n"


def test_numbers_stay_as_they_are() -> None:
    assert harmless(-1.5) == -1.5
    assert harmless(None) is None


def test_csv_starts_with_the_promised_columns(tmp_path: Path) -> None:
    write_csv(tmp_path / "a.csv", predictions("001").assign(more=1))
    lines = read_csv(tmp_path / "a.csv")
    assert lines[0] == HEADER
    assert lines[1][:3] == ["001", "1", "PCL"]
    assert float(lines[1][4]) == 0.1 + 1 / 3
    assert lines[2][3] == ""


def test_numbers_are_numbers_and_unknown_ones_are_empty(tmp_path: Path) -> None:
    book = write(tmp_path / "a.xlsx", predictions("001"))
    sheet = book["Predictions"]
    assert [cell.value for cell in sheet[1]] == HEADER
    assert sheet["A2"].value == "001"
    assert (sheet["B2"].value, sheet["B2"].data_type) == (1, "n")
    assert sheet["E2"].value == pytest.approx(0.1 + 1 / 3, rel=1e-15)
    assert sheet["D3"].value is None
    assert book["Overall metrics"]["D2"].value is None
    assert book["Per-battery metrics"]["A2"].value == "'=1+1"
    values = {row[0].value: row[1].value for row in book["Information"].iter_rows(min_row=2)}
    assert values == {"Model": "'=cmd|' /C calc'!A0", "Horizon": 0, "Clean": "yes", "No": None}


def test_predictions_go_on_over_as_many_sheets_as_they_need(tmp_path: Path) -> None:
    frame = predictions("a", "b", n=5)
    book = write(tmp_path / "a.xlsx", frame, max_sheet_rows=5)
    names = [name for name in book.sheetnames if name.startswith("Predictions")]
    assert names == ["Predictions", "Predictions 2", "Predictions 3"]
    assert all(book[name].max_row <= 5 for name in names)
    assert all(book[name]["A1"].value == "battery_code" for name in names)
    codes = [
        (row[0], row[1])
        for name in names
        for row in book[name].iter_rows(min_row=2, values_only=True)
    ]
    assert codes == list(zip(frame["battery_code"], frame["cycle_num"], strict=True))


def test_a_test_without_predictions_has_an_empty_sheet(tmp_path: Path) -> None:
    book = write(tmp_path / "a.xlsx", predictions())
    assert [cell.value for cell in book["Predictions"][1]] == HEADER
    write_csv(tmp_path / "a.csv", predictions())
    assert read_csv(tmp_path / "a.csv") == [HEADER]


def test_text_longer_than_a_cell_is_cut(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    empty = pd.DataFrame({"target": []})
    write_xlsx(path, [("Battery codes", "x" * 40_000)], empty, empty, predictions())
    value = openpyxl.load_workbook(path)["Information"]["B2"].value
    assert value == "x" * MAX_CELL_CHARACTERS


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(CODES, NUMBERS, st.one_of(st.none(), NUMBERS)), min_size=1, max_size=8))
def test_wild_values_come_back(rows: list[tuple[str, float, float | None]]) -> None:
    frame = pd.DataFrame(
        [
            (code, i, "RUL", true, pred, true, pred, "train")
            for i, (code, pred, true) in enumerate(rows)
        ],
        columns=HEADER,
    ).astype({"y_true": "float64", "y_lower": "float64"})
    with TemporaryDirectory() as folder:
        write_csv(Path(folder) / "a.csv", frame)
        lines = read_csv(Path(folder) / "a.csv")[1:]
        sheet = write(Path(folder) / "a.xlsx", frame)["Predictions"]
        cells = list(sheet.iter_rows(min_row=2, values_only=True))
    for (code, pred, true), line, row in zip(rows, lines, cells, strict=True):
        assert line[0] == harmless(code)
        assert row[0] == harmless(code)
        assert float(line[4]) == pred
        assert close(row[4], pred)
        assert line[3] == "" if true is None else float(line[3]) == true
        for cell in (row[3], row[5]):
            assert cell is None if true is None else close(cell, true)
