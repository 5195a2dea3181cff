"""LINEAR: ridge regression on what a cycle says together with its past."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from models.causal import columns_of
from models.config import Hyperparameters
from models.one_round import report_once
from models.predictor import Asked, EpochReport, Fitted
from models.ridge import Ridge, fit_ridge, restore_ridge
from models.series import BatterySeries, Floats, Integers, Task
from models.tabular import AnswerScale, Table, fit_answer_scale, make_table, restore_scale

# Chosen by leaving out batteries of the Severson training split. The first cycles and slopes tell
# PCL where a battery started; for RUL they only told the training batteries apart.
BLOCKS = {
    "PCL": (
        "now",
        "mean",
        "early",
        "since_early",
        "below_peak",
        "above_trough",
        "peak_age",
        "slope_30",
        "slope_100",
        "time",
        "capacity",
    ),
    "RUL": (
        "now",
        "mean",
        "since_early",
        "below_peak",
        "above_trough",
        "peak_age",
        "time",
        "capacity",
    ),
}


@dataclass(frozen=True)
class Linear:
    """One ridge regression per target."""

    scale: AnswerScale
    ridges: tuple[Ridge, ...]

    def predict(self, series: BatterySeries, asked: Asked) -> Floats:
        """Return (m, T) in physical units."""
        inputs = self.scale.inputs(series, asked)
        return self.scale.restore(self.learned(inputs), self.scale.offset(series, asked))

    def learned(self, inputs: Floats) -> Floats:
        """Return answers on the learned scale, (m, T)."""
        task = self.scale.task
        return np.column_stack(
            [
                ridge.predict(with_age(inputs, task, name))
                for name, ridge in zip(task.targets, self.ridges, strict=True)
            ]
        )

    def content(self) -> dict[str, Any]:
        """Return tensors and plain values."""
        return {"scale": self.scale.content(), "ridges": [r.content() for r in self.ridges]}


def with_age(inputs: Floats, task: Task, target: str) -> Floats:
    """Return the inputs of one target: forecasts of PCL let every rate act for the age, too.

    What changes until the cycle asked for is a rate times the cycles up to there, and rates depend
    on the state. RUL is learned at the source row: it needs no age.
    """
    if target == "RUL" or not task.is_forecast:
        return inputs
    share = inputs[:, -1:] / task.max_horizon
    return np.hstack([inputs, inputs * share])


def fit_linear(table: Table, scale: AnswerScale, hp: Hyperparameters) -> Linear:
    """Fit every target of a table."""
    task, ridges = scale.task, []
    for index, name in enumerate(task.targets):
        inputs, columns = with_age(table.inputs, task, name), _columns(task, name)
        known = np.isfinite(table.learned[:, index])
        ridges.append(
            fit_ridge(
                inputs[known],
                table.learned[known, index],
                columns,
                hp.ridge_alpha,
            )
        )
    return Linear(scale, tuple(ridges))


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
    """Solve for the weights; `val` is only scored."""
    on_stage("Solving")
    scale = fit_answer_scale(train, task)
    predictor = fit_linear(make_table(train, task, scale, hp.seed), scale, hp)
    on_epoch(report_once(predictor, train, val, task, hp))
    return Fitted(predictor, best_epoch=1, epochs_run=1, stopped_early=False)


def restore(content: dict[str, Any], hp: Hyperparameters, task: Task) -> Linear:
    """Rebuild the predictor; raises KeyError, TypeError or ValueError if it is damaged."""
    ridges = tuple(restore_ridge(part) for part in content["ridges"])
    if len(ridges) != len(task.targets):
        raise ValueError("The fits do not match the targets.")
    return Linear(restore_scale(content["scale"], task), ridges)


def _columns(task: Task, target: str) -> Integers:
    columns = columns_of(task, BLOCKS[target])
    if target == "RUL" or not task.is_forecast:
        return columns
    age = columns_of(task, ("age",))
    width = age[0] + 1
    return np.concatenate([columns, age, columns + width, age + width])
