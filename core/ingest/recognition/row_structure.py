"""What the rows are: blanks below a battery's name, charge and discharge rows, running totals."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.ingest.recognition.column_names import normalised
from core.ingest.recognition.evidence import is_number_column
from core.ingest.table import Table
from core.ingest.table_rows import column_texts, numbers_of, texts_of

_DISCHARGE_WORDS = (
    "discharge",
    "discharging",
    "dis",
    "dchg",
    "dch",
    "cc dchg",
    "cc_dchg",
    "cccv dchg",
    "d",
    "放电",
    "恒流放电",
    "entladen",
    "entladung",
)
_MANY_ROWS_PER_CYCLE = 5


@dataclass(frozen=True)
class Direction:
    """The column and its text that mark the rows of the discharge; what the other text is."""

    column: str
    discharge_value: str
    other_value: str


def needs_fill_down(tables: tuple[Table, ...], column: str) -> bool:
    """Whether a battery's name stands in the first row of its block alone."""
    texts = np.concatenate([np.asarray(column_texts(t.column(column))) for t in tables])
    blank = texts == ""
    return bool(len(texts)) and not blank[0] and bool(blank.mean() > 0.2)


def rows_per_cycle(codes: "pd.Categorical", cycle: np.ndarray) -> float:
    """Median number of rows with the same battery and cycle."""
    known = np.isfinite(cycle)
    if not known.any():
        return 0.0
    frame = pd.DataFrame({"code": codes.codes[known], "cycle": cycle[known]})
    return float(frame.groupby(["code", "cycle"]).size().median())


def is_time_series(codes: "pd.Categorical", cycle: np.ndarray) -> bool:
    """Whether a cycle has many rows, as the record of a cycler has."""
    return rows_per_cycle(codes, cycle) >= _MANY_ROWS_PER_CYCLE


def direction_of(
    tables: tuple[Table, ...], candidates: list[str], codes: "pd.Categorical", cycle: np.ndarray
) -> Direction | None:
    """The column that tells charge from discharge, where a cycle has a row of each."""
    if not 1.5 <= rows_per_cycle(codes, cycle) <= 3:
        return None
    for column in candidates:
        texts = texts_of(tables, column)
        values = [str(text) for text in texts.categories if str(text)]
        if len(values) != 2:
            continue
        found = _discharge_value(column, values)
        if found is None:
            continue
        rows = np.asarray(texts == found)
        if rows_per_cycle(codes[rows], cycle[rows]) == 1:
            other = values[1 - values.index(found)]
            return Direction(column, found, other)
    return None


def is_running_total(by_battery: "pd.Series") -> bool:
    """Whether a capacity (by battery, in the order of cycles) only grows, by about its first."""
    n_total = 0
    groups = list(by_battery.groupby(level=0, sort=False))
    for _code, values in groups:
        steps = np.diff(values.to_numpy())
        if len(steps) < 5 or (steps < 0).any():
            continue
        n_total += bool(values.iloc[-1] > 4 * values.iloc[0] > 0 and np.median(steps) > 0)
    return bool(groups) and n_total > 0.8 * len(groups)


def differences(by_battery: "pd.Series") -> np.ndarray:
    """Capacity of each cycle from a running total, in the order given.

    The first cycle of a battery keeps its value where that is one cycle's worth; else it is
    blank, as what ran before is unknown.
    """
    made = []
    for _code, values in by_battery.groupby(level=0, sort=False):
        total = values.to_numpy()
        steps = np.diff(total)
        usual = np.median(steps) if len(steps) else np.nan
        first = total[0] if total[0] <= 1.5 * usual else np.nan
        made.append(np.concatenate([[first], steps]))
    return np.concatenate(made) if made else np.array([])


def _discharge_value(column: str, values: list[str]) -> str | None:
    if normalised(column) == "oxred":
        # BioLogic: 1 is oxidation (charge), 0 is reduction (discharge).
        return next((value for value in values if value in ("0", "0.0")), None)
    found = [value for value in values if value.strip().casefold() in _DISCHARGE_WORDS]
    return found[0] if len(found) == 1 else None


def whole_numbers(tables: tuple[Table, ...], column: str) -> float:
    """Share of a column's numbers that are whole and not negative."""
    values = numbers_of(tables, column)
    known = values[np.isfinite(values)]
    return float(np.mean((known == np.floor(known)) & (known >= 0))) if len(known) else 0.0


def filled_share(tables: tuple[Table, ...], column: str) -> float:
    """Share of rows with a number in the column."""
    values = numbers_of(tables, column)
    return float(np.isfinite(values).mean()) if len(values) else 0.0


def is_numeric(tables: tuple[Table, ...], column: str) -> bool:
    """Whether at least half of a column's cells that are not blank are numbers."""
    return is_number_column([table.column(column) for table in tables])
