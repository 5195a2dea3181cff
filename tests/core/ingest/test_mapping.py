"""The column mapping: round trip through JSON, and what it refuses."""

import json
from dataclasses import replace

import pytest

from core.base.errors import InvalidInput
from core.ingest.mapping import ColumnMapping, EolRule, FeatureColumn, validate_mapping
from tests.core.ingest.files import TIDY

COLUMNS = ("cell", "cycle", "capacity_ah", "temp_degc", "pcl", "soh", "split", "rul")


def test_json_round_trip() -> None:
    full = replace(TIDY, split_column="split", eol_rule="consecutive", eol_consecutive=3)
    assert ColumnMapping.from_json(json.loads(json.dumps(full.to_json()))) == full
    assert ColumnMapping.from_json(json.dumps(full.to_json())) == full
    assert ColumnMapping.from_json({}) == ColumnMapping()


def test_feature_name_and_unit_may_be_left_out() -> None:
    mapping = ColumnMapping.from_json({"features": [{"source_column": "ir"}]})
    assert mapping.features == (FeatureColumn("ir", "", "ir"),)


@pytest.mark.parametrize(
    "data",
    [
        "{",
        "[]",
        {"colour": "red"},
        {"features": "ir"},
        {"features": [{"name": "ir"}]},
        {"features": [{"source_column": 3}]},
        {"capacity_unit": "kWh"},
        {"bad_rows": None},
        {"eol_consecutive": True},
        {"eol_consecutive": 2.5},
        {"eol_threshold": "0.8"},
        {"nominal_capacity_ah": [1.1]},
        {"battery_column": 3},
        {"split_values": {"train": 1}},
    ],
)
def test_malformed_json_is_refused(data: object) -> None:
    with pytest.raises(InvalidInput):
        ColumnMapping.from_json(data)  # type: ignore[arg-type]  # what a user's file may hold


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"battery_column": "nope"}, "no column 'nope'"),
        ({"cycle_column": "cell"}, "mapped twice"),
        ({"features": (FeatureColumn("x", "", TIDY.capacity_column or ""),)}, "mapped twice"),
        ({"features": (), "capacity_column": None}, "or choose features"),
        ({"direction_column": "soh"}, "rows of the discharge"),
        ({"nominal_by_battery": {"a": -1.0}}, "nominal capacity of a"),
        ({"features": tuple(FeatureColumn(c, "", c) for c in "abcdefghi")}, "no column"),
        ({"features": (FeatureColumn(" ", "", "temp_degc"),)}, "name"),
        ({"features": (FeatureColumn("x", "", "rul"), FeatureColumn("X", "", "soh"))}, "same name"),
        ({"eol_threshold": 0.55}, "between 0.60 and 0.95"),
        ({"eol_threshold": float("nan")}, "between 0.60 and 0.95"),
        ({"eol_consecutive": 0}, "consecutive"),
        ({"nominal_capacity_ah": None}, "nominal capacity"),
        ({"nominal_capacity_ah": 0.0}, "above 0"),
        ({"pcl_column": "pcl", "soh_column": "soh"}, "same thing"),
        ({"split_values": {"a": "tomorrow"}}, "train, val or test"),
    ],
)
def test_unusable_mapping_is_refused(change: dict[str, object], words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        validate_mapping(replace(TIDY, **change), COLUMNS)  # type: ignore[arg-type]


def test_more_than_64_features_are_refused() -> None:
    names = [f"f{i}" for i in range(65)]
    mapping = ColumnMapping(features=tuple(FeatureColumn(name, "", name) for name in names))
    with pytest.raises(InvalidInput, match="at most 64"):
        validate_mapping(mapping, names)


def test_no_label_column_is_allowed_with_a_warning() -> None:
    assert validate_mapping(TIDY, COLUMNS) == ()
    (warning,) = validate_mapping(replace(TIDY, capacity_column=None), COLUMNS)
    assert "no labels" in warning


def test_nominal_capacity_is_not_needed_where_the_file_brings_pcl() -> None:
    mapping = replace(TIDY, nominal_capacity_ah=None, pcl_column="pcl")
    assert validate_mapping(mapping, COLUMNS) == ()


def test_eol_rule_in_words() -> None:
    assert EolRule().describe() == "first cycle with SOH < 0.80"
    assert EolRule(0.85, "consecutive", 5).describe().endswith("5 cycles in a row")
    assert EolRule(0.85, "first_crossing", 5).run_length == 1
