"""Reads a file with one row per battery; the user may state what its columns mean."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.base.errors import BadFile, InvalidInput
from core.cli.json_files import read_object
from core.studies.battery_table import GROUPS, BatteryTable
from core.studies.early_life_table import (
    LEFT_OUT,
    MAX_BYTES,
    TableColumns,
    make_table,
    propose_columns,
    propose_groups,
    read_battery_table,
)

# Key of the JSON file -> name of the meaning among the columns of a table.
COLUMN_KEYS = {
    "battery_column": "battery",
    "life_column": "life",
    "split_column": "split",
    "variance_feature": "variance",
}


@dataclass(frozen=True)
class ReadTable:
    """A table of batteries as `core.studies.early_life.create_from_table` takes it."""

    table: BatteryTable
    left_out: list[tuple[str, str]]
    variance: str | None


def read_table(path: Path, columns: Path | None) -> ReadTable:
    """Read a table; columns that the column file leaves out are recognised.

    Raises
    ------
    BadFile, InvalidInput
        The file or the meaning of its columns cannot be used; the message says what to change.
    """
    if not path.is_file():
        raise BadFile(f"There is no file at {path}.")
    given = read_object(columns) if columns else {}
    with path.open("rb") as stream:
        # One byte more than allowed is enough for the reader to refuse the file.
        raw = read_battery_table(path.name, stream.read(MAX_BYTES + 1))
    chosen = chosen_columns(propose_columns(raw), given)
    meanings = given.get("split_values", {})
    table, left_out = make_table(raw, chosen, meanings)
    known = propose_groups(raw, chosen.split) if chosen.split else {}
    unknown = sorted(set(meanings) - set(known))
    if unknown:
        raise InvalidInput(
            f"No battery has the split {unknown[0]!r}; there is {', '.join(known) or 'none'}."
        )
    return ReadTable(table, left_out, chosen.variance)


def chosen_columns(proposed: TableColumns, given: Mapping[str, Any]) -> TableColumns:
    """Replace the proposed meanings of columns by those that the user gave.

    A column to which the user gives a meaning loses its proposed one.

    Raises
    ------
    InvalidInput
        A key is unknown or its value has the wrong type.
    """
    for key, value in given.items():
        _check(key, value)
    keys = ("battery_column", "life_column", "split_column")
    named = {given[key] for key in keys if given.get(key)}
    merged = {
        name: given[key] if key in given else _unless(getattr(proposed, name), named)
        for key, name in COLUMN_KEYS.items()
    }
    left = [name for name in proposed.features if name not in named]
    features = tuple(given.get("features", left))
    if "variance_feature" not in given and merged["variance"] not in features:
        merged["variance"] = None
    return TableColumns(**merged, features=features)


def _unless(column: str | None, named: set[str]) -> str | None:
    return None if column in named else column


def _check(key: str, value: Any) -> None:
    groups = (*GROUPS, LEFT_OUT)
    if key == "features":
        ok = isinstance(value, list) and all(isinstance(name, str) for name in value)
        wanted = "a list of column names"
    elif key == "split_values":
        ok = isinstance(value, dict) and set(map(str, value.values())) <= set(groups)
        wanted = f"an object from values to {', '.join(groups)}"
    elif key in COLUMN_KEYS:
        ok = value is None or isinstance(value, str)
        wanted = "a column name or null"
    else:
        known = (*COLUMN_KEYS, "features", "split_values")
        raise InvalidInput(f"The columns have an unknown key {key!r}; use {', '.join(known)}.")
    if not ok:
        raise InvalidInput(f"{key!r} of the columns must be {wanted}, not {value!r}.")
