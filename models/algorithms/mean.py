"""MEAN, the floor of estimates: the mean of the training batteries at the same cycle."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from models.inputs.at_once import fitted_at_once
from models.inputs.predictor import Asked, EpochReport, Fitted
from models.inputs.series import BatterySeries, Floats, Integers, Task
from models.settings.hyperparameters import Hyperparameters


@dataclass(frozen=True)
class MeanCurve:
    """The mean of each target over the training batteries, by cycle number.

    cycles, values: per target (n,), the cycles at which any training battery has a label, and the
    mean over the batteries with a label there; PCL as a fraction and RUL in cycles. The mean is
    interpolated between these cycles, and constant before the first and after the last. So a
    battery that outlives all training batteries keeps the RUL that the longest-lived of them had
    at its last cycle: 0 if it was cycled to its end of life.
    """

    cycles: tuple[Integers, ...]
    values: tuple[Floats, ...]

    def at(self, cycle: Integers) -> Floats:
        """Return the means at some cycles, (m, T)."""
        curves = zip(self.cycles, self.values, strict=True)
        return np.column_stack([np.interp(cycle, x, y) for x, y in curves])

    def predict(self, series: BatterySeries, asked: Asked) -> Floats:
        """Return (m, T) in physical units; only the cycles to predict are used."""
        return self.at(asked.cycle)

    def content(self) -> dict[str, Any]:
        """Return the curves as tensors."""
        return {
            "cycles": [torch.tensor(x) for x in self.cycles],
            "values": [torch.tensor(y) for y in self.values],
        }


def fit_mean(train: Sequence[BatterySeries]) -> MeanCurve:
    """Average the labels of the training batteries by cycle number."""
    cycle: Integers = np.concatenate([s.cycle_num for s in train]).astype(np.int64)
    targets: Floats = np.concatenate([s.targets for s in train])
    cycles, values = [], []
    for column in targets.T:
        known = np.isfinite(column)
        at, index = np.unique(cycle[known], return_inverse=True)
        cycles.append(at)
        values.append(np.bincount(index, weights=column[known]) / np.bincount(index))
    return MeanCurve(tuple(cycles), tuple(values))


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
    """Average the training batteries; `val` is only scored."""
    on_stage("Averaging the training batteries")
    return fitted_at_once(fit_mean(train), train, val, task, hp, on_epoch)


def restore(content: dict[str, Any], hp: Hyperparameters, task: Task) -> MeanCurve:
    """Rebuild the curves; raises KeyError, TypeError or ValueError if they are damaged."""
    curve = MeanCurve(
        tuple(x.numpy() for x in content["cycles"]), tuple(y.numpy() for y in content["values"])
    )
    if not len(curve.cycles) == len(curve.values) == len(task.targets):
        raise ValueError("The curves do not match the targets.")
    return curve
