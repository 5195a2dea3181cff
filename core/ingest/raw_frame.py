"""The raw frame: the mapped columns of all tables, as checks and labels work on them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.base.errors import BadFile
from core.ingest.limits import Limits
from core.ingest.mapping import ColumnMapping, validate_mapping
from core.ingest.parts import (
    counter_steps,
    joined_cycles,
    restart_sentence,
    seam_sentence,
    split_codes,
)
from core.ingest.recognition.row_structure import differences
from core.ingest.recognition.true_causes import is_date, refuse_time_series
from core.ingest.table import Column, FileTables, Table
from core.ingest.table_choice import tables_to_read
from core.ingest.table_rows import codes_of, file_rows_of, numbers_of, rows_with, texts_of

MAX_CODE_LENGTH = 64
_NUMBER_ROLES = ("cycle", "capacity", "pcl", "soh", "rul", "life")
_UNIT_FACTOR = {"Ah": 1.0, "mAh": 1e-3}


@dataclass(frozen=True)
class RawFrame:
    """The rows that are read, and what was done to get them.

    frame : battery_code (category), file_row (int32), split (category, text of the file) and, if
        mapped, cycle, capacity, pcl, soh, rul, life and feature_1..feature_n (float64, in the
        file's units) and nominal (Ah)
    notes : sentences on rows joined, taken or left aside, to be kept with the dataset
    """

    frame: pd.DataFrame
    notes: tuple[str, ...]


def raw_frame(file: FileTables, mapping: ColumnMapping, limits: Limits) -> RawFrame:
    """Read a file's tables by a mapping.

    Raises BadFile for the file and InvalidInput for a mapping that does not fit it.
    """
    tables = tables_to_read(file, mapping)
    validate_mapping(mapping, tables[0].names)
    notes: list[str] = []
    if mapping.direction_column is not None and mapping.discharge_value is not None:
        column, value = mapping.direction_column, mapping.discharge_value
        before = sum(table.n_rows for table in tables)
        tables = tuple(rows_with(table, column, value) for table in tables)
        after = sum(table.n_rows for table in tables)
        notes.append(
            f"{after:,} of {before:,} rows are read: those with {column!r} = {value!r}, the "
            "discharge."
        )
    for _name, column in number_sources(mapping):
        for table in tables:
            _check_numbers(table, table.column(column), mapping)
    frame = _gathered(tables, mapping)
    _check_size(frame, limits)
    _check_time_series(tables, frame)
    if mapping.cumulative and "capacity" in frame:
        frame["capacity"] = _differences(frame)
        notes.append("Capacities are differences of a counter that is never reset.")
    if "cycle" in frame:
        frame, more = _with_parts(frame, mapping)
        notes += more
    return RawFrame(_with_nominal(frame, mapping), tuple(notes))


def number_sources(mapping: ColumnMapping) -> Iterator[tuple[str, str]]:
    """Yield (raw-frame column, source column) for everything that is read as a number."""
    for role in (*_NUMBER_ROLES, "nominal"):
        column = getattr(mapping, f"{role}_column")
        if column is not None:
            yield role, column
    for position, feature in enumerate(mapping.features, start=1):
        yield f"feature_{position}", feature.source_column


def _gathered(tables: Sequence[Table], mapping: ColumnMapping) -> pd.DataFrame:
    columns: dict[str, object] = {
        "battery_code": codes_of(tables, mapping.battery_column, mapping.fill_down),
        "file_row": file_rows_of(tables),
    }
    if mapping.split_column is not None:
        columns["split"] = texts_of(tables, mapping.split_column)
    for name, column in number_sources(mapping):
        columns[name] = numbers_of(tables, column)
    return pd.DataFrame(columns, copy=False)


def _check_numbers(table: Table, column: Column, mapping: ColumnMapping) -> None:
    """Refuse text where a number belongs, and numbers that can be read in two ways."""
    if column.n_texts:
        row, text = column.examples[0] if column.examples else (0, "text")
        if is_date(text):
            raise BadFile(
                f"{table.name}, row {row}: column {column.name!r} holds the date {text[:30]!r}: a "
                "spreadsheet has turned a number into a date. Correct it in the source (format "
                "the column as number before it is opened), or map another column."
            )
        raise BadFile(
            f"{table.name}, row {row}: column {column.name!r} holds {text[:60]!r} where a number "
            "belongs. Correct the cell, or map another column."
        )
    if column.doubt and not mapping.accept_doubt:
        raise BadFile(
            f"{table.name}, column {column.name!r}: {column.doubt} Write it with one decimal mark "
            "and no mark of thousands, or say that the numbers are right."
        )


def _check_size(frame: pd.DataFrame, limits: Limits) -> None:
    if len(frame) > limits.max_rows:
        raise BadFile(
            f"The file has more than {limits.max_rows:,} rows. FadeBench needs one row per "
            "cycle: summarise time series by cycle first, or split the file."
        )
    codes = frame["battery_code"].cat.categories
    if len(codes) > limits.max_batteries:
        raise BadFile(
            f"The file holds more than {limits.max_batteries:,} batteries. Check which "
            "column is mapped as battery, or split the file."
        )
    longest = max(map(str, codes), key=len, default="")
    if len(longest) > MAX_CODE_LENGTH:
        raise BadFile(
            f"The battery code {longest[:70]!r} is longer than {MAX_CODE_LENGTH} characters. "
            "Shorten it, or map another column as battery."
        )


def _check_time_series(tables: Sequence[Table], frame: pd.DataFrame) -> None:
    if "cycle" in frame:
        codes = pd.Categorical(frame["battery_code"])
        refuse_time_series(tables, codes, frame["cycle"].to_numpy())


def _differences(frame: pd.DataFrame) -> np.ndarray:
    """(n_rows,) capacity of each row as the difference to the cycle before; file's unit."""
    codes = frame["battery_code"].cat.codes.to_numpy()
    values = frame["capacity"].to_numpy()
    cycle = frame["cycle"].to_numpy() if "cycle" in frame else np.arange(len(frame))
    order = np.lexsort((cycle, codes))
    order = order[np.isfinite(values[order])]
    made = np.full(len(values), np.nan)
    made[order] = differences(pd.Series(values[order], index=codes[order]))
    return made


def _with_parts(frame: pd.DataFrame, mapping: ColumnMapping) -> tuple[pd.DataFrame, list[str]]:
    """Join or split batteries whose counter steps back, as the mapping says."""
    codes = pd.Categorical(frame["battery_code"])
    cycle = frame["cycle"].to_numpy()
    values = next((frame[n].to_numpy() for n in ("capacity", "soh") if n in frame), None)
    steps = counter_steps(codes, cycle, values)
    if not steps:
        return frame, []
    restarts = tuple(step for step in steps if step.restarts)
    seams = tuple(step for step in steps if not step.restarts)
    found = [restart_sentence(restarts)] if restarts else []
    found += [seam_sentence(seams)] if seams else []
    if mapping.parts == "ask":
        raise BadFile(
            f"{found[0]} Say whether these are parts of one test, which continue the count "
            "(command line: --parts join), or different batteries (--parts split)."
        )
    if mapping.parts == "split":
        return frame.assign(battery_code=split_codes(codes, cycle)), [
            "Each part of a battery whose cycle counter steps back is a battery of its own."
        ]
    joined, keep = joined_cycles(codes, cycle)
    notes = list(found)
    if restarts:
        notes.append("Its parts are joined: the later part continues the count.")
    return frame.assign(cycle=joined).loc[keep], notes


def _with_nominal(frame: pd.DataFrame, mapping: ColumnMapping) -> pd.DataFrame:
    """The nominal capacity of each row, Ah, where the file or the mapping tells it by battery."""
    if "nominal" in frame:
        return frame.assign(nominal=frame["nominal"] * _UNIT_FACTOR[mapping.nominal_unit])
    if not mapping.nominal_by_battery:
        return frame
    fallback = mapping.nominal_capacity_ah
    default = np.nan if fallback is None else fallback
    by_code = [
        mapping.nominal_by_battery.get(str(code), default)
        for code in frame["battery_code"].cat.categories
    ]
    values = np.array([*by_code, np.nan])[frame["battery_code"].cat.codes.to_numpy()]
    return frame.assign(nominal=values)
