"""What must hold before training, and how well a network does on the validation batteries."""

import math
from collections.abc import Iterable, Sequence

import numpy as np

from models.checkpoint import clamp_rul
from models.config import Hyperparameters
from models.errors import FitError
from models.inference import answer
from models.network import Network
from models.samples import Questions, Rows
from models.scaling import Scaler
from models.series import BatterySeries, Floats, Integers, Task, make_task

# Keeps the logarithm of a loss of 0 finite.
LEAST_LOSS = 1e-12


def require_fittable(
    train: Sequence[BatterySeries], val: Sequence[BatterySeries], task: Task, hp: Hyperparameters
) -> None:
    """Raise FitError when these data and settings cannot be trained on."""
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
    # The first row of a battery has nothing before it to forecast from.
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


def _typical_loss(error: Floats, known: Floats, battery: Integers) -> float:
    """Return the geometric mean over batteries and targets of the mean of error (M, T) squared.

    known (M, T) is 1 where labelled; battery (M,) tells the batteries apart and does not fall.
    """
    starts = np.flatnonzero(np.diff(battery, prepend=-1))
    sums = np.add.reduceat(error**2 * known, starts)
    counts = np.add.reduceat(known, starts)
    means = sums[counts > 0] / counts[counts > 0]
    return geometric_mean(means)


def validate(
    network: Network, rows: Rows, asked: Questions, scaler: Scaler, task: Task
) -> tuple[float, dict[str, float]]:
    """Return the loss in network units, and `val_rmse_*` in physical units.

    The loss is the geometric mean, over batteries and targets, of mean squared errors: half the
    error of one weighs as much as half of another. In their sum one battery unlike those trained
    on, or RUL, would drown what is still learned about all others and stop the training too early.
    """
    answers = answer(network, rows, asked, scaler, task)
    tensors = (answers, rows.target[asked.answer], rows.known[asked.answer])
    predicted, target, known = (x.double().cpu().numpy() for x in tensors)
    loss = _typical_loss(predicted - target, known, rows.first[asked.answer].cpu().numpy())
    y_pred = clamp_rul(scaler.restore_targets(predicted), task)
    y_true = scaler.restore_labels(target)
    squares = np.where(known > 0, (y_pred - y_true) ** 2, np.nan)
    means = np.nanmean(squares, axis=0)
    names = (f"val_rmse_{name}" for name in task.targets)
    return loss, {name: math.sqrt(mean) for name, mean in zip(names, means, strict=True)}
