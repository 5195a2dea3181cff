"""Finds feature columns that contain the answer or the future, from their values alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

Fact = Literal["life", "record", "capacity", "near_capacity", "scaled", "padded"]

# Measured features of 318 real cells have correlations of at most 0.9857 with RUL or life
# fraction, and of at most 0.9963 (median over the cells) with capacity.
ENCODES = 0.999
EQUALS = 0.99999
MOST = 0.5
NEARLY_ALL = 0.9
MIN_BATTERIES = 3
MIN_ROWS = 20
EXACT = 1e-9
STANDARDISED_WITHIN = 1e-6
PADDED_ROWS = 20
PADDED_SHARE = 0.05


@dataclass(frozen=True)
class ColumnFact:
    """What one feature column gives away.

    fact : "life" follows RUL or life fraction, "record" the share of the record that has passed,
        "capacity" is the capacity in another form, "near_capacity" follows it within batteries,
        "scaled" was normalised by each battery's whole life, "padded" is constant at the end
    strength : the correlation (0 to 1), or the share of the batteries that show it
    """

    column: str
    fact: Fact
    strength: float


def column_facts(
    frame: pd.DataFrame, lives: Mapping[str, float], columns: Sequence[str]
) -> list[ColumnFact]:
    """Find what the columns give away.

    Parameters
    ----------
    frame : battery_code, cycle_num, pcl, rul and `columns`, by battery and cycle; NaN = unknown
    lives : cycle life by battery code, where it is known
    """
    parts = [(str(code), part) for code, part in frame.groupby("battery_code", observed=True)]
    parts = [(code, part) for code, part in parts if len(part) >= MIN_ROWS]
    facts = []
    if len(parts) >= MIN_BATTERIES:
        facts += _pooled_facts(parts, lives, columns)
    facts += [fact for column in columns for fact in _battery_facts(parts, column)]
    return facts


def _pooled_facts(
    parts: Sequence[tuple[str, pd.DataFrame]], lives: Mapping[str, float], columns: Sequence[str]
) -> list[ColumnFact]:
    """Columns that follow RUL, life fraction or share of the record, over all batteries.

    All batteries are taken together, because within one battery every steady counter follows RUL.
    The column must also follow it more closely than the cycle number does, because batteries may
    live equally long.
    """
    pooled = {
        name: np.concatenate([_clock(part, name, lives.get(code)) for code, part in parts])
        for name in (*columns, "cycle_num", "rul", "life_fraction", "record_fraction")
    }
    facts = []
    for column in columns:
        by_cycle = _correlation(pooled[column], pooled["cycle_num"])
        life = max(_correlation(pooled[column], pooled[n]) for n in ("rul", "life_fraction"))
        record = _correlation(pooled[column], pooled["record_fraction"])
        if life >= ENCODES and life > by_cycle:
            facts.append(ColumnFact(column, "life", life))
        elif record >= ENCODES and record > by_cycle:
            facts.append(ColumnFact(column, "record", record))
    return facts


def _clock(part: pd.DataFrame, name: str, life: float | None) -> np.ndarray:
    """Values of a column of one battery, of its life fraction or of its record fraction."""
    if name not in ("life_fraction", "record_fraction"):
        return part[name].to_numpy(np.float64, na_value=np.nan)
    cycle = part["cycle_num"].to_numpy(np.float64)
    if name == "life_fraction":
        return cycle / life if life else np.full(len(cycle), np.nan)
    return (cycle - cycle[0]) / max(cycle[-1] - cycle[0], 1.0)


def _correlation(first: np.ndarray, second: np.ndarray) -> float:
    """The larger of |Pearson| and |Spearman|; 0 with too few rows."""
    known = np.isfinite(first) & np.isfinite(second)
    if known.sum() < MIN_ROWS:
        return 0.0
    one, two = first[known], second[known]
    ranks = pd.DataFrame({"one": one, "two": two}).rank().to_numpy()
    return max(_pearson(one, two), _pearson(ranks[:, 0], ranks[:, 1]))


def _pearson(first: np.ndarray, second: np.ndarray) -> float:
    """|Pearson| of two columns, rounded to 9 digits; 0 if one of them is constant."""
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return 0.0
    with np.errstate(invalid="ignore"):
        value = float(np.corrcoef(first, second)[0, 1])
    return round(abs(value), 9) if np.isfinite(value) else 0.0


def _battery_facts(parts: Sequence[tuple[str, pd.DataFrame]], column: str) -> list[ColumnFact]:
    """Facts that a column shows within most single batteries."""
    values = [part[column].to_numpy(np.float64) for _, part in parts]
    varying = [array for array in values if np.isfinite(array).all() and np.ptp(array) > 0]
    if len(varying) < max(2, MOST * len(parts)):
        return []
    facts = []
    close = [
        _pearson(part[column].to_numpy(np.float64)[known], part["pcl"].to_numpy(np.float64)[known])
        for _, part in parts
        if (known := np.isfinite(part["pcl"].to_numpy(np.float64))).sum() >= MIN_ROWS
    ]
    typical = float(np.median(close)) if close else 0.0
    if typical >= ENCODES:
        fact: Fact = "capacity" if typical >= EQUALS else "near_capacity"
        facts.append(ColumnFact(column, fact, typical))
    scaled = float(np.mean([_is_scaled(array) for array in varying]))
    if scaled >= NEARLY_ALL:
        facts.append(ColumnFact(column, "scaled", scaled))
    padded = float(np.mean([_is_padded(array) for array in varying]))
    if padded > MOST:
        facts.append(ColumnFact(column, "padded", padded))
    return facts


def _is_scaled(values: np.ndarray) -> bool:
    """Whether values run exactly from 0 (or -1) to 1, or have mean 0 and deviation 1."""
    low, high = values.min(), values.max()
    if abs(high - 1.0) <= EXACT and min(abs(low), abs(low + 1.0)) <= EXACT:
        return True
    deviations = (values.std(), values.std(ddof=1))
    return bool(
        abs(values.mean()) <= STANDARDISED_WITHIN
        and min(abs(deviation - 1.0) for deviation in deviations) <= STANDARDISED_WITHIN
    )


def _is_padded(values: np.ndarray) -> bool:
    """Whether a column is constant over a long end but changes from row to row before it."""
    moves = np.flatnonzero(np.diff(values) != 0)
    still = len(values) - 1 - (moves[-1] + 1)
    before = values[: len(values) - still]
    lively = len(moves) >= MOST * len(before)
    return bool(still >= max(PADDED_ROWS, PADDED_SHARE * len(values)) and lively)
