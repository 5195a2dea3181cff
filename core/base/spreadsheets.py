"""Writes results as CSV and XLSX: numbers stay numbers, and no text can act as a formula."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xlsxwriter

# Excel's own limit, the header included.
MAX_SHEET_ROWS = 1_048_576
# Excel's limit of a cell; the writer would leave a cell with longer text empty.
MAX_CELL_CHARACTERS = 32_767
PREDICTION_COLUMNS = [
    "battery_code",
    "cycle_num",
    "target",
    "y_true",
    "y_pred",
    "y_lower",
    "y_upper",
    "exposure",
]
OVERRULED_COLUMN = "overruled_findings"
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")

Cell = str | int | float | None


def write_csv(path: Path, predictions: pd.DataFrame) -> None:
    """Write predictions (see core.evaluation.results.load_predictions) as UTF-8 CSV."""
    frame = predictions[_columns_of(predictions)].copy()
    for column in frame.select_dtypes(exclude="number"):
        # A bare carriage return is not quoted and would start a new row.
        frame[column] = frame[column].map(harmless).str.replace("\r", " ")
    frame.to_csv(path, index=False, lineterminator="\n")


def write_xlsx(
    path: Path,
    information: Sequence[tuple[str, Any]],
    overall: pd.DataFrame,
    batteries: pd.DataFrame,
    predictions: pd.DataFrame,
    further: Mapping[str, pd.DataFrame] | None = None,
    max_sheet_rows: int = MAX_SHEET_ROWS,
) -> None:
    """Write a workbook: information, overall metrics, per-battery metrics, predictions.

    Predictions fill as many sheets as they need; `further` sheets stand before them, by name.
    """
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(path, options) as workbook:
        bold = workbook.add_format({"bold": True})
        items = [(_cell(item), _cell(value)) for item, value in information]
        _write_sheet(workbook, bold, "Information", ["Item", "Value"], items)
        _write_frame(workbook, bold, "Overall metrics", overall)
        _write_frame(workbook, bold, "Per-battery metrics", batteries)
        for name, frame in (further or {}).items():
            _write_frame(workbook, bold, name, frame)
        per_sheet = max_sheet_rows - 1
        for number, start in enumerate(range(0, max(len(predictions), 1), per_sheet), start=1):
            name = "Predictions" if number == 1 else f"Predictions {number}"
            part = predictions[_columns_of(predictions)].iloc[start : start + per_sheet]
            _write_frame(workbook, bold, name, part)


def _columns_of(predictions: pd.DataFrame) -> list[str]:
    """The columns of a file, with `overruled_findings` where there are any."""
    return [*PREDICTION_COLUMNS, *(n for n in [OVERRULED_COLUMN] if n in predictions)]


def harmless(value: Any) -> Any:
    """Put an apostrophe before text that a spreadsheet would run as a formula."""
    if isinstance(value, str) and value.startswith(FORMULA_STARTS):
        return f"'{value}"
    return value


def _write_frame(workbook: Any, bold: Any, name: str, frame: pd.DataFrame) -> None:
    columns = [_cells(frame[column]) for column in frame.columns]
    _write_sheet(workbook, bold, name, list(frame.columns), zip(*columns, strict=True))


def _cells(column: pd.Series) -> list[Cell]:
    """Turn a column into cells; numeric columns in one step, which saves a second per 100,000."""
    if column.dtype.kind in "iu":
        return column.tolist()
    if column.dtype.kind == "f":
        values = column.to_numpy(dtype=object)
        return np.where(np.isfinite(column), values, np.full_like(values, None)).tolist()
    return [_cell(value) for value in column]


def _cell(value: Any) -> Cell:
    """Turn a value into a cell: harmless text, a finite number, or an empty cell."""
    if isinstance(value, str):
        return str(harmless(value))[:MAX_CELL_CHARACTERS]
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, int | float | np.number):
        return float(value) if np.isfinite(value) else None
    return None if value is None or pd.isna(value) else _cell(str(value))


def _write_sheet(
    workbook: Any, bold: Any, name: str, header: Sequence[str], rows: Iterable[Sequence[Cell]]
) -> None:
    sheet = workbook.add_worksheet(name)
    sheet.freeze_panes(1, 0)
    sheet.set_column(0, 0, 22)
    sheet.set_column(1, max(len(header) - 1, 1), 16)
    sheet.write_row(0, 0, [harmless(title) for title in header], bold)
    for number, row in enumerate(rows, start=1):
        for column, cell in enumerate(row):
            if isinstance(cell, str):
                sheet.write_string(number, column, cell)
            elif cell is not None:
                sheet.write_number(number, column, cell)
