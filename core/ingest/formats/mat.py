"""Reads the MATLAB v5 file of the Severson study: flat arrays, one battery after the other."""

from collections.abc import Collection
from pathlib import Path

import numpy as np
import pandas as pd

from core.base.errors import BadFile
from core.ingest.formats.file_format import FileFormat, SourceFile
from core.ingest.formats.mat5 import read_arrays
from core.ingest.formats.zip_archive import stem_of
from core.ingest.limits import Limits, Progress
from core.ingest.recognition.severson_file import (
    BATTERY_COLUMN,
    CYCLES,
    FEATURE_NAMES,
    FEATURES,
    PCL,
    RUL,
    SPLIT_COLUMN,
)
from core.ingest.table import Column, FileTables, Table

LABEL_NOTES = (
    "The PCL of this file was repaired with statistics of each battery's whole life and with "
    "the next cycle; forecasts inherit that.",
)
NOTES = ("The features of this file are trailing means over 10 cycles.", *LABEL_NOTES)
_COUNTS = "Num_Cycles_Flt"
_ROLES = {"train_ind": "train", "test_ind": "val", "secondary_test_ind": "test"}


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
    for name in (CYCLES, PCL, RUL):
        if name in arrays:
            columns[name] = _of_length(_flat(arrays, name), n_cycles, name)
    columns.update(_feature_columns(arrays[FEATURES], n_cycles))
    if any(name in arrays for name in _ROLES):
        columns[SPLIT_COLUMN] = np.repeat(_roles(arrays, len(counts)), counts)
    return columns


def _load(path: Path, limits: Limits) -> dict[str, np.ndarray]:
    names = (CYCLES, _COUNTS, FEATURES, PCL, RUL, *_ROLES)
    arrays = read_arrays(path, names, limits)
    missing = [name for name in (FEATURES, CYCLES, _COUNTS) if name not in arrays]
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
    if n_features not in (3, len(FEATURE_NAMES)):
        raise BadFile(f"{FEATURES} has {n_features} columns; 3 or 8 are expected.")
    _of_length(features, n_cycles, FEATURES)
    return {f"{FEATURES}(:,{i + 1})": features[:, i] for i in range(n_features)}


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
    source: SourceFile, _wanted: Collection[str] | None, _on_progress: Progress
) -> FileTables:
    columns = read_columns(source.path, source.limits)
    n_rows = len(columns[CYCLES])
    made = tuple(_column(name, values) for name, values in columns.items())
    rows = np.arange(1, n_rows + 1, dtype=np.int32)
    table = Table(source.name, stem_of(source.name), made, rows)
    return FileTables("MATLAB 5 file of the Severson study", "structure", (table,))


def _column(name: str, values: np.ndarray) -> Column:
    if values.dtype == object:
        texts = pd.Categorical(values.astype(str))
        return Column(name, np.full(len(values), np.nan), texts, n_texts=len(values))
    return Column(name, values.astype(np.float64))


def _fits(_path: Path, start: bytes) -> bool:
    return start.startswith(b"MATLAB 5.0 MAT-file")


MAT = FileFormat("MAT", (".mat",), _fits, _read, notes=NOTES, label_notes=LABEL_NOTES)
