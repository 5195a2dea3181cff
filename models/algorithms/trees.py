"""TREES: gradient-boosted trees on the features of a cycle and of its past.

Trees cannot predict values beyond those in training, which do occur; a linear model can, but its
predictions are sometimes far too large. So some trees learn the residuals of the linear model,
others learn without it, and the prediction is their weighted mean on the learned scale.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from sklearn.ensemble import HistGradientBoostingRegressor
from skops import io as skops_io
from threadpoolctl import threadpool_limits

from models.algorithms.boosting import Boosted, Labelled, boost
from models.algorithms.linear import Linear, fit_linear
from models.algorithms.linear import restore as restore_linear
from models.inputs.causal import columns_of
from models.inputs.predictor import Asked, EpochReport, Fitted
from models.inputs.series import BatterySeries, Floats, Task
from models.inputs.tabular import Table, fit_answer_scale, make_table
from models.settings.hyperparameters import TreesSettings

_PAST = ("mean", "above_trough", "slope_30", "slope_100", "time:cycle", "capacity", "age")
_PRESENT = ("now", "mean", "time:cycle", "capacity", "age")
# Types that a saved model may hold, besides those that skops trusts by itself.
TRUSTED = ["sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor"]


@dataclass(frozen=True)
class Part:
    """A group of trees of one target: its weight, its inputs, and the model that it corrects."""

    share: float
    after_linear: bool
    blocks: tuple[str, ...]


# Chosen by leaving out batteries of the Severson training split. PCL is nearly linear in the past,
# RUL is not. Trees get fewer inputs than the linear model: the first cycles, for example, would let
# them recognise the few training batteries.
PARTS = {
    "PCL": (Part(2 / 3, True, _PAST), Part(1 / 3, False, _PRESENT)),
    "RUL": (Part(1 / 3, True, _PAST), Part(2 / 3, False, _PAST)),
}


@dataclass(frozen=True)
class Trees:
    """The linear model, and per target the trees of each of its `PARTS`."""

    linear: Linear
    models: tuple[tuple[HistGradientBoostingRegressor, ...], ...]

    def predict(self, series: BatterySeries, asked: Asked) -> Floats:
        """Return (m, T) in physical units; uses the threads set for torch."""
        scale = self.linear.scale
        inputs = scale.inputs(series, asked)
        start, learned = self.linear.learned(inputs), np.zeros((len(asked), len(self.models)))
        if not len(asked):
            return learned
        # The same number of threads as torch; OpenMP would use all cores by default.
        with threadpool_limits(torch.get_num_threads()):
            for index, (name, models) in enumerate(
                zip(scale.task.targets, self.models, strict=True)
            ):
                for part, model in zip(PARTS[name], models, strict=True):
                    found = model.predict(inputs[:, columns_of(scale.task, part.blocks)])
                    base = start[:, index] if part.after_linear else 0.0
                    learned[:, index] += part.share * (base + found)
        return scale.restore(learned, scale.offset(series, asked))

    def content(self) -> dict[str, Any]:
        """Return tensors and plain values; the trees are in the format of skops, not a pickle."""
        return {
            "linear": self.linear.content(),
            "models": [[_pack(model) for model in models] for models in self.models],
        }


def fit(
    train: Sequence[BatterySeries],
    val: Sequence[BatterySeries],
    task: Task,
    hp: TreesSettings,
    *,
    threads: int,
    on_epoch: Callable[[EpochReport], None],
    on_stage: Callable[[str], None],
) -> Fitted:
    """Boost until the validation loss falls no more; keep each part up to its best round."""
    torch.set_num_threads(threads)
    scale = fit_answer_scale(train, task, hp.seed)
    table, checked = (make_table(rows, task, scale, hp.seed) for rows in (train, val))
    linear = fit_linear(table, scale, hp)
    boosted: list[list[Boosted]] = []
    with threadpool_limits(threads):
        for index, name in enumerate(task.targets):
            on_stage(f"Training {name}")
            parts = [
                (_left(table, linear, part, index), _left(checked, linear, part, index))
                for part in PARTS[name]
            ]
            boosted.append([boost(rows, held, hp) for rows, held in parts])
        reports = list(_reports(boosted, table, checked, linear, hp))
    for report in reports:
        on_epoch(report)
    predictor = Trees(linear, tuple(tuple(b.model for b in parts) for parts in boosted))
    best = min(reports, key=lambda report: report.val_loss).epoch
    return Fitted(predictor, best, len(reports), len(reports) < hp.boosting_rounds)


def restore(content: dict[str, Any], hp: TreesSettings, task: Task) -> Trees:
    """Rebuild the predictor; raises KeyError, TypeError or ValueError if it is damaged."""
    models = tuple(tuple(_unpack(part) for part in parts) for parts in content["models"])
    if [len(parts) for parts in models] != [len(PARTS[name]) for name in task.targets]:
        raise ValueError("The trees do not match the targets.")
    return Trees(restore_linear(content["linear"], hp, task), models)


def _left(table: Table, linear: Linear, part: Part, index: int) -> Labelled:
    """Return the labelled questions of one target, and the values that a part has to learn."""
    known = np.isfinite(table.learned[:, index])
    inputs = table.inputs[known]
    start = linear.learned(inputs)[:, index] if part.after_linear else 0.0
    columns = columns_of(linear.scale.task, part.blocks)
    return Labelled(inputs[:, columns], table.learned[known, index] - start)


def _reports(
    boosted: Sequence[Sequence[Boosted]],
    table: Table,
    checked: Table,
    linear: Linear,
    hp: TreesSettings,
) -> Iterator[EpochReport]:
    """Yield a report for every round; a part stays the same after its best round.

    `train_loss` is the weighted mean of the losses of all parts; the other numbers are those of
    the mean prediction.
    """
    scale, targets = linear.scale, linear.scale.task.targets
    rounds = max(b.rounds for parts in boosted for b in parts)
    spread = np.nanstd(table.learned, axis=0)
    variance = np.where(spread > 1e-12, spread, 1.0) ** 2
    truth = scale.restore(checked.learned, checked.offset)
    stages = [
        _stages(name, parts, checked, linear, index, rounds)
        for index, (name, parts) in enumerate(zip(targets, boosted, strict=True))
    ]
    for number, columns in enumerate(zip(*stages, strict=True), start=1):
        learned = np.column_stack(columns)
        error = scale.restore(learned, checked.offset) - truth
        rmse = np.sqrt(np.nanmean(error**2, axis=0))
        val = np.nanmean((learned - checked.learned) ** 2, axis=0)
        train = [
            sum(
                part.share * b.train_loss[min(number, b.rounds) - 1]
                for part, b in zip(PARTS[name], parts, strict=True)
            )
            for name, parts in zip(targets, boosted, strict=True)
        ]
        yield EpochReport(
            epoch=number,
            total_epochs=hp.boosting_rounds,
            train_loss=float((train / variance).mean()),
            val_loss=float((val / variance).mean()),
            learning_rate=hp.tree_learning_rate,
            metrics={f"val_rmse_{n}": float(v) for n, v in zip(targets, rmse, strict=True)},
        )


def _stages(
    name: str, boosted: Sequence[Boosted], table: Table, linear: Linear, index: int, rounds: int
) -> Iterator[Floats]:
    """Yield the answers of one target on the learned scale after each round, (m,)."""
    start = linear.learned(table.inputs)[:, index]
    base = start * sum(part.share for part in PARTS[name] if part.after_linear)
    staged = [
        b.stages(table.inputs[:, columns_of(linear.scale.task, part.blocks)], rounds)
        for part, b in zip(PARTS[name], boosted, strict=True)
    ]
    for found in zip(*staged, strict=True):
        shares = (part.share for part in PARTS[name])
        yield base + sum(s * f for s, f in zip(shares, found, strict=True))


def _pack(model: HistGradientBoostingRegressor) -> torch.Tensor:
    return torch.from_numpy(np.frombuffer(skops_io.dumps(model), np.uint8).copy())


def _unpack(packed: torch.Tensor) -> HistGradientBoostingRegressor:
    model = skops_io.loads(packed.numpy().tobytes(), trusted=TRUSTED)
    if not isinstance(model, HistGradientBoostingRegressor):
        raise TypeError("The file holds something else than boosted trees.")
    return model
