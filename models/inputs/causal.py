"""Inputs of the trees and the linear model: features of a row of a battery and of its past.

Windows are counted in cycles, not in rows, because recordings have gaps of up to 150 cycles.
The inputs of a row depend on that row and the rows before it, never on later ones.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from models.inputs.predictor import Asked
from models.inputs.series import BatterySeries, Floats, Integers, Task

# The median of five rows ignores up to two outliers.
MEDIAN_ROWS = 5
MEAN_CYCLES = 10
EARLY_CYCLES = 10
SLOPE_CYCLES = (30, 100)
CAPACITY_SLOPE_CYCLES = (10, 30, 100)

# Per feature; `mean` is over the last 10 cycles, `early` over the battery's first 10.
FEATURE_BLOCKS = (
    "now",
    "mean",
    "early",
    "since_early",
    "below_peak",
    "above_trough",
    "peak_age",
    "slope_30",
    "slope_100",
)
TIME_COLUMNS = ("cycle", "sqrt_cycle", "log_cycle")
CAPACITY_COLUMNS = ("known", "pcl", "below_mean", "slope_10", "slope_30", "slope_100")


@dataclass(frozen=True)
class _Past:
    """Smoothed values (n, K) of one battery and their running sums.

    The sum over a window is the difference of two running sums. Values are centred first: sums of
    large numbers would lose the digits that slopes need.
    """

    cycle: Floats
    middle: Floats
    value: Floats
    sums: tuple[Floats, Floats, Floats, Floats]

    def first_of(self, window_cycles: float) -> Integers:
        """Return each row's first row with cycle > its own cycle - window, (n,)."""
        return np.searchsorted(self.cycle, self.cycle - window_cycles, side="right")

    def mean(self, first: Integers, last: Integers) -> Floats:
        """Return means over rows first..last, (n, K)."""
        total = self.sums[2]
        count = (last + 1 - first)[:, None]
        return (total[last + 1] - total[first]) / count + self.middle

    def slope(self, window_cycles: float) -> Floats:
        """Return least-squares slopes per cycle over the last cycles, (n, K); 0 for one row."""
        first, end = self.first_of(window_cycles), np.arange(1, len(self.cycle) + 1)
        t, tt, x, tx = (total[end] - total[first] for total in self.sums)
        count = (end - first)[:, None]
        spread = tt - t * t / count
        product = tx - t * x / count
        return np.where(spread > 0.4, product / np.maximum(spread, 0.4), 0.0)


def causal_names(task: Task) -> tuple[str, ...]:
    """Return the names of the inputs, `block:feature`, in the order of `causal_features`."""
    names = [f"{block}:{name}" for block in FEATURE_BLOCKS for name in task.feature_names]
    names += [f"time:{name}" for name in TIME_COLUMNS]
    if task.use_capacity_history:
        names += [f"capacity:{name}" for name in CAPACITY_COLUMNS]
    if task.is_forecast:
        names.append("age:cycles")
    return tuple(names)


def columns_of(task: Task, blocks: Sequence[str]) -> Integers:
    """Return the positions of the inputs that belong to some blocks or are named in full."""
    names = causal_names(task)
    wanted = set(blocks)
    kept = [i for i, n in enumerate(names) if n in wanted or n.split(":")[0] in wanted]
    return np.array(kept, dtype=np.int64)


def causal_features(series: BatterySeries, asked: Asked, task: Task) -> Floats:
    """Return (m, P), a row for each question: the state of the battery at `asked.source`.

    Features keep their units; slopes are per cycle, `peak_age` and `age` in cycles, capacities as
    PCL (fraction). Capacity columns are NaN as long as no capacity has been measured.
    """
    cycle = np.asarray(series.cycle_num, np.float64)
    parts = [_feature_blocks(cycle, series.features), _time(cycle)]
    if task.use_capacity_history:
        parts.append(_capacity(cycle, series.soh))
    found = np.hstack(parts)[asked.source]
    if not task.is_forecast:
        return found
    age = asked.cycle - series.cycle_num[asked.source]
    return np.column_stack([found, age])


def last_pcl(series: BatterySeries) -> Floats:
    """Return the last measured PCL up to each row, (n,); NaN before the first."""
    known = np.isfinite(series.soh)
    last = np.maximum.accumulate(np.where(known, np.arange(len(series)), -1))
    return np.where(last >= 0, 1.0 - series.soh[np.maximum(last, 0)], np.nan)


def _past(cycle: Floats, value: Floats) -> _Past:
    # Centred on the first row, not on the mean: later rows must not change earlier results.
    middle = value[0]
    centred, time = value - middle, (cycle - cycle[:1])[:, None]
    t, tt, x, tx = (_running(x) for x in (time, time * time, centred, time * centred))
    return _Past(cycle, middle, value, (t, tt, x, tx))


def _running(x: Floats) -> Floats:
    return np.vstack([np.zeros(x.shape[1]), np.cumsum(x, axis=0)])


def _feature_blocks(cycle: Floats, features: Floats) -> Floats:
    past = _past(cycle, _median(features))
    rows = np.arange(len(cycle))
    mean = past.mean(past.first_of(MEAN_CYCLES), rows)
    early_end = np.searchsorted(cycle, cycle[:1] + EARLY_CYCLES, side="right") - 1
    early = past.mean(np.zeros_like(rows), np.minimum(rows, early_end))
    peak = np.maximum.accumulate(mean, axis=0)
    blocks = {
        "now": past.value,
        "mean": mean,
        "early": early,
        "since_early": mean - early,
        "below_peak": peak - mean,
        "above_trough": mean - np.minimum.accumulate(mean, axis=0),
        "peak_age": _since_peak(cycle, peak),
        **{f"slope_{cycles}": past.slope(cycles) for cycles in SLOPE_CYCLES},
    }
    return np.hstack([blocks[name] for name in FEATURE_BLOCKS])


def _median(features: Floats) -> Floats:
    """Return medians over the last rows, (n, F); before the first row, that row is repeated."""
    padded = np.concatenate([np.repeat(features[:1], MEDIAN_ROWS - 1, axis=0), features])
    windows = sliding_window_view(padded, MEDIAN_ROWS, axis=0)
    return np.partition(windows, MEDIAN_ROWS // 2, axis=-1)[..., MEDIAN_ROWS // 2]


def _since_peak(cycle: Floats, peak: Floats) -> Floats:
    """Return the cycles since each feature was at its highest, (n, F)."""
    is_new = np.vstack([np.ones((1, peak.shape[1]), bool), np.diff(peak, axis=0) > 0])
    at = np.maximum.accumulate(np.where(is_new, cycle[:, None], -np.inf), axis=0)
    return cycle[:, None] - at


def _time(cycle: Floats) -> Floats:
    return np.column_stack([cycle, np.sqrt(cycle), np.log1p(cycle)])


def _capacity(cycle: Floats, soh: Floats) -> Floats:
    """Return (n, 6): whether a capacity is known, and PCL, its recent mean and slopes."""
    known = np.flatnonzero(np.isfinite(soh))
    found = np.full((len(soh), len(CAPACITY_COLUMNS)), np.nan)
    found[:, 0] = 0.0
    if not len(known):
        return found
    past = _past(cycle[known], 1.0 - soh[known, None])
    mean = past.mean(past.first_of(MEAN_CYCLES), np.arange(len(known)))
    slopes = [past.slope(cycles) for cycles in CAPACITY_SLOPE_CYCLES]
    measured = np.hstack([np.ones_like(mean), past.value, past.value - mean, *slopes])
    last = np.searchsorted(known, np.arange(len(soh)), side="right") - 1
    found[last >= 0] = measured[last[last >= 0]]
    return found
