"""Units and scale of capacity, SOH, PCL and RUL, judged on whole columns."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from core.base.words import rounded
from core.ingest.mapping import CapacityUnit, ShareUnit
from core.ingest.recognition.column_names import unit_in_name
from core.ingest.recognition.evidence import Evidence

Kind = Literal["capacity", "fraction", "percent", "specific"]
# A capacity without a unit in this range is that of a usual cell in Ah, from here on in mAh.
_SURELY_AH = (0.95, 3.6)
_SURELY_MAH = 400.0
# First values of a share of nominal capacity lie so close to 1 for every battery.
_NEAR_ONE = 0.006


@dataclass(frozen=True)
class CapacityScale:
    """What the numbers of a capacity column are.

    kind : "capacity"; or a share of nominal capacity; or "specific" (mAh/g)
    unit : of a capacity
    told : whether the file names the unit
    sure : whether the unit is clear, by its name or the size of the numbers
    """

    kind: Kind
    unit: CapacityUnit = "Ah"
    told: bool = False
    sure: bool = True


def unit_of(evidence: Evidence, column: str) -> str:
    """The unit in the column's name, or in its cells or row of units."""
    return unit_in_name(column) or evidence.unit(column)


def capacity_scale(evidence: Evidence, column: str, cumulative: bool) -> CapacityScale:
    """Whether a capacity column holds Ah, mAh, a share or mAh/g."""
    unit = unit_of(evidence, column)
    if "/g" in unit:
        return CapacityScale("specific", told=True)
    if unit in ("Ah", "mAh"):
        return CapacityScale("capacity", "mAh" if unit == "mAh" else "Ah", told=True)
    if unit == "percent":
        return CapacityScale("percent", told=True)
    values = evidence.numbers(column)
    tops = evidence.tops(values)
    if tops.empty:
        return CapacityScale("capacity")
    if not cumulative:
        share = _share(values, tops)
        if share is not None:
            return CapacityScale(share)
    typical = float(tops.median())
    if typical >= _SURELY_MAH:
        return CapacityScale("capacity", "mAh")
    sure = _SURELY_AH[0] <= typical <= _SURELY_AH[1]
    return CapacityScale("capacity", "Ah", sure=sure)


def _share(values: np.ndarray, tops: "pd.Series") -> Kind | None:
    """Whether all batteries start at 1 or 100 and none lies above."""
    top = float(np.nanmax(values))
    if (np.abs(tops - 1) <= _NEAR_ONE).all() and top <= 1.02:
        return "fraction"
    if (np.abs(tops - 100) <= 100 * _NEAR_ONE).all() and top <= 102:
        return "percent"
    return None


def share_unit(evidence: Evidence, column: str, role: Literal["pcl", "soh"]) -> ShareUnit | None:
    """Fraction or percent of an SOH or PCL column; None where the numbers fit both."""
    unit = unit_of(evidence, column)
    if unit == "percent":
        return "percent"
    values = evidence.numbers(column)
    values = values[np.isfinite(values)]
    if not len(values):
        return "fraction"
    if role == "soh":
        return "percent" if np.median(values) > 1.5 else "fraction"
    largest = float(np.max(values))
    if largest > 1:
        return "percent"
    # A loss of at most 2 %: end of a short test, or percent of a shorter one.
    return "fraction" if largest > 0.02 else None


def rul_fault(evidence: Evidence, column: str) -> str:
    """Why a column of RUL is none in cycles; "" where it is."""
    if unit_of(evidence, column) == "percent":
        return f"{column!r} holds RUL in percent, not in cycles"
    values = evidence.numbers(column)
    known = values[np.isfinite(values)]
    if not len(known):
        return ""
    if known.max() <= 1 and (known != np.floor(known)).any():
        return f"{column!r} holds RUL as a share of life (1 to 0), not in cycles"
    firsts = evidence.by_battery(values).groupby(level=0, sort=False).first()
    lengths = pd.Series(evidence.codes).value_counts()
    if len(firsts) > 1 and (firsts == 100).all() and lengths.nunique() > 1 and known.max() <= 100:
        return f"{column!r} starts at 100 for every battery: RUL in percent, not in cycles"
    return ""


def about(value: float) -> str:
    """A typical value in a sentence."""
    return f"about {rounded(value, 3)}"
