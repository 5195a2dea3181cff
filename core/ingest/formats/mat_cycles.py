"""Cycles out of two published layouts of nested structs: NASA PCoE and Oxford."""

import re
from collections.abc import Mapping

import numpy as np

from core.base.words import counted
from core.ingest.formats.mat_structs import Struct, Value
from core.ingest.formats.typed_columns import column_of
from core.ingest.table import FileTables, Table

NASA_LABEL = "MATLAB file of NASA's battery data"
OXFORD_LABEL = "MATLAB file of Oxford's battery data"
_OXFORD_CYCLE = re.compile(r"cyc(\d{1,7})")
# What NASA states for the cells of these files; the first discharges hold less.
_NASA_NOMINAL_AH = 2.0
# 1-C discharge, else the slow one; both hold the charge counted from its start, mAh.
_OXFORD_DISCHARGES = ("C1dc", "OCVdc")


def struct_tables(structs: Mapping[str, Struct]) -> FileTables | None:
    """A table per battery of a known layout; None for any other."""
    nasa = [table for name, value in structs.items() if (table := _nasa(name, value)) is not None]
    if nasa:
        note = "Discharges are counted from 1 and taken as cycles; charges and impedance are not."
        return FileTables(NASA_LABEL, "structure", tuple(nasa), notes=(note,))
    oxford = [t for name, value in structs.items() if (t := _oxford(name, value)) is not None]
    if oxford:
        note = "The capacity is the largest charge that a discharge of 1 C counts."
        return FileTables(OXFORD_LABEL, "structure", tuple(oxford), notes=(note,))
    return None


def _nasa(name: str, value: Struct) -> Table | None:
    """one row per discharge of `name.cycle(k)`: cycle, capacity, temperatures, time."""
    records = value.only.get("cycle")
    if not isinstance(records, Struct) or not records.elements:
        return None
    if not {"type", "data"} <= set(records.only):
        return None
    rows: list[dict[str, float]] = []
    places: list[int] = []
    for place, record in enumerate(records.elements, start=1):
        kind = record["type"]
        data = record["data"]
        if not isinstance(kind, str) or kind.strip() != "discharge" or not isinstance(data, Struct):
            continue
        places.append(place)
        measured = data.only
        rows.append(
            {
                "cycle": len(places),
                "capacity_ah": _single(measured.get("Capacity")),
                "nominal_capacity_ah": _NASA_NOMINAL_AH,
                "ambient_temperature_c": _single(record.get("ambient_temperature")),
                "temperature_mean_c": _mean(measured.get("Temperature_measured")),
                "temperature_max_c": _largest(measured.get("Temperature_measured")),
                "discharge_time_s": _largest(measured.get("Time")),
            }
        )
    if not rows:
        return None
    left = len(records.elements) - len(rows)
    said = (f"{counted(left, 'record')} of {name} that are no discharge.",) if left else ()
    return _table(name, rows, places, said)


def _oxford(name: str, value: Struct) -> Table | None:
    """One row per characterisation `name.cycNNNN`: cycle, capacity, temperature and time."""
    found = {
        int(match[1]): tests
        for field, tests in value.only.items()
        if (match := _OXFORD_CYCLE.fullmatch(field)) and isinstance(tests, Struct)
    }
    rows = []
    for cycle in sorted(found):
        discharge = next(
            (d for t in _OXFORD_DISCHARGES if isinstance(d := found[cycle].only.get(t), Struct)),
            None,
        )
        measured = {} if discharge is None else discharge.only
        rows.append(
            {
                "cycle": float(cycle),
                "capacity_mah": _span(measured.get("q")),
                "temperature_mean_c": _mean(measured.get("T")),
            }
        )
    if not any(np.isfinite(row["capacity_mah"]) for row in rows):
        return None
    return _table(name, rows, list(range(1, len(rows) + 1)), ())


def _table(
    name: str, rows: list[dict[str, float]], places: list[int], skipped: tuple[str, ...]
) -> Table:
    """Columns of rows, without those that hold nothing."""
    columns = {key: np.array([row[key] for row in rows], dtype=np.float64) for key in rows[0]}
    kept = [column_of(key, v) for key, v in columns.items() if np.isfinite(v).any()]
    return Table(name, name, tuple(kept), np.array(places, dtype=np.int32), skipped=skipped)


def _finite(value: Value) -> np.ndarray:
    if not isinstance(value, np.ndarray):
        return np.zeros(0)
    return value[np.isfinite(value)]


def _single(value: Value) -> float:
    numbers = _finite(value)
    return float(numbers[0]) if len(numbers) == 1 else float("nan")


def _mean(value: Value) -> float:
    numbers = _finite(value)
    return float(numbers.mean()) if len(numbers) else float("nan")


def _largest(value: Value) -> float:
    numbers = _finite(value)
    return float(numbers.max()) if len(numbers) else float("nan")


def _span(value: Value) -> float:
    """How far a counter of charge goes, whichever sign it counts with."""
    numbers = _finite(value)
    return float(numbers.max() - numbers.min()) if len(numbers) > 1 else float("nan")
