"""Reads MATLAB v5 files: of the Severson study, of NASA and Oxford, and plain vectors."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from core.base.errors import BadFile
from core.ingest.formats.file_format import FileFormat, SourceFile
from core.ingest.formats.mat5 import read_arrays
from core.ingest.formats.mat_cycles import struct_tables
from core.ingest.formats.mat_structs import read_structs
from core.ingest.formats.typed_columns import column_of
from core.ingest.formats.zip_archive import stem_of
from core.ingest.limits import Limits, Progress
from core.ingest.mapping import ColumnMapping, FeatureColumn
from core.ingest.table import FileTables, Table

BATTERY_COLUMN = "battery"
SPLIT_COLUMN = "split"
NOMINAL_CAPACITY_AH = 1.1
LABEL_NOTES = (
    "The PCL of this file was repaired with statistics of each battery's whole life and with "
    "the next cycle; forecasts inherit that.",
)
SEVERSON_LABEL = "MATLAB 5 file of the Severson study"
NOTES = ("The features of this file are trailing means over 10 cycles.", *LABEL_NOTES)
_CYCLES, _COUNTS, _FEATURES = "Cycles_Flt", "Num_Cycles_Flt", "Features_mov_Flt"
_PCL, _RUL = "PCL_Flt", "RUL_Flt"
_ROLES = {"train_ind": "train", "test_ind": "val", "secondary_test_ind": "test"}
_FEATURE_NAMES = (
    ("slope", "Ah"),
    ("intercept", "1/Ah"),
    ("temperature_avg", "degC"),
    ("internal_resistance", "ohm"),
    ("charge_time", "min"),
    ("dqdv_max", "Ah/V"),
    ("dqdv_min", "Ah/V"),
    ("dqdv_variance", "(Ah/V)^2"),
)


def read_columns(path: Path, limits: Limits) -> dict[str, np.ndarray]:
    """All columns of the file, each (n_cycles,): text for battery and split, else float64.

    Batteries are named by their 1-based position, "001" to "124".
    """
    arrays = _load(path, limits)
    counts = _flat(arrays, _COUNTS).astype(np.int64)
    _check_counts(counts, limits)
    n_cycles = int(counts.sum())
    codes = np.array([f"{position:03d}" for position in range(1, len(counts) + 1)], dtype=object)
    columns = {BATTERY_COLUMN: np.repeat(codes, counts)}
    for name in (_CYCLES, _PCL, _RUL):
        if name in arrays:
            columns[name] = _of_length(_flat(arrays, name), n_cycles, name)
    columns.update(_feature_columns(arrays[_FEATURES], n_cycles))
    if any(name in arrays for name in _ROLES):
        columns[SPLIT_COLUMN] = np.repeat(_roles(arrays, len(counts)), counts)
    return columns


def propose(columns: Sequence[str]) -> ColumnMapping:
    """The column mapping of the Severson file, which is known."""
    names = [name for name in columns if name.startswith(_FEATURES)]
    return ColumnMapping(
        battery_column=BATTERY_COLUMN,
        cycle_column=_CYCLES,
        pcl_column=_PCL if _PCL in columns else None,
        rul_column=_RUL if _RUL in columns else None,
        split_column=SPLIT_COLUMN if SPLIT_COLUMN in columns else None,
        features=tuple(
            FeatureColumn(name, unit, source)
            for (name, unit), source in zip(_FEATURE_NAMES, names, strict=False)
        ),
        nominal_capacity_ah=NOMINAL_CAPACITY_AH,
    )


def _load(path: Path, limits: Limits) -> dict[str, np.ndarray]:
    names = (_CYCLES, _COUNTS, _FEATURES, _PCL, _RUL, *_ROLES)
    arrays = read_arrays(path, names, limits)
    missing = [name for name in (_FEATURES, _CYCLES, _COUNTS) if name not in arrays]
    if missing:
        raise BadFile(
            f"The .mat file has no variable {missing[0]!r}. FadeBench reads the .mat layout of "
            "the Severson study (Features_mov_Flt, Cycles_Flt, Num_Cycles_Flt, PCL_Flt, "
            "RUL_Flt); export other data as CSV."
        )
    return arrays


def _flat(arrays: dict[str, np.ndarray], name: str) -> np.ndarray:
    values = arrays[name]
    if 1 not in values.shape:
        raise BadFile(f"The variable {name!r} must be a single row or column.")
    return values.ravel()


def _check_counts(counts: np.ndarray, limits: Limits) -> None:
    if len(counts) > limits.max_batteries:
        raise BadFile(f"The file holds more than {limits.max_batteries:,} batteries. Split it.")
    # Each by itself first: a sum of huge ones could wrap around to a small number.
    if not ((counts >= 1) & (counts <= limits.max_rows)).all() or counts.sum() > limits.max_rows:
        raise BadFile(f"{_COUNTS} must hold at least 1 and at most {limits.max_rows:,} cycles.")


def _of_length(values: np.ndarray, n_cycles: int, name: str) -> np.ndarray:
    if len(values) != n_cycles:
        raise BadFile(
            f"{name} has {len(values):,} entries, but {_COUNTS} adds up to {n_cycles:,}. "
            "Export the file again with all arrays of the same cells."
        )
    return values


def _feature_columns(features: np.ndarray, n_cycles: int) -> dict[str, np.ndarray]:
    n_features = features.shape[1]
    if n_features not in (3, len(_FEATURE_NAMES)):
        raise BadFile(f"{_FEATURES} has {n_features} columns; 3 or 8 are expected.")
    _of_length(features, n_cycles, _FEATURES)
    return {f"{_FEATURES}(:,{i + 1})": features[:, i] for i in range(n_features)}


def _roles(arrays: dict[str, np.ndarray], n_batteries: int) -> np.ndarray:
    """Role of each battery, "" where the file names none."""
    roles = np.full(n_batteries, "", dtype=object)
    for name, role in _ROLES.items():
        if name not in arrays or arrays[name].size == 0:
            continue
        positions = _flat(arrays, name)
        if not ((positions >= 1) & (positions <= n_batteries)).all():
            raise BadFile(f"{name} must hold positions from 1 to {n_batteries}.")
        chosen = positions.astype(np.int64) - 1
        if (roles[chosen] != "").any():
            raise BadFile(f"{name} names a battery that another split has already.")
        roles[chosen] = role
    return roles


def _read(
    source: SourceFile,
    wanted: Collection[str] | None,
    _sheets: Collection[str] | None,
    _on_progress: Progress,
) -> FileTables:
    arrays = read_arrays(source.path, None, source.limits)
    if _FEATURES in arrays or _COUNTS in arrays:
        columns = read_columns(source.path, source.limits)
        return _one_table(source, SEVERSON_LABEL, columns, wanted)
    found = struct_tables(read_structs(source.path, source.limits))
    if found is not None:
        return found if wanted is None else _only(found, wanted)
    return _one_table(source, "MATLAB table", _vectors(arrays), wanted)


def _only(file: FileTables, wanted: Collection[str]) -> FileTables:
    tables = (
        replace(t, columns=tuple(c for c in t.columns if c.name in wanted)) for t in file.tables
    )
    return replace(file, tables=tuple(tables))


def _one_table(
    source: SourceFile, label: str, columns: dict[str, np.ndarray], wanted: Collection[str] | None
) -> FileTables:
    kept = [
        column_of(name, values)
        for name, values in columns.items()
        if wanted is None or name in wanted
    ]
    n_rows = len(next(iter(columns.values())))
    rows = np.arange(1, n_rows + 1, dtype=np.int32)
    table = Table(source.name, stem_of(source.name), tuple(kept), rows)
    return FileTables(label, "text", (table,))


def _vectors(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Variables of one length as columns: a table saved variable by variable."""
    vectors = {name: v.ravel() for name, v in arrays.items() if 1 in v.shape and v.size > 1}
    lengths = {len(values) for values in vectors.values()}
    if len(lengths) != 1 or len(vectors) < 2:
        raise BadFile(
            "The .mat file holds neither the arrays of the Severson study nor columns of one "
            "length; of structs, only the layouts of NASA and Oxford are known. Export the cycles "
            "in MATLAB with writetable(...) as CSV, one row per cycle."
        )
    return vectors


def _fits(_path: Path, start: bytes) -> bool:
    return start.startswith(b"MATLAB 5.0 MAT-file")


MAT = FileFormat("MAT", (".mat",), _fits, _read, notes=NOTES, label_notes=LABEL_NOTES)
