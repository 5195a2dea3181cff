"""Finds isolated readings: rows whose SOH is far lower than that of the rows around them.

A cycle that was cut short, or a gap of the instrument, reads low once; the battery itself does not
recover. Such a row is kept, but ends no life (docs/domain.md).
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.lib.stride_tricks import sliding_window_view

from core.ingest.battery_rows import stretches

NEIGHBOURS = 5
DEPTH = 0.05
LAST_STEP_FACTOR = 5.0
MOST_SHARE = 0.25
FEWEST_OF_MANY = 4
# Differences smaller than this come from rounding.
ROUNDING = 1e-7


def isolated_mask(soh: np.ndarray) -> np.ndarray:
    """Mark the isolated readings of one battery.

    Parameters
    ----------
    soh : (n_cycles,) SOH as a fraction in the order of the cycles, NaN where blank

    Returns
    -------
    (n_cycles,) bool. A row at 0 or below is always isolated, a blank one never.
    """
    known = np.isfinite(soh)
    mask = known & (soh <= 0)
    positions = np.flatnonzero(known & (soh > 0))
    values = soh[positions]
    if len(values) > 1:
        mask[positions] = _lows(values)
        mask[positions[-1]] = _is_cut_last_row(values)
    return mask


def isolated_rows(cycles: pd.DataFrame) -> np.ndarray:
    """Mark the isolated readings of several batteries.

    cycles : battery_code and pcl (fraction), sorted by battery and cycle

    Returns (n_rows,) bool.
    """
    soh = 1.0 - cycles["pcl"].to_numpy(dtype=np.float64, na_value=np.nan)
    mask = np.zeros(len(cycles), dtype=bool)
    for _code, rows in stretches(cycles["battery_code"]):
        mask[rows] = isolated_mask(soh[rows])
    return mask


def too_many_isolated(soh: np.ndarray, isolated: np.ndarray) -> bool:
    """Whether so many rows of a battery are isolated that no life can be told.

    soh, isolated : (n_cycles,) as in `isolated_mask`
    """
    count, known = int(isolated.sum()), int(np.isfinite(soh).sum())
    return count >= FEWEST_OF_MANY and count > MOST_SHARE * known


def usual_step(cycle_num: np.ndarray) -> int | None:
    """The distance in cycles that most neighbours of a sorted list keep; None if none does.

    At least half of the distances, and at least two, must be equal.
    """
    steps, counts = np.unique(np.diff(cycle_num), return_counts=True)
    if not len(steps):
        return None
    best = int(np.argmax(counts))
    return int(steps[best]) if counts[best] >= max(2, counts.sum() / 2) else None


def check_up_rows(soh: np.ndarray) -> np.ndarray:
    """Positions of single rows that read far higher than the rows around them, as check-ups do.

    soh : (n_cycles,) as in `isolated_mask`
    """
    positions = np.flatnonzero(np.isfinite(soh) & (soh > 0))
    if len(positions) < 2:
        return positions[:0]
    values = soh[positions]
    around = _windows(values)
    before, later = _median(around[:, :NEIGHBOURS]), _median(around[:, NEIGHBOURS + 1 :])
    # The first row has none before it, the last none after it: the other side decides.
    higher = values > np.fmax(before, later) + DEPTH + ROUNDING
    return positions[higher]


def listed_readings(cycles: pd.DataFrame, isolated: np.ndarray) -> list[Mapping[str, object]]:
    """Isolated readings for a report: battery_code, cycle_num and soh (fraction) of each."""
    rows = cycles.loc[isolated, ["battery_code", "cycle_num", "pcl"]]
    return [
        {"battery_code": str(code), "cycle_num": int(cycle), "soh": round(1.0 - float(pcl), 6)}
        for code, cycle, pcl in rows.itertuples(index=False, name=None)
    ]


def _lows(values: np.ndarray) -> np.ndarray:
    windows = _windows(values)
    pooled = _median(np.delete(windows, NEIGHBOURS, axis=1))
    later = _median(windows[:, NEIGHBOURS + 1 :])
    margin = DEPTH + ROUNDING
    # The last value has none after it, so this is false for it.
    return (values < pooled - margin) & (later > values + margin)


def _windows(values: np.ndarray) -> np.ndarray:
    """(n, 11) each value in the middle of those around it, NaN beyond the ends."""
    edge = np.full(NEIGHBOURS, np.nan)
    padded = np.concatenate([edge, values, edge])
    return sliding_window_view(padded, 2 * NEIGHBOURS + 1)


def _median(windows: np.ndarray) -> np.ndarray:
    """Median of each row without its NaN; sorting is much faster than `np.nanmedian`."""
    ordered = np.sort(windows, axis=1)
    count = np.isfinite(windows).sum(axis=1)
    rows = np.arange(len(windows))
    return (ordered[rows, (count - 1) // 2] + ordered[rows, count // 2]) / 2.0


def _is_cut_last_row(values: np.ndarray) -> bool:
    """Whether the last value falls far more steeply than the five before it did.

    Without two values before it nothing tells what is steep.
    """
    before = values[-NEIGHBOURS - 1 : -1]
    if len(before) < 2:
        return False
    step = before[-1] - values[-1]
    steepest = max(0.0, float(np.max(-np.diff(before))))
    return bool(step > DEPTH + ROUNDING and step > LAST_STEP_FACTOR * steepest)
