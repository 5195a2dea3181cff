"""The steps on which rounded capacities lie, and the fade without its noise."""

import numpy as np

# Relative to the capacity: wider than the rounding of float32 and of files with seven digits.
EQUAL = 2e-6
SMALLEST_STEP = 4e-6
WHOLE_WITHIN = 0.1
NEARLY_ALL = 0.99
# The smallest gap between capacities may be a few steps, and short gaps tell the step best.
MOST_STEPS = 8
SHORT = 12


def lattice_step(capacity_ah: np.ndarray) -> float:
    """Distance in Ah of the steps on which all capacities lie; 0 if their digits are fine."""
    values = np.unique(capacity_ah)
    scale = float(np.median(values))
    gaps = np.sort(np.diff(values))
    gaps = gaps[gaps > EQUAL / 2 * scale]
    if not len(gaps):
        return 0.0
    for steps in range(1, MOST_STEPS + 1):
        step = _refined(gaps, float(gaps[0]) / steps)
        if step < SMALLEST_STEP * scale:
            break
        parts = gaps / step
        if (np.abs(parts - np.round(parts)) <= WHOLE_WITHIN).mean() >= NEARLY_ALL:
            return step
    return 0.0


def _refined(gaps: np.ndarray, step: float) -> float:
    """A step that fits the short gaps, then all of them, because one gap alone is inexact."""
    for longest in (SHORT, np.inf):
        chosen = gaps[gaps <= longest * step]
        if len(chosen):
            step = float(chosen.sum() / np.maximum(np.round(chosen / step), 1).sum())
    return step


def without_noise(values: np.ndarray, neighbours: int) -> np.ndarray:
    """Median of the neighbours before and after each row, the row itself left out."""
    padded = np.pad(values, neighbours, mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * neighbours + 1)
    medians: np.ndarray = np.median(np.delete(windows, neighbours, axis=1), axis=1)
    return medians
