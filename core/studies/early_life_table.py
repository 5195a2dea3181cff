"""Reads a file with one row per battery and turns it into a `BatteryTable`."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd

from core.base.errors import BadFile, InvalidInput
from core.ingest.formats.readers import find_format, read_tables
from core.ingest.formats.text_files import CSV
from core.ingest.formats.xlsx_table import XLSX
from core.ingest.limited import run_limited
from core.ingest.limits import Limits
from core.ingest.splits import propose_split
from core.ingest.table import Column, FileTables
from core.ingest.table_rows import column_texts
from core.studies.battery_table import GROUPS, BatteryTable, Floats, check_table

MAX_BYTES = 5_000_000
MAX_ROWS = 2000
MAX_FEATURES = 60
MAX_SPLIT_VALUES = 12
LEFT_OUT = "left out"
LIFE_WORDS = re.compile(r"cycle[ _]?life|^life|lifetime|eol[ _]cycle|cycles?[ _]to", re.I)
BATTERY_WORDS = re.compile(
    r"^(battery|cell)([ _](code|id|name|no|number))?$|^(id|code|name)$", re.I
)
SPLIT_WORDS = re.compile(r"^(split|group|role|set|partition|subset)([ _]tag)?$", re.I)
# The published feature: the variance of Q100(V) - Q10(V).
VARIANCE_WORDS = re.compile(r"(delta|dq|d_q).*var|var.*(delta|dq|d_q)", re.I)
SPLIT_MEANINGS = (
    ("train", re.compile(r"train", re.I)),
    ("secondary", re.compile(r"second|test[ _]?2|^2$", re.I)),
    ("primary", re.compile(r"test|prim|val", re.I)),
)


@dataclass(frozen=True)
class RawTable:
    """A file as it was read.

    cells : the texts of all cells, "" where blank
    numbers : the values of the columns that hold only numbers
    doubts : by column, a sentence where its cells can be read in two ways
    """

    file_name: str
    cells: pd.DataFrame
    numbers: dict[str, Floats]
    doubts: Mapping[str, str] = field(default_factory=dict)

    @property
    def columns(self) -> tuple[str, ...]:
        """All column names, in the file's order."""
        return tuple(str(column) for column in self.cells.columns)


@dataclass(frozen=True)
class TableColumns:
    """What the columns mean.

    split : None proposes a split
    variance : None looks for the best single feature
    """

    battery: str | None
    life: str | None
    split: str | None
    features: tuple[str, ...]
    variance: str | None = None


def read_battery_table(file_name: str, content: bytes) -> RawTable:
    """Read a CSV file or the first sheet with a table of a workbook.

    Raises
    ------
    BadFile
        The file is of another format, too large, or damaged; the message says what to change.
    """
    if len(content) > MAX_BYTES:
        raise BadFile(
            f"The file is larger than {MAX_BYTES // 1_000_000} MB. A table with one row per "
            "battery is much smaller; to use rows per cycle, upload the file as a dataset."
        )
    with TemporaryDirectory() as folder:
        path = Path(folder) / "table"
        path.write_bytes(content)
        if find_format(path, file_name) not in (XLSX, CSV):
            raise BadFile("Choose a CSV file or an Excel workbook (.xlsx) with a row per battery.")
        file = run_limited(file_name, _read, path, file_name)
    # Of a workbook, the readers give only sheets that hold a table.
    table = file.tables[0]
    if table.n_rows > MAX_ROWS:
        raise BadFile(
            f"The table has more than {MAX_ROWS:,} rows. It needs one row per battery; to use rows "
            "per cycle, upload the file as a dataset."
        )
    cells = {
        column.name: np.asarray(column_texts(column), dtype=object) for column in table.columns
    }
    return RawTable(
        file_name,
        pd.DataFrame(cells, dtype=object),
        _numbers(table.columns),
        {column.name: column.doubt for column in table.columns if column.doubt},
    )


def propose_columns(raw: RawTable) -> TableColumns:
    """Guess what the columns mean, from their names and contents."""
    names = raw.columns
    battery = _first(names, BATTERY_WORDS) or _first_distinct_text(raw)
    life = _first([name for name in names if name in raw.numbers], LIFE_WORDS)
    split = _first(names, SPLIT_WORDS)
    taken = {battery, life, split}
    features = tuple(name for name in raw.numbers if name not in taken)[:MAX_FEATURES]
    return TableColumns(battery, life, split, features, _first(features, VARIANCE_WORDS))


def propose_groups(raw: RawTable, split: str) -> dict[str, str]:
    """Guess the group that each value of the split column means."""
    found = {}
    for value in _texts(raw.cells[split]):
        if value and value not in found:
            matches = (group for group, words in SPLIT_MEANINGS if words.search(value))
            found[value] = next(matches, LEFT_OUT)
    if len(found) > MAX_SPLIT_VALUES:
        raise InvalidInput(
            f"Column {split!r} has {len(found)} different values; a split has a few, such as "
            "train and test. Choose another column, or none."
        )
    return found


def make_table(
    raw: RawTable, columns: TableColumns, meanings: Mapping[str, str] | None = None
) -> tuple[BatteryTable, list[tuple[str, str]]]:
    """Build a study's table; returns it and the batteries left out, each with the reason.

    Parameters
    ----------
    meanings : value of the split column -> a group or "left out"; None takes the proposal

    Raises
    ------
    InvalidInput
        A column is missing or unusable, a battery occurs twice, or too few are left.
    """
    life = _checked_columns(raw, columns)
    codes = _codes(raw, columns.battery)
    features = np.column_stack([raw.numbers[name] for name in columns.features])
    reasons = _reasons(life, features, columns.features)
    groups = _groups(raw, columns, meanings, codes, life, reasons)
    for row, group in enumerate(groups):
        if not reasons[row] and group not in GROUPS:
            reasons[row] = "no group in the split column"
    kept = np.array([not reason for reason in reasons])
    table = BatteryTable(
        tuple(codes), tuple(groups), np.nan_to_num(life), columns.features, features
    ).keep(kept)
    check_table(table)
    return table, [(code, text) for code, text in zip(codes, reasons, strict=True) if text]


def _read(path: Path, file_name: str) -> FileTables:
    return read_tables(path, file_name, Limits(max_decompressed_bytes=20 * MAX_BYTES))


def _numbers(columns: Sequence[Column]) -> dict[str, Floats]:
    """Columns that hold numbers and nothing else, NaN where blank or infinite."""
    return {
        column.name: np.where(np.isfinite(column.numbers), column.numbers, np.nan)
        for column in columns
        if column.n_texts == 0 and column.n_numbers
    }


def _first(names: Sequence[str], words: re.Pattern[str]) -> str | None:
    return next((name for name in names if words.search(name)), None)


def _first_distinct_text(raw: RawTable) -> str | None:
    for name in raw.columns:
        texts = _texts(raw.cells[name])
        if name not in raw.numbers and all(texts) and len(set(texts)) == len(texts):
            return name
    return None


def _texts(column: pd.Series) -> list[str]:
    return [str(cell) for cell in column]


def _checked_columns(raw: RawTable, columns: TableColumns) -> Floats:
    """Return the cycle lives; raises InvalidInput for columns that cannot be used."""
    if columns.life is None:
        raise InvalidInput("Choose the column that holds the cycle life of each battery.")
    chosen = [columns.life, *columns.features, *([columns.variance] if columns.variance else [])]
    for name in chosen:
        if name not in raw.columns:
            raise InvalidInput(f"The table has no column {name!r}.")
        if name not in raw.numbers:
            raise InvalidInput(f"Column {name!r} holds text where numbers belong. Choose another.")
        if name in raw.doubts:
            raise InvalidInput(f"{raw.doubts[name].rstrip('.')}. Write its numbers in one way.")
    if not columns.features:
        raise InvalidInput("Choose at least one feature column.")
    if len(columns.features) > MAX_FEATURES:
        raise InvalidInput(f"Choose at most {MAX_FEATURES} feature columns.")
    if columns.life in columns.features:
        raise InvalidInput("The cycle life is what is predicted; it cannot be a feature as well.")
    if columns.variance and columns.variance not in columns.features:
        raise InvalidInput("The column of the variance model must be one of the features.")
    return raw.numbers[columns.life]


def _codes(raw: RawTable, battery: str | None) -> list[str]:
    if battery is None:
        return [f"row {number}" for number in range(1, len(raw.cells) + 1)]
    if battery not in raw.columns:
        raise InvalidInput(f"The table has no column {battery!r}.")
    codes = _texts(raw.cells[battery])
    seen: set[str] = set()
    for row, code in enumerate(codes, start=2):
        if not code:
            raise InvalidInput(f"Row {row} has no battery in column {battery!r}. Fill it in.")
        if code in seen:
            raise InvalidInput(
                f"Battery {code!r} has more than one row. The table needs one row per battery; to "
                "use rows per cycle, upload the file as a dataset."
            )
        seen.add(code)
    return [code[:64] for code in codes]


def _reasons(life: Floats, features: Floats, names: Sequence[str]) -> list[str]:
    """Why each row cannot be used; empty where it can."""
    reasons = []
    for value, row in zip(life, features, strict=True):
        missing = np.flatnonzero(~np.isfinite(row))
        if not np.isfinite(value) or value <= 0:
            reasons.append("no cycle life")
        elif len(missing):
            reasons.append(f"no {names[missing[0]]}")
        else:
            reasons.append("")
    return reasons


def _groups(
    raw: RawTable,
    columns: TableColumns,
    meanings: Mapping[str, str] | None,
    codes: list[str],
    life: Floats,
    reasons: list[str],
) -> list[str]:
    if columns.split is not None:
        if columns.split not in raw.columns:
            raise InvalidInput(f"The table has no column {columns.split!r}.")
        known = propose_groups(raw, columns.split) | dict(meanings or {})
        return [known.get(text, LEFT_OUT) for text in _texts(raw.cells[columns.split])]
    usable = [row for row, reason in enumerate(reasons) if not reason]
    proposed = propose_split(
        pd.DataFrame(
            {
                "battery_code": [codes[row] for row in usable],
                "cycle_life": [life[row] for row in usable],
                "first_capacity_ah": 1.0,
                "last_capacity_ah": 1.0,
            }
        )
    )
    # Nothing is selected by these batteries, so all that are not for training are tests.
    return ["train" if proposed.get(code) == "train" else "primary" for code in codes]
