"""LAST_VALUE, a floor of forecasts: the capacity stays at its last measured value."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from models.algorithms import mean
from models.algorithms.mean import MeanCurve, fit_mean
from models.inputs.at_once import fitted_at_once
from models.inputs.predictor import Asked, EpochReport, Fitted
from models.inputs.series import BatterySeries, Floats, Integers, Task
from models.settings.hyperparameters import Hyperparameters


@dataclass(frozen=True)
class LastValue:
    """Predicts the last measured PCL; the training mean where none has been measured yet."""

    curve: MeanCurve

    def predict(self, series: BatterySeries, asked: Asked) -> Floats:
        """Return PCL (m, 1) as a fraction, from the capacity up to `asked.source`."""
        last = last_known(series.soh)[asked.source]
        return np.where(last < 0, self.curve.at(asked.cycle)[:, 0], 1.0 - series.soh[last])[:, None]

    def content(self) -> dict[str, Any]:
        """Return the mean curve as tensors."""
        return self.curve.content()


def last_known(soh: Floats) -> Integers:
    """Return for each row the latest row, up to this one, with a known capacity; -1 if none."""
    rows = np.arange(len(soh), dtype=np.int64)
    return np.maximum.accumulate(np.where(np.isfinite(soh), rows, -1))


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
    """Fit only the training mean, which replaces a missing last value."""
    on_stage("Scoring")
    return fitted_at_once(LastValue(fit_mean(train)), train, val, task, hp, on_epoch)


def restore(content: dict[str, Any], hp: Hyperparameters, task: Task) -> LastValue:
    """Rebuild the predictor; raises KeyError, TypeError or ValueError if it is damaged."""
    return LastValue(mean.restore(content, hp, task))
