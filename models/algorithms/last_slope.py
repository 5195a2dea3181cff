"""LAST_SLOPE, a floor of forecasts: the straight line through the last 50 rows, prolonged."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from models.algorithms import mean
from models.algorithms.last_value import last_known
from models.algorithms.mean import MeanCurve, fit_mean
from models.inputs.at_once import fitted_at_once
from models.inputs.predictor import Asked, EpochReport, Fitted
from models.inputs.series import BatterySeries, Floats, Integers, Task
from models.settings.hyperparameters import Hyperparameters

ROWS = 50
# A line through fewer rows says nothing about the next hundred cycles; the last value is the
# stronger floor there.
FEWEST_ROWS = 5
# Number of rows whose windows are held in memory together.
CHUNK_ROWS = 10_000


@dataclass(frozen=True)
class LastSlope:
    """Predicts PCL on the least-squares line of the last rows; without any, the training mean."""

    curve: MeanCurve

    def predict(self, series: BatterySeries, asked: Asked) -> Floats:
        """Return PCL (m, 1) as a fraction, from the capacity up to `asked.source`.

        With fewer than five measured rows, the last value is returned.
        """
        known = np.flatnonzero(np.isfinite(series.soh))
        if not len(known):
            return self.curve.at(asked.cycle)
        cycle, value = series.cycle_num[known].astype(np.float64), 1.0 - series.soh[known]
        at_cycle, at_value, slope = recent_lines(cycle, value)
        last = last_known(series.soh)[asked.source]
        line = np.searchsorted(known, np.maximum(last, known[0]))
        ahead = at_value[line] + slope[line] * (asked.cycle - at_cycle[line])
        found = np.where(line + 1 < FEWEST_ROWS, value[line], ahead)
        return np.where(last < 0, self.curve.at(asked.cycle)[:, 0], found)[:, None]

    def content(self) -> dict[str, Any]:
        """Return the mean curve as tensors."""
        return self.curve.content()


def recent_lines(cycle: Floats, value: Floats) -> tuple[Floats, Floats, Floats]:
    """Return the least-squares line of the last 50 rows up to each row, (n,) each.

    The line is given by mean cycle, mean value and slope per cycle; the slope of one row is 0.
    """
    parts = [
        _lines(cycle, value, np.arange(start, min(start + CHUNK_ROWS, len(cycle))))
        for start in range(0, len(cycle), CHUNK_ROWS)
    ]
    middle, level, slope = (np.concatenate(column) for column in zip(*parts, strict=True))
    return middle, level, slope


def _lines(cycle: Floats, value: Floats, rows: Integers) -> tuple[Floats, Floats, Floats]:
    index = rows[:, None] + np.arange(1 - ROWS, 1)
    there = index >= 0
    index = np.maximum(index, 0)
    count = there.sum(axis=1)
    middle = (cycle[index] * there).sum(axis=1) / count
    level = (value[index] * there).sum(axis=1) / count
    # Centred before squaring, because squares of large cycle numbers would lose digits.
    x = (cycle[index] - middle[:, None]) * there
    y = (value[index] - level[:, None]) * there
    spread = (x * x).sum(axis=1)
    slope = (x * y).sum(axis=1) / np.where(spread > 0, spread, 1.0)
    return middle, level, slope


def fit(
    train: Sequence[BatterySeries],
    val: Sequence[BatterySeries],
    task: Task,
    hp: Hyperparameters,
    *,
    threads: int,
    on_epoch: Callable[[EpochReport], None],
    on_stage: Callable[[str], None],
) -> Fitted:
    """Fit only the training mean, which replaces a missing line."""
    on_stage("Scoring")
    return fitted_at_once(LastSlope(fit_mean(train)), train, val, task, hp, on_epoch)


def restore(content: dict[str, Any], hp: Hyperparameters, task: Task) -> LastSlope:
    """Rebuild the predictor; raises KeyError, TypeError or ValueError if it is damaged."""
    return LastSlope(mean.restore(content, hp, task))
