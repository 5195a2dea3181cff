"""Completes a column mapping that the user wrote in part."""

from collections.abc import Mapping
from typing import Any

from core.ingest.mapping import ColumnMapping
from core.ingest.recognition.questions import answered

COLUMN_KEYS = (
    "battery_column",
    "cycle_column",
    "capacity_column",
    "pcl_column",
    "soh_column",
    "rul_column",
    "life_column",
    "nominal_column",
    "split_column",
    "direction_column",
)


def chosen_mapping(proposed: ColumnMapping, given: Mapping[str, Any]) -> ColumnMapping:
    """Replace parts of the proposed mapping by those that the user gave.

    A column to which the user gives a meaning loses its proposed one.

    Raises
    ------
    InvalidInput
        A key is unknown or its value has the wrong type.
    """
    checked = ColumnMapping.from_json(given)
    if "capacity_unit" in given:
        proposed = answered(proposed, "capacity_unit", checked.capacity_unit)
    named = {column for _, column in checked.named_columns()}
    merged = proposed.to_json()
    for key in COLUMN_KEYS:
        if merged[key] in named:
            merged[key] = None
    if merged["direction_column"] is None:
        merged["discharge_value"] = None
    if {"nominal_capacity_ah", "nominal_column"} & set(given):
        merged["nominal_by_battery"] = {}
    merged["features"] = [
        feature for feature in merged["features"] if feature["source_column"] not in named
    ]
    return ColumnMapping.from_json({**merged, **given})
