"""TREES: gradient-boosted trees on what a cycle says together with its past.

Trees cannot extrapolate, and lives and fades longer than those trained on do occur: the trees learn
what a linear model of the same past leaves.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from sklearn.ensemble import HistGradientBoostingRegressor
from skops import io as skops_io
from threadpoolctl import threadpool_limits

from models.boosting import Boosted, Labelled, boost, reports_of
from models.causal import columns_of
from models.config import Hyperparameters
from models.linear import Linear, fit_linear
from models.linear import restore as restore_linear
from models.predictor import Asked, EpochReport, Fitted
from models.series import BatterySeries, Floats, Integers, Task
from models.tabular import Table, fit_answer_scale, make_table

# Fewer inputs than the linear model has: trees tell the few training batteries apart by them.
BLOCKS = ("mean", "above_trough", "slope_30", "slope_100", "time:cycle", "capacity", "age")
# What a saved model may hold beside what skops trusts anyway.
TRUSTED = ["sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor"]


@dataclass(frozen=True)
class Trees:
    """The linear model, and per target the trees that correct it."""

    linear: Linear
    columns: Integers
    models: tuple[HistGradientBoostingRegressor, ...]

    def predict(self, series: BatterySeries, asked: Asked) -> Floats:
        """Return (m, T) in physical units; uses the threads set for torch."""
        scale = self.linear.scale
        inputs = scale.inputs(series, asked)
        learned = self.linear.learned(inputs)
        if len(asked):
            # As many threads as torch may use: OpenMP's own default would take every core.
            with threadpool_limits(torch.get_num_threads()):
                for index, model in enumerate(self.models):
                    learned[:, index] += model.predict(inputs[:, self.columns])
        return scale.restore(learned, scale.offset(series, asked))

    def content(self) -> dict[str, Any]:
        """Return tensors and plain values; the trees as skops writes them, never as a pickle."""
        packed = [np.frombuffer(skops_io.dumps(model), np.uint8).copy() for model in self.models]
        return {
            "linear": self.linear.content(),
            "columns": torch.tensor(self.columns),
            "models": [torch.from_numpy(part) for part in packed],
        }


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
    """Boost each target until the validation batteries get no better; keep its best round."""
    torch.set_num_threads(threads)
    scale = fit_answer_scale(train, task, hp.seed)
    table, checked = (make_table(part, task, scale, hp.seed) for part in (train, val))
    linear = fit_linear(table, scale, hp)
    columns = columns_of(task, BLOCKS)
    boosted: list[Boosted] = []
    with threadpool_limits(threads):
        for index, name in enumerate(task.targets):
            on_stage(f"Training {name}")
            boosted.append(_boost_target(index, table, checked, linear, columns, hp))
    spread = np.nanstd(table.learned, axis=0)
    spread = np.where(spread > 1e-12, spread, 1.0)
    reports = reports_of(boosted, task.targets, spread, hp)
    for report in reports:
        on_epoch(report)
    predictor = Trees(linear, columns, tuple(b.model for b in boosted))
    best = min(reports, key=lambda report: report.val_loss).epoch
    return Fitted(predictor, best, len(reports), len(reports) < hp.boosting_rounds)


def restore(content: dict[str, Any], hp: Hyperparameters, task: Task) -> Trees:
    """Rebuild the predictor; raises KeyError, TypeError or ValueError if it is damaged."""
    linear = restore_linear(content["linear"], hp, task)
    models = tuple(
        skops_io.loads(part.numpy().tobytes(), trusted=TRUSTED) for part in content["models"]
    )
    if len(models) != len(task.targets):
        raise ValueError("The trees do not match the targets.")
    if not all(isinstance(model, HistGradientBoostingRegressor) for model in models):
        raise TypeError("The file holds something else than boosted trees.")
    return Trees(linear, content["columns"].numpy(), models)


def _boost_target(
    index: int, table: Table, checked: Table, linear: Linear, columns: Integers, hp: Hyperparameters
) -> Boosted:
    """Fit the trees of one target on a table; another one says when to stop."""
    parts = []
    for one in (table, checked):
        start = linear.learned(one.inputs)[:, index]
        known = np.isfinite(one.learned[:, index])
        rest = one.learned[known, index] - start[known]
        parts.append(Labelled(one.inputs[known][:, columns], rest))
    answers = linear.scale.restore(checked.learned, checked.offset)[known, index]

    def rmse_of(found: Floats) -> float:
        learned = np.zeros((len(found), checked.learned.shape[1]))
        learned[:, index] = start[known] + found
        restored = linear.scale.restore(learned, checked.offset[known])[:, index]
        return float(np.sqrt(np.mean((restored - answers) ** 2)))

    return boost(parts[0], parts[1], hp, rmse_of)
