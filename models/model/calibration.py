"""Calibration of a model's intervals, on batteries that it was not fitted on."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from models.inputs.predictor import EpochReport
from models.inputs.series import BatterySeries, Floats, Task
from models.model.checkpoint import Prediction, TrainedModel
from models.model.fitting import fit
from models.settings.catalogue import ALGORITHMS
from models.settings.errors import FitError
from models.uncertainty.intervals import (
    FEWEST_BATTERIES,
    N_FOLDS,
    N_POINTS,
    Band,
    Calibration,
    Method,
    battery_points,
    battery_quantile,
    choose_method,
    design_effect,
    fold_numbers,
    width_scale,
)

HORIZONS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)
# The offset of a scaled width, in standard deviations of the training labels. Of 0.25, 0.5 and 1 it
# gave the narrowest RUL intervals on the Severson cells.
OFFSET_SPREADS = 0.5
# Number of training batteries on which it is decided whether the width is scaled.
DECIDING_BATTERIES = 12

# Indexed by horizon, then by battery.
Table = list[list[Prediction]]


def horizon_grid(task: Task) -> tuple[int, ...]:
    """Return the horizons to calibrate a forecast at; 0 alone for an estimate."""
    if not task.is_forecast:
        return (0,)
    return (*(h for h in HORIZONS if h < task.max_horizon), task.max_horizon)


def plan(
    train: Sequence[BatterySeries], val: Sequence[BatterySeries], task: Task
) -> tuple[Method, ...]:
    """Return the method for the interval of each target."""
    counts = zip(_n_labelled(train, task), _n_labelled(val, task), strict=True)
    return tuple(choose_method(n_train, n_val) for n_train, n_val in counts)


def calibrate(
    model: TrainedModel,
    train: Sequence[BatterySeries],
    val: Sequence[BatterySeries],
    *,
    threads: int,
    on_fold: Callable[[int, EpochReport | None], None],
) -> TrainedModel:
    """Return the model with intervals; the same arguments give exactly the same intervals.

    If at least nine validation batteries have labels, the method is split conformal on them. Their
    scores are a little too low, since they also decided when training stopped. Otherwise it is CV+:
    five models, each fitted on four fifths of the training batteries and scored on the others,
    are stored with the model. An ensemble uses the folds of its members; its weights are fitted on
    all of them, so its scores are a little too low, too.

    on_fold : called with the fold (from 1) when it starts, and after every epoch of it
    """
    methods = plan(train, val, model.task)
    grid = horizon_grid(model.task)
    every = -(-len(train) // DECIDING_BATTERIES)
    seen = _predict(model, train[::every], grid)
    parts: list[TrainedModel] = []
    tables: dict[Method, list[Table]] = {}
    reason = _shortage(model, train, val)
    if "split" in methods:
        tables["split"] = [_predict(model, val, grid)]
    if "cv+" in methods:
        try:
            parts, tables["cv+"] = _cross_fit(model, train, val, grid, threads, on_fold)
        except FitError as error:
            reason = f"Without models of four fifths of the training batteries: {error}"
    bands = tuple(
        _band(method, tables[method], seen, column)
        if method in tables
        else _no_band(len(grid), reason)
        for column, method in enumerate(methods)
    )
    folds = tuple(part.predictor for part in parts)
    return replace(model, calibration=Calibration(grid, bands), folds=folds)


def _n_labelled(batteries: Sequence[BatterySeries], task: Task) -> list[int]:
    """Return the number of batteries with a label of each target."""
    known = [np.isfinite(s.targets).any(axis=0) for s in batteries if len(s)]
    return [int(n) for n in np.sum(known, axis=0)] if known else [0] * len(task.targets)


def _shortage(
    model: TrainedModel, train: Sequence[BatterySeries], val: Sequence[BatterySeries]
) -> str:
    n_train, n_val = min(_n_labelled(train, model.task)), min(_n_labelled(val, model.task))
    return (
        f"A 90 % interval needs {FEWEST_BATTERIES} labelled batteries to calibrate on; there are "
        f"{n_val} validation and {n_train} training batteries."
    )


def _predict(model: TrainedModel, batteries: Sequence[BatterySeries], grid: Sequence[int]) -> Table:
    return [[model.predict(s, h, with_interval=False) for s in batteries] for h in grid]


def _cross_fit(
    model: TrainedModel,
    train: Sequence[BatterySeries],
    val: Sequence[BatterySeries],
    grid: Sequence[int],
    threads: int,
    on_fold: Callable[[int, EpochReport | None], None],
) -> tuple[list[TrainedModel], list[Table]]:
    """Return a model for each fold, and its predictions for the batteries of that fold."""
    is_ensemble = ALGORITHMS[model.algorithm].family == "ensemble"
    if is_ensemble and not model.folds:
        raise FitError("The members of the ensemble do not share their folds.")
    fold_of = fold_numbers(train, model.hp.seed)
    parts, tables = [], []
    for fold in range(N_FOLDS):
        on_fold(fold + 1, None)
        rest = [s for s, number in zip(train, fold_of, strict=True) if number != fold]
        held_out = [s for s, number in zip(train, fold_of, strict=True) if number == fold]
        if is_ensemble:
            part = replace(model.bare(), predictor=model.folds[fold])
        else:
            part = _fit_fold(model, rest, val, threads, partial(on_fold, fold + 1))
        parts.append(part)
        tables.append(_predict(part, held_out, grid))
    return parts, tables


def _fit_fold(
    model: TrainedModel,
    rest: Sequence[BatterySeries],
    val: Sequence[BatterySeries],
    threads: int,
    on_epoch: Callable[[EpochReport], None],
) -> TrainedModel:
    return fit(
        model.algorithm,
        rest,
        val,
        model.task,
        model.hp,
        threads=threads,
        on_epoch=on_epoch,
        on_stage=lambda stage: None,
    ).model


def _band(method: Method, tables: Sequence[Table], seen: Table, column: int) -> Band:
    """Return the band of one target from predictions by fold, horizon and battery."""
    rows = [
        _at_horizon(method, [table[place] for table in tables], seen[place], column)
        for place in range(len(seen))
    ]
    n_batteries, offsets, scores, masses, effects = (
        np.array(part, np.float64) for part in zip(*rows, strict=True)
    )
    return Band(method, n_batteries, offsets, scores, masses, effects)


def _at_horizon(
    method: Method, tables: Sequence[Sequence[Prediction]], seen: Sequence[Prediction], column: int
) -> tuple[int, float, Floats, Floats, float]:
    """Return K, the offset, the scores kept (folds, points), masses (folds,), the design effect."""
    offset = _choose_offset(seen, column)
    scores = [_scores(table, column, offset) for table in tables]
    together = [part for fold in scores for part in fold]
    if len(together) < FEWEST_BATTERIES:
        n_points = 1 if method == "split" else N_POINTS
        nothing = np.full((len(tables), n_points), np.nan)
        return len(together), offset, nothing, np.zeros(len(tables)), 1.0
    if method == "split":
        kept = np.array([[battery_quantile(together)]])
    else:
        kept = np.stack([battery_points(f) if f else np.zeros(N_POINTS) for f in scores])
    masses = np.array([len(fold) for fold in scores]) / len(together)
    return len(together), offset, kept, masses, design_effect(together)


def _choose_offset(seen: Sequence[Prediction], column: int) -> float:
    """Return the offset of the width, NaN for equal widths: whichever gives narrower intervals.

    They are compared on training batteries. If the calibration batteries decided, they would no
    longer be exchangeable with new ones.
    """
    pairs = [_labelled(p, column) for p in seen]
    pairs = [pair for pair in pairs if len(pair[0])]
    if not pairs:
        return float("nan")
    offset = OFFSET_SPREADS * float(np.std(np.concatenate([true for true, _ in pairs])))
    if not offset > 0:
        return float("nan")
    equal = float("nan")
    return offset if _mean_width(pairs, offset) < _mean_width(pairs, equal) else equal


def _mean_width(pairs: Sequence[tuple[Floats, Floats]], offset: float) -> float:
    scales = [width_scale(pred, offset) for _, pred in pairs]
    scores = [np.abs(true - pred) / s for (true, pred), s in zip(pairs, scales, strict=True)]
    # Even too few batteries for an interval are enough to compare two widths.
    reach = float(battery_points(scores, 10)[8])
    return reach * float(np.mean([scale.mean() for scale in scales]))


def _labelled(prediction: Prediction, column: int) -> tuple[Floats, Floats]:
    true, pred = prediction.y_true[:, column], prediction.y_pred[:, column]
    known = np.isfinite(true) & np.isfinite(pred)
    return true[known], pred[known]


def _scores(table: Sequence[Prediction], column: int, offset: float) -> list[Floats]:
    """Return the scores (n_k,) of each battery with labels of the target."""
    pairs = (_labelled(prediction, column) for prediction in table)
    return [np.abs(true - pred) / width_scale(pred, offset) for true, pred in pairs if len(true)]


def _no_band(n_horizons: int, reason: str) -> Band:
    nothing = np.full(n_horizons, np.nan)
    scores, masses = nothing[:, None, None], np.ones((n_horizons, 1))
    return Band("none", np.zeros(n_horizons), nothing, scores, masses, nothing, reason)
