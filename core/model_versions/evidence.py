"""What surrounds a model's predictions: intervals, applicability, floors, errors by horizon."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from core.measures import metrics
from core.measures.coverage import battery_coverage, overall_coverage
from core.model_versions.config import ModelMetrics
from models.inputs.series import BatterySeries, Task, make_task
from models.model.calibration import calibrate, horizon_grid, plan
from models.model.checkpoint import Prediction, TrainedModel
from models.model.fitting import EpochReport, fit
from models.settings.catalogue import ALGORITHMS
from models.settings.errors import FitError
from models.settings.resolving import resolve
from models.uncertainty.applicability import fit_applicability
from models.uncertainty.intervals import NOMINAL, fits_of

MODEL = "MODEL"
KEPT = ("n", "mae", "rmse")
# Of the time of a run with five more models, each on four fifths of the batteries.
TRAINING_SHARE = 0.2

Report = Callable[[str, float], None]
Series = Sequence[BatterySeries]


def training_share(algorithm: str, train: Series, val: Series, task: Task) -> float:
    """The share of a run's time that goes into the model itself; the rest is calibration."""
    fits = max(fits_of(algorithm, method) for method in plan(train, val, task))
    return TRAINING_SHARE if fits > 1 else 0.98


def add_evidence(
    model: TrainedModel, train: Series, val: Series, *, threads: int, report: Report
) -> TrainedModel:
    """The model with intervals, its range of applicability, and floors of the same batteries."""
    share = training_share(model.algorithm, train, val, model.task)
    report("Fitting intervals", share)

    def on_fold(fold: int, epoch: EpochReport | None) -> None:
        done = fold - 1 + (epoch.epoch / epoch.total_epochs if epoch else 0.0)
        report(f"Fitting intervals: model {fold} of 5", share + (0.98 - share) * done / 5)

    model = calibrate(model, train, val, threads=threads, on_fold=on_fold)
    floors = fit_floors(model, train, val, threads)
    return replace(model, applicability=fit_applicability(train), floors=floors)


def fit_floors(
    model: TrainedModel, train: Series, val: Series, threads: int
) -> dict[str, TrainedModel]:
    """What the model must beat, by algorithm; without those that the labels do not allow."""
    found = {}
    for name in _floors_of(model.task):
        targets = [t for t in model.task.targets if t in ALGORITHMS[name].targets]
        if name == model.algorithm or not targets:
            continue
        hp = resolve(name, {"max_horizon": model.task.max_horizon})
        columns = [model.task.targets.index(target) for target in targets]
        try:
            found[name] = fit(
                name,
                _only(train, columns),
                _only(val, columns),
                make_task(targets, model.task.feature_names, hp),
                hp,
                threads=threads,
                on_epoch=lambda report: None,
                on_stage=lambda stage: None,
            ).model
        except FitError:
            continue
    return found


def _floors_of(task: Task) -> list[str]:
    """The floors that answer such a question; those of forecasts alone come first."""
    floors = [info for info in ALGORITHMS.values() if info.is_floor]
    fitting = [info for info in floors if task.is_forecast or not info.forecasts_only]
    return [info.key for info in sorted(fitting, key=lambda info: not info.forecasts_only)]


def interval_facts(model: TrainedModel) -> dict[str, str]:
    """How each target's interval was made, or why there is none, as settings of the model."""
    if model.calibration is None:
        return {}
    named = zip(model.task.targets, model.calibration.bands, strict=True)
    words = {"split": "validation batteries", "cv+": "training batteries in 5 folds"}
    return {
        f"interval_of_{target}": f"none: {band.reason}"
        if band.method == "none"
        else f"90 %, calibrated on {int(band.n_batteries[0])} {words[band.method]}"
        for target, band in named
    }


def score_roles(model: TrainedModel, series: Mapping[str, Series]) -> ModelMetrics:
    """Errors on validation and test batteries at the nearest horizon (0 or 1).

    On test batteries with how often the intervals held (core.measures.coverage).
    """
    horizon = 1 if model.task.is_forecast else 0
    found: dict[str, Any] = {"batteries": {}, "floors": {}}
    for role in ("val", "test"):
        bounded = role == "test"
        predictions = {
            s.code: model.predict(s, horizon, with_interval=bounded) for s in series[role]
        }
        found[role] = overall_metrics(model, predictions, horizon, with_interval=bounded)
        each = {code: battery_metrics(model, p) for code, p in predictions.items()}
        found["batteries"][role] = {code: _shortened(m) for code, m in each.items() if m}
        found["floors"][role] = {
            name: overall_metrics(
                floor,
                {s.code: predict_floor(floor, model.task, s, horizon) for s in series[role]},
                horizon,
            )
            for name, floor in model.floors.items()
        }
    return ModelMetrics.from_json(found)


def overall_metrics(
    model: TrainedModel,
    predictions: Mapping[str, Prediction],
    horizon: int,
    with_interval: bool = False,
) -> dict[str, dict[str, Any]]:
    """Metrics pooled over batteries, by target; targets without labels are absent."""
    found = {}
    for column, target in enumerate(model.task.targets):
        pairs = [(p.y_true[:, column], p.y_pred[:, column]) for p in predictions.values()]
        pooled = metrics.overall(target, pairs)
        if pooled is None:
            continue
        coverage = interval_coverage(model, predictions, horizon, column) if with_interval else None
        found[target] = pooled | ({"interval": coverage} if coverage else {})
    return found


def interval_coverage(
    model: TrainedModel, predictions: Mapping[str, Prediction], horizon: int, column: int
) -> dict[str, Any] | None:
    """How often the intervals of one target held, see `coverage`; None without intervals."""
    if model.calibration is None:
        return None
    batteries = [
        battery_coverage(p.y_true[:, column], p.y_lower[:, column], p.y_upper[:, column])
        for p in predictions.values()
    ]
    band, place = model.calibration.bands[column], model.calibration.place(horizon)
    return overall_coverage(
        [battery for battery in batteries if battery],
        nominal=NOMINAL,
        method=band.method,
        n_calibration=int(band.n_batteries[place]),
        design_effect=float(band.design_effects[place]),
    )


def horizon_metrics(
    model: TrainedModel,
    series: Series,
    known: Mapping[int, Mapping[str, Prediction]],
    on_share: Callable[[float], None],
) -> list[dict[str, Any]]:
    """Errors of a forecast and of its floors over a grid of horizons.

    Parameters
    ----------
    known : predictions that exist already, by horizon and code; its horizons join the grid
    on_share : told the share that is done

    Returns
    -------
    target, method ("MODEL" or the floor), horizon, metrics; nothing for an estimate
    """
    labelled = [s for s in series if np.isfinite(s.targets).any()]
    if not model.task.is_forecast or not labelled:
        return []
    grid = sorted({*horizon_grid(model.task), *known})
    rows = []
    for done, horizon in enumerate(grid, start=1):
        there = known.get(horizon, {})
        own = {
            s.code: there.get(s.code) or model.predict(s, horizon, with_interval=False)
            for s in labelled
        }
        found = {MODEL: overall_metrics(model, own, horizon)}
        for name, floor in model.floors.items():
            guesses = {s.code: predict_floor(floor, model.task, s, horizon) for s in labelled}
            found[name] = overall_metrics(floor, guesses, horizon)
        rows += [
            {"target": target, "method": method, "horizon": horizon, "metrics": values}
            for method, by_target in found.items()
            for target, values in by_target.items()
        ]
        on_share(done / len(grid))
    return rows


def predict_floor(
    floor: TrainedModel, task: Task, series: BatterySeries, horizon: int
) -> Prediction:
    """What a floor says about a battery whose targets are those of the model's task."""
    columns = [task.targets.index(target) for target in floor.task.targets]
    return floor.predict(_only([series], columns)[0], horizon)


def battery_metrics(model: TrainedModel, prediction: Prediction) -> dict[str, dict[str, Any]]:
    """Metrics of one battery by target, with `coverage` and `mean_width` where it has intervals."""
    found = {}
    for column, target in enumerate(model.task.targets):
        true = prediction.y_true[:, column]
        values = metrics.score(target, true, prediction.y_pred[:, column])
        if values is not None:
            lower, upper = prediction.y_lower[:, column], prediction.y_upper[:, column]
            found[target] = values | (battery_coverage(true, lower, upper) or {})
    return found


def _shortened(found: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """What a model keeps of each battery's metrics, by target."""
    return {target: {name: v[name] for name in KEPT} for target, v in found.items()}


def _only(batteries: Series, columns: Sequence[int]) -> list[BatterySeries]:
    """The batteries with some of their targets."""
    return [replace(s, targets=s.targets[:, columns]) for s in batteries]
