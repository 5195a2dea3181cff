"""Which columns become features, which describe a battery, and why others are left out."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.base.words import counted
from core.ingest.mapping import SEED_FEATURES, FeatureColumn
from core.ingest.recognition.column_names import (
    is_in,
    normalised,
    role_of,
    speaks_of_label,
    split_unit,
)
from core.ingest.recognition.evidence import Evidence, is_number_column
from core.ingest.recognition.known_names import CHARGE_CAPACITY, ENERGY, EQUIVALENT_CYCLES, TIMES
from core.ingest.table_rows import texts_of

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
# A feature may lack so many of its cells: their rows are then listed and may be left out.
_MAX_BLANK = 0.05


@dataclass(frozen=True)
class FeatureChoice:
    """Proposed features, columns that describe batteries, and (column, reason) of the rest."""

    features: tuple[FeatureColumn, ...]
    attributes: tuple[str, ...]
    left_out: tuple[tuple[str, str], ...]


def choose_features(evidence: Evidence, used: Collection[str]) -> FeatureChoice:
    """At most eight features: the preferred ones if the file has them, else the first ones."""
    free: list[str] = []
    attributes: list[str] = []
    left_out: dict[str, str] = {}
    for column in _all_columns(evidence):
        if column in used:
            continue
        reason = _reason(evidence, column)
        if reason:
            left_out[column] = reason
        elif _is_constant(evidence, column):
            attributes.append(column)
            left_out[column] = "is the same in all rows of a battery: it describes the battery"
        else:
            free.append(column)
    rank = {key: position for position, key in enumerate(_PREFERRED_FEATURES)}
    ordered = list(free)
    if sum(normalised(column) in rank for column in free) >= SEED_FEATURES:
        ordered.sort(key=lambda column: rank.get(normalised(column), len(rank)))
    chosen = ordered[:SEED_FEATURES]
    left_out |= dict.fromkeys(
        ordered[SEED_FEATURES:], f"{SEED_FEATURES} features are taken; choose it instead of another"
    )
    position = {column: place for place, column in enumerate(_all_columns(evidence))}
    return FeatureChoice(
        features=tuple(_feature(evidence, c) for c in sorted(chosen, key=position.__getitem__)),
        attributes=tuple(attributes),
        left_out=tuple(sorted(left_out.items(), key=lambda item: position[item[0]])),
    )


def _all_columns(evidence: Evidence) -> list[str]:
    return list(dict.fromkeys(name for table in evidence.tables for name in table.names))


def _reason(evidence: Evidence, column: str) -> str:
    """Why a column is no feature by default; "" where it may be one."""
    if column not in evidence.columns:
        return "is not in every table of the file"
    parts = evidence.parts(column)
    n_numbers, n_texts = sum(p.n_numbers for p in parts), sum(p.n_texts for p in parts)
    if not n_numbers and not n_texts:
        return "is empty"
    if is_in(column, CHARGE_CAPACITY):
        return "is a charge capacity, no discharge capacity and no state"
    if is_in(column, ENERGY):
        return "is an energy, close to the capacity itself"
    if is_in(column, EQUIVALENT_CYCLES):
        return "counts equivalent full cycles"
    if is_in(column, TIMES) or _is_row_counter(evidence, column):
        return "is a time or a position in the file"
    if not is_number_column(parts):
        if column.startswith("column "):
            return "is without a name and holds text"
        return "" if _is_constant(evidence, column) else "holds text"
    if role_of(column) is not None or speaks_of_label(column):
        return "is named like a label"
    if n_texts:
        row, text = next(example for part in parts for example in part.examples)
        return f"holds text (row {row}: {text[:20]!r})"
    if any(part.doubt for part in parts):
        return next(part.doubt for part in parts if part.doubt)
    blank = evidence.n_rows - n_numbers
    if blank > _MAX_BLANK * evidence.n_rows:
        return f"{counted(blank, 'cell')} of {evidence.n_rows:,} are blank or infinite"
    return ""


def _is_constant(evidence: Evidence, column: str) -> bool:
    """Whether a column never changes within a battery (a protocol, a chemistry, a set point)."""
    if evidence.n_rows <= len(evidence.codes.categories):
        return False
    if is_number_column(evidence.parts(column)):
        values = pd.Series(evidence.numbers(column))
    else:
        values = pd.Series(texts_of(evidence.tables, column).codes).replace(-1, np.nan)
    groups = values.groupby(np.asarray(evidence.codes.codes))
    return bool((groups.nunique() <= 1).all())


def _is_row_counter(evidence: Evidence, column: str) -> bool:
    """Whether a column without a telling name counts the rows of each table."""
    if not (column.startswith(("column ", "Unnamed")) or not normalised(column)):
        return False
    parts = evidence.parts(column)
    return all(len(p.numbers) > 1 and bool((np.diff(p.numbers) == 1).all()) for p in parts)


def _feature(evidence: Evidence, column: str) -> FeatureColumn:
    name, unit = split_unit(column)
    unit = unit or evidence.unit(column) or _KNOWN_UNITS.get(normalised(column), "")
    return FeatureColumn(name or column, unit, column)
