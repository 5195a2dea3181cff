"""LINEAR: ridge regression on the features of a cycle and of its past."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from models.algorithms.ridge import Ridge, fit_ridge, restore_ridge
from models.inputs.at_once import fitted_at_once
from models.inputs.causal import columns_of
from models.inputs.predictor import Asked, EpochReport, Fitted
from models.inputs.series import BatterySeries, Floats, Task
from models.inputs.tabular import AnswerScale, Table, fit_answer_scale, make_table, restore_scale
from models.settings.hyperparameters import LinearSettings

# Chosen by leaving out batteries of the Severson training split. The first cycles and slopes help
# to predict PCL; for RUL they only let the model recognise the training batteries.
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
        """Return answers on the learned scale, clipped near the range of training, (m, T)."""
        pairs = zip(self.scale.task.targets, self.ridges, strict=True)
        found = [ridge.predict(design(inputs, self.scale, name)) for name, ridge in pairs]
        return np.clip(np.column_stack(found), self.scale.floor, self.scale.top)

    def content(self) -> dict[str, Any]:
        """Return tensors and plain values."""
        return {"scale": self.scale.content(), "ridges": [r.content() for r in self.ridges]}


def design(inputs: Floats, scale: AnswerScale, target: str) -> Floats:
    """Return the columns of the regression of one target, from inputs (m, P).

    RUL: the blocks of the target, clipped to the range of training. PCL: the blocks and their
    signed square roots, which shorten the long tails of inputs; in forecasts also all of these
    times the age, because the change up to the cycle to predict is a rate, which depends on the
    state, times the number of cycles. RUL is learned at the source row, so it needs no age.
    """
    task = scale.task
    columns = columns_of(task, BLOCKS[target])
    chosen = inputs[:, columns]
    if target == "RUL":
        return np.clip(chosen, scale.least[columns], scale.most[columns])
    scaled = (chosen - scale.means[columns]) / scale.stds[columns]
    found = np.hstack([chosen, np.sign(scaled) * np.sqrt(np.abs(scaled))])
    if not task.is_forecast:
        return found
    share = inputs[:, -1:] / task.max_horizon
    return np.hstack([found, share, found * share])


def fit_linear(table: Table, scale: AnswerScale, hp: LinearSettings) -> Linear:
    """Fit every target of a table."""
    ridges = []
    for index, name in enumerate(scale.task.targets):
        known = np.isfinite(table.learned[:, index])
        inputs = design(table.inputs[known], scale, name)
        ridges.append(fit_ridge(inputs, table.learned[known, index], hp.ridge_alpha))
    return Linear(scale, tuple(ridges))


def fit(
    train: Sequence[BatterySeries],
    val: Sequence[BatterySeries],
    task: Task,
    hp: LinearSettings,
    *,
    threads: int,
    on_epoch: Callable[[EpochReport], None],
    on_stage: Callable[[str], None],
) -> Fitted:
    """Solve for the weights; `val` is only scored."""
    on_stage("Fitting the linear model")
    scale = fit_answer_scale(train, task, hp.seed)
    predictor = fit_linear(make_table(train, task, scale, hp.seed), scale, hp)
    return fitted_at_once(predictor, train, val, task, hp, on_epoch)


def restore(content: dict[str, Any], hp: LinearSettings, task: Task) -> Linear:
    """Rebuild the predictor; raises KeyError, TypeError or ValueError if it is damaged."""
    ridges = tuple(restore_ridge(part) for part in content["ridges"])
    if len(ridges) != len(task.targets):
        raise ValueError("The fits do not match the targets.")
    return Linear(restore_scale(content["scale"], task), ridges)
