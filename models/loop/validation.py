"""Checks before training, and the loss of a network on the validation batteries."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from models.inputs.samples import Batch, Questions, Rows
from models.inputs.scaling import Scaler
from models.inputs.series import BatterySeries, Floats, Integers, Task, clamp_rul, make_task
from models.loop.inference import answer, in_chunks
from models.loop.network import Network
from models.settings.errors import FitError
from models.settings.hyperparameters import Hyperparameters

# Keeps the logarithm of a loss of 0 finite.
LEAST_LOSS = 1e-12


def require_fittable(
    train: Sequence[BatterySeries], val: Sequence[BatterySeries], task: Task, hp: Hyperparameters
) -> None:
    """Raise FitError if a training with these data and settings is impossible."""
    if task != make_task(task.targets, task.feature_names, hp):
        raise FitError("The task's horizon or capacity history differs from the settings'.")
    for role, batteries in (("training", train), ("validation", val)):
        _require_labels(role, [s for s in batteries if len(s)], task)


def _require_labels(role: str, batteries: Sequence[BatterySeries], task: Task) -> None:
    if not batteries:
        raise FitError(f"There is no {role} battery with cycles. Choose at least one.")
    for series in batteries:
        if series.features.shape[1] != len(task.feature_names):
            raise FitError(f"Battery {series.code} does not have the task's features.")
        if series.targets.shape[1] != len(task.targets):
            raise FitError(f"Battery {series.code} does not have the task's targets.")
    # The first row of a battery cannot be forecast: there is no earlier row.
    skipped = 1 if task.is_forecast else 0
    labelled = np.concatenate([np.isfinite(s.targets[skipped:]) for s in batteries])
    for name, known in zip(task.targets, labelled.T, strict=True):
        if not known.any():
            raise FitError(
                f"No {role} battery carries {name}. Choose {role} batteries with {name} labels, "
                "or another target."
            )


def geometric_mean(losses: Iterable[float]) -> float:
    """Return the geometric mean of losses."""
    logarithms = np.log(np.maximum(np.fromiter(losses, np.float64), LEAST_LOSS))
    return float(np.exp(logarithms.mean()))


@dataclass(frozen=True)
class Validation:
    """The labelled questions about the validation batteries; they are the same in every epoch.

    batches : the inputs in chunks; None for windows, which would take too much memory
    target, known, y_true (M, T) : in network units, 1 where labelled, in physical units
    starts (B,) : index of the first question of each battery
    counts (B, T), totals (T,) : number of labelled questions of each battery, and of all
    """

    rows: Rows
    asked: Questions
    scaler: Scaler
    task: Task
    batches: tuple[Batch, ...] | None
    target: Floats
    known: Floats
    y_true: Floats
    starts: Integers
    counts: Floats
    totals: Floats

    def inputs(self, window_length: int | None) -> Iterable[Batch]:
        """Return the inputs in chunks; windows are made at each call."""
        if self.batches is not None:
            return self.batches
        return in_chunks(self.rows, self.asked, self.scaler, self.task, window_length)


def prepare_validation(
    rows: Rows, asked: Questions, scaler: Scaler, task: Task, window_length: int | None
) -> Validation:
    """Prepare the validation of a network on some questions."""
    target, known = (x[asked.answer].double().cpu().numpy() for x in (rows.target, rows.known))
    battery = rows.first[asked.answer].cpu().numpy()
    starts = np.flatnonzero(np.diff(battery, prepend=-1))
    return Validation(
        rows,
        asked,
        scaler,
        task,
        None if window_length else tuple(in_chunks(rows, asked, scaler, task, None)),
        target,
        known,
        scaler.restore_labels(target),
        starts,
        np.add.reduceat(known, starts),
        known.sum(axis=0),
    )


def validate(network: Network, val: Validation) -> tuple[float, dict[str, float]]:
    """Return the loss in network units, and `val_rmse_*` in physical units.

    The loss is the geometric mean, over batteries and targets, of mean squared errors, so that a
    halved error counts the same for each of them. In an arithmetic mean, a single battery unlike
    those in training, or the larger errors of RUL, would hide the progress on all others and stop
    the training too early.
    """
    predicted = answer(network, val.inputs(network.window_length)).double().cpu().numpy()
    sums = np.add.reduceat((predicted - val.target) ** 2 * val.known, val.starts)
    has_labels = val.counts > 0
    loss = geometric_mean(sums[has_labels] / val.counts[has_labels])
    y_pred = clamp_rul(val.scaler.restore_targets(predicted), val.task)
    squares = (y_pred - val.y_true) ** 2 * val.known
    means = squares.sum(axis=0) / val.totals
    names = (f"val_rmse_{name}" for name in val.task.targets)
    return loss, {name: math.sqrt(mean) for name, mean in zip(names, means, strict=True)}
