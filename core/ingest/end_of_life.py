"""End of life of one battery by its capacity (docs/domain.md)."""

import numpy as np

from core.ingest.isolated_readings import isolated_mask, too_many_isolated
from core.ingest.mapping import EolRule

# 0.88 / 1.1 is 0.7999... in floating point: a row at the threshold is not below it.
TOLERANCE = 1e-7


def eol_cycle(cycle_num: np.ndarray, soh: np.ndarray, eol: EolRule) -> int | None:
    """The end-of-life cycle: the first row of the first run of rows below the threshold.

    Blank rows and, unless the rule counts them, isolated readings neither count for a run nor end
    it.

    Parameters
    ----------
    cycle_num, soh : (n_cycles,) in the order of the cycles; SOH a fraction, NaN where blank

    Returns
    -------
    None where no such run exists, and where so many readings are isolated that none can be told.
    """
    counts = counting_rows(soh, eol)
    if counts is None:
        return None
    below = is_below(soh[counts], eol)
    length = eol.run_length
    if len(below) < length:
        return None
    runs = np.convolve(below, np.ones(length, dtype=np.int64), mode="valid") == length
    return int(cycle_num[counts][np.argmax(runs)]) if runs.any() else None


def counting_rows(soh: np.ndarray, eol: EolRule) -> np.ndarray | None:
    """(n_cycles,) bool, the rows that end of life is judged by; None if too many are isolated."""
    known = np.isfinite(soh)
    if eol.count_isolated:
        return known
    isolated = isolated_mask(soh)
    return None if too_many_isolated(soh, isolated) else known & ~isolated


def is_below(soh: np.ndarray, eol: EolRule) -> np.ndarray:
    """Whether each SOH lies below the threshold; at the threshold is not below it."""
    return soh < eol.threshold - TOLERANCE


def recovers(cycle_num: np.ndarray, soh: np.ndarray, eol: EolRule, life: int) -> bool:
    """Whether a battery comes back to the threshold or above it after its end of life."""
    counts = counting_rows(soh, eol)
    if counts is None:
        return False
    later = counts & (cycle_num > life)
    return bool((~is_below(soh[later], eol)).any())
