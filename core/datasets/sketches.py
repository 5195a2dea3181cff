"""Sketches recognise a battery by its measured capacities, whatever its code and cycle numbers.

The noise of an instrument never repeats: two files have many capacities equal to the sixth digit
only if they hold the same cycles. The sketch of a battery keeps

- up to 256 of its capacities (and up to 128 of its runs of eight capacities in a row, for files
  with few digits), chosen by hash (bottom-k sampling, Cohen & Kaplan 2007): two files choose the
  same ones, so shared ones can be counted without the cycles, and missing rows do not matter;
- how often capacities repeat within the record, which tells how much a shared one means;
- median capacities of stretches of cycles, for copies that were rounded to a few digits;
- its first and last capacity and cycle, for files that continue another one.

All values are ln(capacity in Ah). A sketch finds which batteries to compare; where it cannot tell a
copy from a cell that ages alike, their capacities decide (core.leakage.digits). For the measured
accuracy see docs/decisions/009 and 015.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

SKETCH_VERSION = 1
KEPT_VALUES = 256
KEPT_RUNS = 128
RUN_LENGTH = 8
MIN_CYCLES = 12
# In ln(capacity): wider than the rounding of float32 and of files with seven digits.
GRID = 2e-6
MEDIAN_GRID = 1e-5
# Stretches of cycles for the medians; each is 15 % longer than the one before.
STRETCH_EDGES = np.unique(np.round(10 * 1.15 ** np.arange(44)).astype(np.int64))
_HASH_RANGE = 2**31


@dataclass(frozen=True)
class CapacityRecord:
    """The known capacities of one battery, (n,) in Ah and above 0, and their cycle numbers."""

    cycle_num: np.ndarray
    capacity_ah: np.ndarray


def known_record(capacity_ah: np.ndarray, cycle_num: np.ndarray) -> CapacityRecord:
    """The rows whose capacity is known.

    Parameters
    ----------
    capacity_ah : (n,) in the order of the cycles; NaN where unknown
    cycle_num : (n,) increasing
    """
    capacity = np.asarray(capacity_ah, dtype=np.float64)
    known = np.isfinite(capacity) & (capacity > 0)
    return CapacityRecord(np.asarray(cycle_num, dtype=np.int64)[known], capacity[known])


def sketch(capacity_ah: np.ndarray, cycle_num: np.ndarray) -> list[Any]:
    """Make the sketch of one battery, ready for JSON; [] with too few capacities.

    Parameters
    ----------
    capacity_ah : (n,) in the order of the cycles; NaN where unknown
    cycle_num : (n,) increasing
    """
    record = known_record(capacity_ah, cycle_num)
    if len(record.capacity_ah) < MIN_CYCLES:
        return []
    log_capacity, cycles = np.log(record.capacity_ah), record.cycle_num
    steps = np.round(log_capacity / GRID).astype(np.int64)
    values, value_repeats = _sampled(_mixed(steps), KEPT_VALUES)
    runs, run_repeats = _sampled(_hashed_runs(steps), KEPT_RUNS)
    return [
        SKETCH_VERSION,
        [values.tolist(), value_repeats],
        [runs.tolist(), run_repeats],
        _medians(cycles, log_capacity),
        [float(log_capacity[0]), float(log_capacity[-1])],
        [int(cycles[0]), int(cycles[-1])],
    ]


def is_current(stored: Sequence[Any] | None) -> bool:
    """Whether a stored sketch has the present format."""
    return stored is not None and (not stored or stored[0] == SKETCH_VERSION)


def _sampled(hashes: np.ndarray, kept: int) -> tuple[np.ndarray, float]:
    """The smallest different hashes, sorted, and the share of rows whose hash repeats."""
    if not len(hashes):
        return hashes, 1.0
    different, counts = np.unique(hashes, return_counts=True)
    repeated = 1.0 - float((counts == 1).sum()) / len(hashes)
    return different[:kept], round(repeated, 4)


def _mixed(numbers: np.ndarray) -> np.ndarray:
    """Hash whole numbers to evenly spread ones below 2^31 (the finaliser of SplitMix64)."""
    mixed = numbers.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return ((mixed ^ (mixed >> np.uint64(31))) % np.uint64(_HASH_RANGE)).astype(np.int64)


def _hashed_runs(steps: np.ndarray) -> np.ndarray:
    """Hash every run of RUN_LENGTH rows."""
    n_runs = len(steps) - RUN_LENGTH + 1
    if n_runs < 1:
        return np.array([], dtype=np.int64)
    hashes = np.zeros(n_runs, dtype=np.int64)
    for offset in range(RUN_LENGTH):
        hashes = _mixed(hashes * _HASH_RANGE + steps[offset : offset + n_runs])
    return hashes


def _medians(cycles: np.ndarray, log_capacity: np.ndarray) -> list[int | None]:
    """Median of each stretch that the record covers, in steps of MEDIAN_GRID; else None."""
    bounds = np.searchsorted(cycles, STRETCH_EDGES)
    medians: list[int | None] = []
    for place, (start, end) in enumerate(pairwise(bounds)):
        low, high = STRETCH_EDGES[place], STRETCH_EDGES[place + 1]
        covered = cycles[0] <= low and cycles[-1] >= high - 1 and 2 * (end - start) >= high - low
        value = np.median(log_capacity[start:end]) if covered else None
        medians.append(None if value is None else round(float(value) / MEDIAN_GRID))
    while medians and medians[-1] is None:
        medians.pop()
    return medians
