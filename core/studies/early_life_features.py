"""Features of a battery from its first k cycles; no later cycle is used."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from core.studies.battery_table import Floats

FIRST_CYCLE = 10
# The value at cycle 10 is the median of so many rows around it, that at k of the last ones.
ROWS = 5
LAST_PART = 0.2
MIN_ROWS = 10


def early_features(
    cycles: pd.DataFrame, columns: Mapping[str, str], k: int
) -> tuple[pd.DataFrame, list[str]]:
    """Per battery: value near cycle k, its change since cycle 10, slope and scatter.

    Parameters
    ----------
    cycles : battery_code, cycle_num and the columns, ordered by battery and cycle
    columns : column -> the quantity's name
    k : the last cycle that is used

    Returns
    -------
    One row per battery (index: battery_code) in the quantities' units (slopes: per cycle; scatter:
    standard deviation about the straight line), and the codes with fewer than 10 rows up to cycle
    k or none of the last fifth before it.
    """
    early = cycles[cycles["cycle_num"] <= k]
    rows, codes, short = [], [], []
    for code, part in early.groupby("battery_code", observed=True, sort=False):
        number = part["cycle_num"].to_numpy(np.float64)
        if len(part) < MIN_ROWS or number[-1] < (1 - LAST_PART) * k:
            short.append(str(code))
            continue
        codes.append(str(code))
        rows.append(_of_battery(number, part[list(columns)].to_numpy(np.float64), columns, k))
    unseen = set(map(str, cycles["battery_code"].unique())) - {*codes, *short}
    table = pd.DataFrame(rows, index=pd.Index(codes, name="battery_code"))
    return table, sorted([*short, *unseen])


def _of_battery(
    number: Floats, values: Floats, columns: Mapping[str, str], k: int
) -> dict[str, float]:
    found: dict[str, float] = {}
    near_ten = np.argsort(np.abs(number - FIRST_CYCLE), kind="stable")[:ROWS]
    later = number >= FIRST_CYCLE
    for position, name in enumerate(columns.values()):
        column = values[:, position]
        end = _median(column[-ROWS:])
        slope, scatter = _straight_line(number[later], column[later])
        found[f"{name}: at cycle {k}"] = end
        found[f"{name}: change from 10 to {k}"] = end - _median(column[near_ten])
        found[f"{name}: slope from 10 to {k}"] = slope
        found[f"{name}: scatter"] = scatter
    return found


def _median(values: Floats) -> float:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if len(known) else float("nan")


def _straight_line(x: Floats, y: Floats) -> tuple[float, float]:
    """Slope (per cycle) of a robust straight line, and the scatter about it.

    Theil's slope: the median over the pairs of rows (i, i + n/2). One glitch moves it little.
    """
    known = np.isfinite(y)
    x, y = x[known], y[known]
    half = len(x) // 2
    if half < 2:
        return float("nan"), float("nan")
    slope = float(np.median((y[half:] - y[:-half]) / (x[half:] - x[:-half])))
    residual = y - slope * x
    # 1.4826 times the median deviation is the standard deviation of a normal distribution.
    return slope, 1.4826 * float(np.median(np.abs(residual - np.median(residual))))


def complete_columns(table: pd.DataFrame, share: float = 0.9) -> Sequence[str]:
    """Names of the features that at least this share of the batteries has."""
    return [str(name) for name in table.columns if table[name].notna().mean() >= share]
