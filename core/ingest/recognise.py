"""Guesses what a file's columns mean from their names and first values."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from core.base.words import rounded
from core.ingest.mapping import (
    SEED_FEATURES,
    CapacityUnit,
    ColumnMapping,
    FeatureColumn,
    ShareUnit,
)
from core.ingest.numbers import is_missing, parse_number

_ALIASES: dict[str, tuple[str, ...]] = {
    role: tuple(names.split())
    for role, names in {
        "battery": "batterycode battery batteryid batteryname batterynumber cellid cellcode cell "
        "cellname cellnumber barcode serialnumber",
        "cycle": "cycle cyclenum cyclenumber cycleindex cyclecount cycles cycleno cyclec cyclenr",
        "capacity": "dischargecapacity cycledischargingcapacity dischargingcapacity capacity "
        "capacitydischarge qdischarge qd qdis cap",
        "pcl": "pcl percentagecapacityloss capacityloss capacityfade",
        "soh": "soh stateofhealth capacityretention relativecapacity",
        "rul": "rul remainingusefullife remainingcycles",
        "split": "split grouptag subset partition role",
    }.items()
}
# Columns that hold a label, a time or a position in the file, not the battery's state.
_NEVER_FEATURES = frozenset(
    name
    for names in (
        "chargecapacity chargingcapacity cyclechargingcapacity dischargeenergy dischargingenergy",
        "cycledischargingenergy chargeenergy chargingenergy cyclechargingenergy cyclelife",
        "eolcycle endoflife datapoint rec index stepindex step stepcount testtime steptime",
        "unixtime datetime time starttime endtime date timestamp row id",
    )
    for name in names.split()
)
# The charge-end columns that severson_8_features.csv also has, then the three others whose
# rank correlation with capacity is highest over the MIT and XJTU cells together.
_PREFERRED_FEATURES: dict[str, str] = {
    "voltagemean": "V",
    "ccq": "Ah",
    "ccchargetime": "s",
    "cvq": "Ah",
    "cvchargetime": "s",
    "voltageskewness": "",
    "currentslope": "",
    "voltageentropy": "",
}
_KNOWN_UNITS: dict[str, str] = {
    **_PREFERRED_FEATURES,
    "voltagestd": "V",
    "currentmean": "A",
    "currentstd": "A",
    "dqdvslope": "Ah",
    "dqdvintercept": "1/Ah",
    "slope": "Ah",
    "intercept": "1/Ah",
    "dqdvmax": "Ah/V",
    "dqdvmin": "Ah/V",
    "dqdvvariance": "(Ah/V)^2",
    "ir": "ohm",
    "tavg": "degC",
    "chargetime": "min",
}
_UNIT_WORDS: dict[str, str] = {
    "ah": "Ah",
    "mah": "mAh",
    "wh": "Wh",
    "v": "V",
    "mv": "mV",
    "volt": "V",
    "a": "A",
    "ma": "mA",
    "ampere": "A",
    "s": "s",
    "sec": "s",
    "second": "s",
    "seconds": "s",
    "min": "min",
    "minute": "min",
    "h": "h",
    "hour": "h",
    "c": "degC",
    "degc": "degC",
    "celsius": "degC",
    "k": "K",
    "ohm": "ohm",
    "mohm": "mohm",
    "percent": "percent",
    "pct": "percent",
    "%": "percent",
    "cycles": "cycles",
    "watt": "W",
}
# As the last word of a name these are a unit only after such a word: not in dqdv_min.
_UNIT_ONLY_AFTER: dict[str, str] = {
    "min": "time",
    "h": "time",
    "c": "temperature",
    "k": "temperature",
    "a": "current",
}
# fmt: off
_USUAL_CAPACITIES_AH = np.array([
    0.2, 0.25, 0.3, 0.5, 0.74, 0.85, 1.0, 1.1, 1.35, 1.5, 2.0,
    2.2, 2.5, 2.6, 2.8, 3.0, 3.2, 3.5, 4.0, 4.5, 5.0,
])
# fmt: on
# A first capacity below this is the beginning of a time series, not a cycle's capacity.
_SMALLEST_CAPACITY_AH = 1e-3


@dataclass(frozen=True)
class Proposal:
    """A proposed mapping, and sentences on its guesses."""

    mapping: ColumnMapping
    guesses: tuple[str, ...]


def propose_mapping(
    columns: Sequence[str], samples: Sequence[pd.DataFrame], one_battery_per_file: bool = False
) -> Proposal:
    """Propose a column mapping; `samples` are the first rows of one or more tables."""
    found = _recognise(columns)
    if one_battery_per_file:
        found.pop("battery", None)
    numeric = [name for name in numeric_columns(samples[0]) if name in columns]
    text_roles = ("battery", "split")
    found = {role: c for role, c in found.items() if role in text_roles or c in numeric}
    if "pcl" in found:
        found.pop("soh", None)
    mapping = ColumnMapping(
        battery_column=found.get("battery"),
        cycle_column=found.get("cycle"),
        capacity_column=found.get("capacity"),
        pcl_column=found.get("pcl"),
        soh_column=found.get("soh"),
        rul_column=found.get("rul"),
        split_column=found.get("split"),
    )
    mapping, guesses = _with_units(mapping, samples)
    features = _features(columns, numeric, mapping, samples)
    return Proposal(replace(mapping, features=features), guesses)


def numeric_columns(sample: pd.DataFrame) -> tuple[str, ...]:
    """Columns with numbers in at least half of the cells that are not blank.

    Half is enough, so that a column with a bad cell is mapped and the bad cell then reported.
    """
    return tuple(str(name) for name in sample.columns if _is_numeric(sample, str(name)))


def split_unit(column: str) -> tuple[str, str]:
    """Name and unit of a column: "Capacity (mAh)" and "capacity_mah" give "mAh"; "" = none."""
    column = column.strip()
    bracketed = re.fullmatch(r"(.+?)\s*[(\[]\s*([^()\[\]]{1,12})\s*[)\]]", column)
    if bracketed:
        return bracketed[1], _UNIT_WORDS.get(bracketed[2].strip().casefold(), bracketed[2].strip())
    parted = re.fullmatch(r"(.+?)\s*/\s*([^/]+)", column)
    if parted and parted[2].casefold() in _UNIT_WORDS:
        return parted[1], _UNIT_WORDS[parted[2].casefold()]
    words = re.split(r"[\s_]+", column.casefold())
    last = words[-1]
    if len(words) < 2 or last not in _UNIT_WORDS:
        return column, ""
    needed = _UNIT_ONLY_AFTER.get(last)
    if needed is not None and not any(needed.startswith(word) for word in words[:-1]):
        return column, ""
    return column[: -len(last)].rstrip(" _"), _UNIT_WORDS[last]


def round_to_usual_capacity(capacity_ah: float) -> float:
    """The usual nominal capacity nearest to a measured first capacity, both in Ah."""
    if not 0.15 < capacity_ah < 5.5:
        return float(f"{capacity_ah:.2g}")
    return float(
        _USUAL_CAPACITIES_AH[np.argmin(np.abs(np.log(_USUAL_CAPACITIES_AH / capacity_ah)))]
    )


def _key(column: str) -> str:
    return re.sub(r"[^a-z0-9]", "", split_unit(column)[0].casefold())


def _recognise(columns: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    keys = {column: _key(column) for column in columns}
    for role, aliases in _ALIASES.items():
        candidates = [column for column in columns if keys[column] in aliases]
        if candidates:
            found[role] = min(candidates, key=lambda column: aliases.index(keys[column]))
    return found


def _features(
    columns: Sequence[str],
    numeric: Sequence[str],
    mapping: ColumnMapping,
    samples: Sequence[pd.DataFrame],
) -> tuple[FeatureColumn, ...]:
    """At most eight features: the preferred ones if the file has them, else the first ones.

    Columns with blank or infinite cells in the samples are taken only if there are too few others.
    """
    used = {column for _role, column in mapping.named_columns()}
    labels = {alias for role, aliases in _ALIASES.items() if role != "split" for alias in aliases}
    free = [
        column
        for column in columns
        if column in numeric
        and column not in used
        and _key(column) not in _NEVER_FEATURES
        and _key(column) not in labels
    ]
    rank = {key: position for position, key in enumerate(_PREFERRED_FEATURES)}
    if sum(_key(column) in rank for column in free) >= SEED_FEATURES:
        free.sort(key=lambda column: rank.get(_key(column), len(rank)))
    clean_first = sorted(free, key=lambda column: not _is_finite(column, samples))
    chosen = set(clean_first[:SEED_FEATURES])
    return tuple(_feature(column) for column in free if column in chosen)


def _is_finite(column: str, samples: Sequence[pd.DataFrame]) -> bool:
    return all(np.isfinite(_sample_numbers(sample, column)).all() for sample in samples)


def _feature(column: str) -> FeatureColumn:
    name, unit = split_unit(column)
    return FeatureColumn(name or column, unit or _KNOWN_UNITS.get(_key(column), ""), column)


def _with_units(
    mapping: ColumnMapping, samples: Sequence[pd.DataFrame]
) -> tuple[ColumnMapping, tuple[str, ...]]:
    guesses: list[str] = []
    if mapping.pcl_column:
        unit = _share_unit(mapping.pcl_column, samples, largest_fraction=1.0)
        mapping = replace(mapping, pcl_unit=unit)
    if mapping.soh_column:
        unit = _share_unit(mapping.soh_column, samples, largest_fraction=1.5)
        mapping = replace(mapping, soh_unit=unit)
    if not mapping.capacity_column:
        return mapping, ()
    firsts = _first_values(mapping.capacity_column, samples)
    if not len(firsts):
        return mapping, ()
    typical = float(np.median(firsts))
    unit_in_name = split_unit(mapping.capacity_column)[1]
    capacity_unit: CapacityUnit = "Ah"
    if unit_in_name == "mAh" or (unit_in_name != "Ah" and typical >= 100):
        capacity_unit = "mAh"
        if unit_in_name != "mAh":
            guesses.append(f"The capacities (about {typical:.0f}) are taken to be in mAh.")
    first_ah = typical / 1000 if capacity_unit == "mAh" else typical
    if first_ah < _SMALLEST_CAPACITY_AH:
        return mapping, (
            "The capacities start near zero, as in a time series. FadeBench needs one row per "
            "cycle: summarise the file by cycle first.",
        )
    nominal = round_to_usual_capacity(first_ah)
    guesses.append(
        f"The nominal capacity of {nominal:g} Ah is a guess from the first measured capacity "
        f"({rounded(first_ah, 3)} Ah). Correct it if the data sheet says otherwise."
    )
    mapping = replace(mapping, capacity_unit=capacity_unit, nominal_capacity_ah=nominal)
    return mapping, tuple(guesses)


def _share_unit(column: str, samples: Sequence[pd.DataFrame], largest_fraction: float) -> ShareUnit:
    if split_unit(column)[1] == "percent":
        return "percent"
    values = np.concatenate([_sample_numbers(sample, column) for sample in samples])
    values = values[np.isfinite(values)]
    return "percent" if len(values) and np.median(values) > largest_fraction else "fraction"


def _first_values(column: str, samples: Sequence[pd.DataFrame]) -> np.ndarray:
    """The first positive value of each sample."""
    firsts = []
    for sample in samples:
        values = _sample_numbers(sample, column)
        positive = values[np.isfinite(values) & (values > 0)]
        firsts.extend(positive[:1])
    return np.array(firsts)


def _is_numeric(sample: pd.DataFrame, column: str) -> bool:
    n_numbers = int(np.isfinite(_sample_numbers(sample, column)).sum())
    n_filled = sum(not is_missing(cell) for cell in sample[column])
    return n_numbers > 0 and 2 * n_numbers >= n_filled


def _sample_numbers(sample: pd.DataFrame, column: str) -> np.ndarray:
    """A column's cells as numbers, NaN for blanks and texts; empty without such a column."""
    if column not in sample.columns:
        return np.array([])
    return np.array([_number_or_nan(cell) for cell in sample[column]], dtype=np.float64)


def _number_or_nan(cell: object) -> float:
    try:
        return parse_number(cell, decimal_comma=True)
    except ValueError:
        return float("nan")
