"""The column mapping: the user's choice of what each column means, stored with the dataset."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal, cast, get_args

from core.base.errors import InvalidInput

# Features that `cycle_data` has columns for; those after them lie in `cycle_feature`.
SEED_FEATURES = 8
MAX_FEATURES = 64
EOL_RANGE = (0.60, 0.95)
ROLES = ("train", "val", "test")

# Roles of columns that hold a battery, a cycle or what a label is made of.
COLUMN_ROLES = ("battery", "cycle", "capacity", "pcl", "soh", "rul", "life", "nominal")
# Columns that say which rows are read, or which battery is for what.
ROW_ROLES = ("split", "direction")

CapacityUnit = Literal["Ah", "mAh"]
ShareUnit = Literal["fraction", "percent"]
EolRuleName = Literal["first_crossing", "consecutive"]
BadRows = Literal["stop", "drop"]
Layout = Literal["rows", "cells_in_columns", "cells_side_by_side", "cells_in_rows"]
Parts = Literal["ask", "join", "split"]

# The published Severson files call their two test sets test1 and test2.
SPLIT_VALUES: dict[str, str] = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test1": "val",
    "primary_test": "val",
    "test": "test",
    "testing": "test",
    "test2": "test",
    "secondary_test": "test",
}


@dataclass(frozen=True)
class FeatureColumn:
    """One model input: its name, its unit ("" where unknown) and the column it comes from."""

    name: str
    unit: str
    source_column: str


@dataclass(frozen=True)
class EolRule:
    """End of life: the first cycle with SOH below `threshold` (`consecutive` rows in a row)."""

    threshold: float = 0.80
    rule: EolRuleName = "first_crossing"
    consecutive: int = 1
    count_isolated: bool = False

    @property
    def run_length(self) -> int:
        """Number of rows in a row that must lie below the threshold."""
        return self.consecutive if self.rule == "consecutive" else 1

    def describe(self) -> str:
        """The rule in words, as stored with the dataset."""
        text = f"first cycle with SOH < {self.threshold:.2f}"
        if self.run_length > 1:
            text = f"{text}, {self.run_length} cycles in a row"
        return f"{text}, isolated readings counted" if self.count_isolated else text


@dataclass(frozen=True)
class ColumnMapping:
    """The meaning of a file's columns; None means that the file has no such column.

    battery_column : None = the code is the file's name (one battery per file)
    cycle_column : None = row order, counted from 1 within a battery
    split_values : value in the file -> "train" | "val" | "test", compared without case
    nominal_capacity_ah : of every battery in the file; needed to turn capacity into PCL
    nominal_column : each battery's nominal capacity, in `nominal_unit`; goes before the number
    life_column : each battery's cycle life, taken as its label where the file brings no RUL
    rul_eol_threshold : SOH at which the file's RUL or life ends, as stated; None = unknown
    count_isolated : let isolated readings end a life, too
    bad_rows : "stop" refuses a file with unusable rows, "drop" leaves those rows out
    sheet : worksheet of a workbook; None = all that hold the mapped columns
    nominal_by_battery : Ah by battery code, for those that differ from `nominal_capacity_ah`
    layout : "rows" has one row per battery and cycle; the others are turned into such rows, and
        the mapping then names the turned columns: "cells_in_columns" has a column of capacities
        per battery, "cells_side_by_side" a group of columns, "cells_in_rows" a row
    parts : of a battery whose cycle counter steps back: "join" continues the count, "split" makes
        each part a battery, "ask" refuses the file
    fill_down : a blank battery takes the one above
    direction_column, discharge_value : only rows with this text in that column are read
    cumulative : the capacity counter is never reset: a cycle's capacity is the difference
    accept_doubt : numbers that can be read in two ways are right as they were read
    """

    battery_column: str | None = None
    cycle_column: str | None = None
    capacity_column: str | None = None
    capacity_unit: CapacityUnit = "Ah"
    pcl_column: str | None = None
    pcl_unit: ShareUnit = "fraction"
    soh_column: str | None = None
    soh_unit: ShareUnit = "fraction"
    rul_column: str | None = None
    life_column: str | None = None
    nominal_column: str | None = None
    nominal_unit: CapacityUnit = "Ah"
    split_column: str | None = None
    split_values: dict[str, str] = field(default_factory=lambda: dict(SPLIT_VALUES))
    features: tuple[FeatureColumn, ...] = ()
    nominal_capacity_ah: float | None = None
    eol_threshold: float = 0.80
    eol_rule: EolRuleName = "first_crossing"
    eol_consecutive: int = 1
    count_isolated: bool = False
    rul_eol_threshold: float | None = None
    bad_rows: BadRows = "stop"
    sheet: str | None = None
    nominal_by_battery: dict[str, float] = field(default_factory=dict)
    layout: Layout = "rows"
    parts: Parts = "ask"
    fill_down: bool = False
    direction_column: str | None = None
    discharge_value: str | None = None
    cumulative: bool = False
    accept_doubt: bool = False

    @property
    def has_nominal(self) -> bool:
        """Whether every battery may have a nominal capacity."""
        given = self.nominal_capacity_ah is not None
        return given or self.nominal_column is not None or bool(self.nominal_by_battery)

    @property
    def eol(self) -> EolRule:
        """The end-of-life rule of this mapping."""
        return EolRule(self.eol_threshold, self.eol_rule, self.eol_consecutive, self.count_isolated)

    def named_columns(self) -> Iterator[tuple[str, str]]:
        """Yield (role in words, source column) for every column in use."""
        for role in (*COLUMN_ROLES, *ROW_ROLES):
            column = getattr(self, f"{role}_column")
            if column is not None:
                yield role, column
        for feature in self.features:
            yield f"feature {feature.name!r}", feature.source_column

    def to_json(self) -> dict[str, Any]:
        """JSON-ready dict; `ColumnMapping.from_json` reads it back."""
        return {**asdict(self), "features": [asdict(feature) for feature in self.features]}

    @classmethod
    def from_json(cls, data: Mapping[str, Any] | str) -> "ColumnMapping":
        """Read what `to_json` wrote (a dict, or JSON text); missing keys get their defaults.

        Raises InvalidInput for unknown keys and for values of the wrong type.
        """
        return _mapping_from_json(data)


def validate_mapping(mapping: ColumnMapping, columns: Sequence[str]) -> tuple[str, ...]:
    """Check a mapping against a file's columns; returns warnings to show.

    Raises InvalidInput when the mapping cannot be used, saying what to change.
    """
    _check_columns(mapping, columns)
    _check_features(mapping)
    _check_numbers(mapping)
    if mapping.pcl_column and mapping.soh_column:
        raise InvalidInput("PCL and SOH say the same thing: map one of them and clear the other.")
    if mapping.capacity_column and not (mapping.pcl_column or mapping.soh_column):
        if not mapping.has_nominal:
            raise InvalidInput(
                "Enter the nominal capacity in Ah: it is needed to turn capacity into PCL."
            )
        return ()
    labels = (mapping.pcl_column, mapping.soh_column, mapping.rul_column, mapping.life_column)
    if not any(labels):
        if not mapping.features:
            raise InvalidInput(
                "Map a column of capacity, PCL, SOH or RUL, or choose features: without them "
                "nothing is read of the file."
            )
        return (
            "No capacity, PCL, SOH or RUL column is mapped: the dataset will have no labels. "
            "Models can predict on it, but cannot be trained or scored.",
        )
    return ()


def _check_columns(mapping: ColumnMapping, columns: Sequence[str]) -> None:
    known = set(columns)
    roles: dict[str, str] = {}
    for role, column in mapping.named_columns():
        if column not in known:
            raise InvalidInput(
                f"The file has no column {column!r} (mapped as {role}). "
                f"Its columns are: {_short_list(columns)}."
            )
        if column in roles:
            raise InvalidInput(
                f"Column {column!r} is mapped twice, as {roles[column]} and as {role}. "
                "Choose one of the two."
            )
        roles[column] = role


def _check_features(mapping: ColumnMapping) -> None:
    names = [feature.name.strip().casefold() for feature in mapping.features]
    if len(names) > MAX_FEATURES:
        raise InvalidInput(
            f"{len(names)} feature columns are chosen; at most {MAX_FEATURES} are possible. "
            "Remove some."
        )
    if "" in names:
        raise InvalidInput("Give every feature a name.")
    if len(set(names)) < len(names):
        raise InvalidInput("Two features have the same name: give each its own.")


def _check_numbers(mapping: ColumnMapping) -> None:
    low, high = EOL_RANGE
    if not low <= mapping.eol_threshold <= high:
        raise InvalidInput(
            f"The end-of-life threshold must lie between {low:.2f} and {high:.2f} "
            f"(now {mapping.eol_threshold:g})."
        )
    stated = mapping.rul_eol_threshold
    if stated is not None and not low <= stated <= high:
        raise InvalidInput(
            f"The end of life of the file's RUL must lie between {low:.2f} and {high:.2f} "
            f"(now {stated:g})."
        )
    if not 1 <= mapping.eol_consecutive <= 1000:
        raise InvalidInput("The number of consecutive cycles must lie between 1 and 1000.")
    nominal = mapping.nominal_capacity_ah
    if nominal is not None and not 0 < nominal < 1e6:
        raise InvalidInput(f"The nominal capacity must be above 0 Ah (now {nominal:g}).")
    for code, capacity_ah in mapping.nominal_by_battery.items():
        if not 0 < capacity_ah < 1e6:
            raise InvalidInput(f"The nominal capacity of {code} must be above 0 Ah.")
    if (mapping.direction_column is None) != (mapping.discharge_value is None):
        raise InvalidInput("Say which text in which column marks the rows of the discharge.")
    wrong = sorted(set(mapping.split_values.values()) - set(ROLES))
    if wrong:
        raise InvalidInput(f"A split role must be train, val or test, not {wrong[0]!r}.")


def _short_list(names: Sequence[str]) -> str:
    shown = ", ".join(repr(name) for name in names[:20])
    return shown if len(names) <= 20 else f"{shown} and {len(names) - 20} more"


_CHOICES: dict[str, tuple[str, ...]] = {
    "capacity_unit": get_args(CapacityUnit),
    "nominal_unit": get_args(CapacityUnit),
    "pcl_unit": get_args(ShareUnit),
    "soh_unit": get_args(ShareUnit),
    "eol_rule": get_args(EolRuleName),
    "bad_rows": get_args(BadRows),
    "layout": get_args(Layout),
    "parts": get_args(Parts),
}


def _mapping_from_json(data: Mapping[str, Any] | str) -> ColumnMapping:
    if isinstance(data, str):
        try:
            data = cast("Mapping[str, Any]", json.loads(data))
        except json.JSONDecodeError as error:
            raise InvalidInput(f"The column mapping is not valid JSON: {error}.") from error
    if not isinstance(data, Mapping):
        raise InvalidInput("The column mapping must be a JSON object.")
    unknown = sorted(set(data) - {item.name for item in fields(ColumnMapping)})
    if unknown:
        raise InvalidInput(f"The column mapping has an unknown key {unknown[0]!r}.")
    return ColumnMapping(**{key: _checked_value(key, value) for key, value in data.items()})


def _checked_value(key: str, value: Any) -> Any:
    if key == "features":
        return _features_from_json(value)
    if key in _CHOICES:
        ok = value in _CHOICES[key] if isinstance(value, str) else False
    elif key == "split_values":
        ok = isinstance(value, Mapping) and all(
            isinstance(text, str) for pair in value.items() for text in pair
        )
        value = dict(value) if ok else value
    elif key == "eol_consecutive":
        ok = isinstance(value, int) and not isinstance(value, bool)
    elif key == "nominal_by_battery":
        ok = isinstance(value, Mapping) and all(map(_is_number, value.values()))
        value = {str(code): float(ah) for code, ah in value.items()} if ok else value
    elif key in ("count_isolated", "fill_down", "cumulative", "accept_doubt"):
        ok = isinstance(value, bool)
    elif key in ("eol_threshold", "nominal_capacity_ah", "rul_eol_threshold"):
        ok = _is_number(value)
        ok = ok or (value is None and key != "eol_threshold")
        value = float(value) if ok and value is not None else value
    else:
        ok = value is None or isinstance(value, str)
    if not ok:
        choices = f" (one of {', '.join(_CHOICES[key])})" if key in _CHOICES else ""
        raise InvalidInput(f"The column mapping's {key!r} cannot be {value!r}{choices}.")
    return value


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _features_from_json(value: Any) -> tuple[FeatureColumn, ...]:
    keys = {"name", "unit", "source_column"}
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise InvalidInput("The column mapping's 'features' must be a list.")
    for item in value:
        if (
            not isinstance(item, Mapping)
            or set(item) - keys
            or not isinstance(item.get("source_column"), str)
            or not all(isinstance(text, str) for text in item.values())
        ):
            raise InvalidInput(
                "Each of the column mapping's features needs 'source_column', and may have "
                "'name' and 'unit', all text."
            )
    return tuple(
        FeatureColumn(
            item.get("name", item["source_column"]), item.get("unit", ""), item["source_column"]
        )
        for item in value
    )
