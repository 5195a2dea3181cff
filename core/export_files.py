"""Results as CSV and XLSX; numbers stay numbers, text can never act as a formula."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xlsxwriter

# Excel's own limit, the header included.
MAX_SHEET_ROWS = 1_048_576
PREDICTION_COLUMNS = ["battery_code", "cycle_num", "target", "y_true", "y_pred", "exposure"]


def write_csv(path: Path, predictions: pd.DataFrame) -> None:
    """Write predictions (see core.results.load_predictions) as UTF-8 CSV."""
    frame = predictions[PREDICTION_COLUMNS].copy()
    for column in ("battery_code", "target", "exposure"):
        frame[column] = frame[column].map(harmless)
    frame.to_csv(path, index=False, lineterminator="\n")


def write_xlsx(
    path: Path,
    information: Sequence[tuple[str, Any]],
    overall: pd.DataFrame,
    batteries: pd.DataFrame,
    predictions: pd.DataFrame,
    max_sheet_rows: int = MAX_SHEET_ROWS,
) -> None:
    """Write a workbook: information, overall metrics, per-battery metrics, predictions.

    Predictions go on over as many sheets as they need.
    """
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(path, options) as workbook:
        bold = workbook.add_format({"bold": True})
        _write_sheet(workbook, bold, "Information", ["Item", "Value"], information)
        _write_frame(workbook, bold, "Overall metrics", overall)
        _write_frame(workbook, bold, "Per-battery metrics", batteries)
        per_sheet = max_sheet_rows - 1
        for number, start in enumerate(range(0, max(len(predictions), 1), per_sheet), start=1):
            name = "Predictions" if number == 1 else f"Predictions {number}"
            part = predictions[PREDICTION_COLUMNS].iloc[start : start + per_sheet]
            _write_frame(workbook, bold, name, part)


def harmless(value: Any) -> Any:
    """Text that a spreadsheet would run as a formula, with an apostrophe before it."""
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return f"'{value}"
    return value


def _write_frame(workbook: Any, bold: Any, name: str, frame: pd.DataFrame) -> None:
    rows = frame.itertuples(index=False, name=None)
    _write_sheet(workbook, bold, name, list(frame.columns), rows)


def _write_sheet(
    workbook: Any, bold: Any, name: str, header: Sequence[str], rows: Iterable[Sequence[Any]]
) -> None:
    sheet = workbook.add_worksheet(name)
    sheet.freeze_panes(1, 0)
    sheet.set_column(0, 0, 22)
    sheet.set_column(1, max(len(header) - 1, 1), 16)
    sheet.write_row(0, 0, header, bold)
    for number, row in enumerate(rows, start=1):
        for column, value in enumerate(row):
            _write_cell(sheet, number, column, value)


def _write_cell(sheet: Any, row: int, column: int, value: Any) -> None:
    if isinstance(value, bool | np.bool_):
        sheet.write_string(row, column, "yes" if value else "no")
    elif isinstance(value, int | float | np.number):
        if np.isfinite(value):
            sheet.write_number(row, column, value)
    elif value is not None and not pd.isna(value):
        sheet.write_string(row, column, harmless(str(value)))
