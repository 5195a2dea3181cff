"""Why a file cannot be read as it is, in one sentence for page and command line alike."""

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd

from core.base.errors import BadFile
from core.base.words import rounded
from core.ingest.recognition.column_names import is_in, normalised
from core.ingest.recognition.known_names import CHARGE_CAPACITY, CURRENTS, ENERGY, VOLTAGES
from core.ingest.recognition.row_structure import is_time_series, rows_per_cycle
from core.ingest.table import Table

_DATE = re.compile(
    r"\d{1,4}[-./]([A-Za-z]{3}|\d{1,2})[-./]\d{1,4}.*|\d{1,2}[-. ][A-Za-z]{3}.*|"
    r"[A-Za-z]{3}[-. ]\d{1,4}.*"
)


def refuse_time_series(
    tables: Sequence[Table], codes: "pd.Categorical", cycle: np.ndarray | None
) -> None:
    """Raise BadFile for the record of a cycler: many rows a cycle, or voltage over time."""
    columns = tables[0].names
    name = tables[0].name
    if cycle is not None and is_time_series(codes, cycle):
        rows = rounded(rows_per_cycle(codes, cycle), 3)
        raise BadFile(
            f"{name} is a time series with about {rows} rows a cycle. FadeBench needs one row per "
            "cycle: summarise the file by cycle first."
        )
    has = [any(is_in(column, names) for column in columns) for names in (VOLTAGES, CURRENTS)]
    timed = any("time" in normalised(column) or "时间" in column for column in columns)
    if cycle is None and all(has) and timed:
        raise BadFile(
            f"{name} is a time series of voltage and current without a cycle number. FadeBench "
            "needs one row per cycle: summarise the file by cycle first."
        )


def refuse_specific_capacity(column: str) -> None:
    """Raise BadFile for a capacity per mass."""
    raise BadFile(
        f"Column {column!r} is a capacity per mass (mAh/g), which has no nominal capacity in Ah. "
        "Multiply it by the active mass, or divide it by its first value and call it SOH."
    )


def refuse_dates(tables: Sequence[Table], column: str) -> None:
    """Raise BadFile where a cycle column holds dates."""
    for table in tables:
        for row, text in table.column(column).examples[:1]:
            if is_date(text):
                raise BadFile(
                    f"{table.name}, row {row}: column {column!r} holds dates ({text[:20]!r}), no "
                    "cycle numbers. Add a column that counts the cycles (1, 2, 3, ...), or rename "
                    "that one: rows are then numbered in their order."
                )


def refuse_equivalent_cycles(column: str) -> None:
    """Raise BadFile where the only count of cycles is that of equivalent full cycles."""
    raise BadFile(
        f"The file has no cycle number: {column!r} counts equivalent full cycles. Add a column "
        "that counts the cycles (1, 2, 3, ...)."
    )


def is_date(text: str) -> bool:
    """Whether a text is a date, as spreadsheets and instruments write it."""
    return _DATE.fullmatch(text.strip()) is not None


def refuse_no_numbers(tables: Sequence[Table]) -> None:
    """Raise BadFile where no column holds numbers."""
    raise BadFile(
        f"No column holds numbers (in {tables[0].name}). FadeBench needs one row per cycle, with a "
        "first row of column names and numbers below."
    )


def half_cycles(column: str, values: np.ndarray) -> str:
    """Sentence on a cycle column whose numbers are not whole."""
    known = values[np.isfinite(values)]
    shown = ", ".join(f"{value:g}" for value in known[:3])
    return (
        f"Column {column!r} holds {shown} ...: half or equivalent full cycles, no cycle numbers. "
        "Map a column of whole cycle numbers, or none: then the rows count in their order."
    )


def no_discharge_capacity(columns: Sequence[str]) -> str:
    """Sentence on a file that has charge capacity or energy in place of capacity; "" if not."""
    charge = next((column for column in columns if is_in(column, CHARGE_CAPACITY)), None)
    energy = next((column for column in columns if is_in(column, ENERGY)), None)
    if charge is not None:
        return (
            f"The file has no discharge capacity: {charge!r} is the charge capacity. Add the "
            "discharge capacity, or rename that column if it is what you mean."
        )
    if energy is not None:
        return (
            f"The file has no discharge capacity: {energy!r} is an energy (Wh). Add the discharge "
            "capacity (Ah)."
        )
    return ""
