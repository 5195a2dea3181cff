"""Reports of algorithms without epochs: a single one, in the units of the networks' reports."""

import math
from collections.abc import Callable, Sequence

import numpy as np

from models.inputs.predictor import Asked, EpochReport, Fitted, Predictor
from models.inputs.series import BatterySeries, Floats, Task, clamp_rul
from models.settings.hyperparameters import Hyperparameters


def ask_labelled(
    series: BatterySeries, task: Task, generator: np.random.Generator
) -> tuple[Asked, Floats]:
    """Return questions about the labelled rows of a battery, and the true answers (m, T).

    For an estimate the question of a row is its own cycle. For a forecast it is the same cycle,
    seen from a random number of cycles before, 1..max_horizon, within the battery's record.
    """
    cycle = np.asarray(series.cycle_num, np.int64)
    rows = np.flatnonzero(np.isfinite(series.targets).any(axis=1))
    if not task.is_forecast:
        return Asked(rows, cycle[rows]), series.targets[rows]
    rows = rows[rows > 0]
    reach = np.minimum(cycle[rows] - cycle[0], task.max_horizon) if len(rows) else rows
    horizon = generator.integers(1, reach, endpoint=True) if len(rows) else rows
    source = np.searchsorted(cycle, cycle[rows] - horizon, side="right") - 1
    return Asked(source, cycle[rows]), series.targets[rows]


def report_once(
    predictor: Predictor,
    train: Sequence[BatterySeries],
    val: Sequence[BatterySeries],
    task: Task,
    hp: Hyperparameters,
) -> EpochReport:
    """Return the report of a fit that has no epochs.

    Losses are mean squared errors of targets standardised on the training rows; `val_rmse_PCL` is
    a fraction and `val_rmse_RUL` is in cycles, as for the networks.
    """
    scale = target_scale(train)
    train_squares = _squared_errors(predictor, train, task, hp)
    val_squares = _squared_errors(predictor, val, task, hp)
    means = np.nanmean(val_squares, axis=0)
    return EpochReport(
        epoch=1,
        total_epochs=1,
        train_loss=float(np.nanmean(train_squares / scale**2)),
        val_loss=float(np.nanmean(val_squares / scale**2)),
        learning_rate=0.0,
        metrics={
            f"val_rmse_{name}": math.sqrt(mean)
            for name, mean in zip(task.targets, means, strict=True)
        },
    )


def fitted_at_once(
    predictor: Predictor,
    train: Sequence[BatterySeries],
    val: Sequence[BatterySeries],
    task: Task,
    hp: Hyperparameters,
    on_epoch: Callable[[EpochReport], None],
) -> Fitted:
    """Report on a predictor that was fitted without epochs, and return the outcome of its fit."""
    on_epoch(report_once(predictor, train, val, task, hp))
    return Fitted(predictor, best_epoch=1, epochs_run=1, stopped_early=False)


def target_scale(train: Sequence[BatterySeries]) -> Floats:
    """Return the standard deviation of each target over the training rows, (T,)."""
    spread = np.nanstd(np.concatenate([s.targets for s in train]), axis=0)
    return np.where(spread > 1e-12, spread, 1.0)


def _squared_errors(
    predictor: Predictor, batteries: Sequence[BatterySeries], task: Task, hp: Hyperparameters
) -> Floats:
    """Return (M, T) in squared physical units, NaN where unlabelled."""
    generator = np.random.default_rng(hp.seed)
    found = []
    for series in batteries:
        asked, truth = ask_labelled(series, task, generator)
        if len(asked):
            answers = clamp_rul(predictor.predict(series, asked), task)
            found.append((answers - truth) ** 2)
    return np.concatenate(found)
