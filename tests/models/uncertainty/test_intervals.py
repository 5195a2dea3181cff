"""Intervals: they hold for new batteries, and say so honestly where they cannot."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from models.inputs.series import BatterySeries, Floats, Task
from models.model.calibration import N_FOLDS, calibrate, horizon_grid
from models.model.checkpoint import TrainedModel
from models.uncertainty.intervals import (
    NOMINAL,
    Band,
    Calibration,
    battery_points,
    battery_quantile,
    design_effect,
    width_scale,
)
from tests.models.fleet import make_battery
from tests.models.model.test_fitting import run_fit

FORECAST = {"max_horizon": 20}


def draw_scores(rng: np.random.Generator, cycles: int) -> Floats:
    """One battery's scores: all of its cycles are about as hard as each other."""
    hardness = np.exp(rng.normal(0.0, 0.6))
    return np.abs(rng.normal(rng.normal(0.0, hardness), 0.3 * hardness, cycles))


def test_new_batteries_are_covered_where_rows_alone_would_promise_too_much() -> None:
    """Few long batteries are easy, many short ones hard: rows count the easy ones too often."""
    rng = np.random.default_rng(5)
    ours, by_row = [], []
    for _ in range(300):
        fleet = [
            draw_scores(rng, 400) * 0.3 if rng.random() < 0.25 else draw_scores(rng, 20)
            for _ in range(31)
        ]
        known, new = fleet[:-1], fleet[-1]
        ours.append(np.mean(new <= battery_quantile(known)))
        by_row.append(np.mean(new <= np.quantile(np.concatenate(known), NOMINAL)))
    # 300 draws of a share: a standard error of 0.015.
    assert NOMINAL - 0.03 < np.mean(ours) < NOMINAL + 1 / 31 + 0.03
    assert np.mean(by_row) < NOMINAL - 0.06


def test_the_quantile_weighs_batteries_alike() -> None:
    scores = [np.full(1000, 1.0), *[np.array([float(k)]) for k in range(2, 20)]]
    # 19 batteries: 0.9 * 20 = 18 of them lie at or below it.
    assert battery_quantile(scores) == 18.0
    assert battery_quantile(scores[:9]) == 9.0
    assert battery_quantile(scores[:8]) == np.inf


def test_points_are_rounded_up_and_keep_every_battery() -> None:
    scores = [np.arange(1.0, 11.0), np.array([100.0])]
    np.testing.assert_array_equal(battery_points(scores, 4), [5.0, 10.0, 100.0, 100.0])


def test_the_design_effect_tells_whole_batteries_from_single_cycles() -> None:
    rng = np.random.default_rng(0)
    alike = [np.abs(rng.normal(size=200)) for _ in range(30)]
    whole = [np.full(200, value) for value in rng.random(30)]
    assert design_effect(alike) < 0.1
    assert design_effect(whole) > 0.9
    assert design_effect(alike[:9]) == 1.0


def test_scaled_widths_follow_the_prediction() -> None:
    predicted = np.array([-5.0, 0.0, 100.0])
    np.testing.assert_array_equal(width_scale(predicted, 10.0), [10.0, 10.0, 110.0])
    np.testing.assert_array_equal(width_scale(predicted, float("nan")), [1.0, 1.0, 1.0])


def cross_band(points: Sequence[Sequence[float]]) -> Band:
    folds = len(points)
    return Band(
        "cv+",
        np.array([20.0]),
        np.array([np.nan]),
        np.array([points]),
        np.full((1, folds), 1 / folds),
        np.array([1.0]),
    )


def test_folds_mix_their_predictions_with_their_scores() -> None:
    """Against the definition: the quantile of all fold predictions plus their scores."""
    rng = np.random.default_rng(1)
    points = np.sort(rng.random((5, 40)), axis=1)
    folds = [rng.normal(size=7) for _ in range(5)]
    lower, upper = cross_band(points.tolist()).bounds(0, np.mean(folds, axis=0), folds)
    rank = int(np.ceil(NOMINAL * 21 / 20 * 200)) - 1
    for row in range(7):
        above = np.sort(
            [fold[row] + p for fold, own in zip(folds, points, strict=True) for p in own]
        )
        below = np.sort(
            [p - fold[row] for fold, own in zip(folds, points, strict=True) for p in own]
        )
        assert upper[row] == pytest.approx(above[rank], abs=5e-3)
        assert lower[row] == pytest.approx(-below[rank], abs=5e-3)
        assert upper[row] >= above[rank] - 1e-9 and lower[row] <= -below[rank] + 1e-9


def test_between_calibrated_horizons_the_further_one_counts() -> None:
    task = Task(("PCL",), ("a",), max_horizon=70)
    assert horizon_grid(task) == (1, 2, 5, 10, 20, 50, 70)
    assert horizon_grid(replace(task, max_horizon=50)) == (1, 2, 5, 10, 20, 50)
    assert horizon_grid(replace(task, max_horizon=0)) == (0,)
    n = np.full(3, 10.0)
    scores = np.array([1.0, 2.0, 3.0])[:, None, None]
    band = Band("split", n, np.full(3, np.nan), scores, np.ones((3, 1)), np.ones(3))
    calibration = Calibration((1, 5, 20), (band,))
    widths = [calibration.bounds(h, np.zeros((1, 1)), [])[1][0, 0] for h in (1, 2, 5, 6, 20)]
    assert widths == [1.0, 2.0, 2.0, 3.0, 3.0]


def fleet(count: int, first: int = 0) -> list[BatterySeries]:
    return [make_battery(f"{i:03d}", 30 + 3 * i) for i in range(first, first + count)]


@cache
def calibrated(n_train: int, n_val: int, forecast: bool = False) -> TrainedModel:
    batteries = fleet(n_train + n_val)
    train, val = batteries[:n_train], batteries[n_train:]
    settings = FORECAST if forecast else {}
    model = run_fit("LINEAR", train, val, **settings).model
    return calibrate(model, train, val, threads=1, on_fold=lambda fold, report: None)


def bands(model: TrainedModel) -> tuple[Band, ...]:
    assert model.calibration is not None
    return model.calibration.bands


@pytest.mark.parametrize(("n_train", "n_val", "method"), [(3, 9, "split"), (9, 2, "cv+")])
def test_intervals_surround_predictions_and_survive_on_disk(
    n_train: int, n_val: int, method: str
) -> None:
    model, battery = calibrated(n_train, n_val), make_battery("new", 55)
    assert {band.method for band in bands(model)} == {method}
    assert len(model.folds) == (N_FOLDS if method == "cv+" else 0)
    prediction = model.predict(battery, 0)
    assert (prediction.y_lower <= prediction.y_pred).all()
    assert (prediction.y_upper >= prediction.y_pred).all()
    assert (prediction.y_lower[:, 1] >= 0).all() and (prediction.y_lower[:, 1] == 0).any()
    assert (prediction.y_lower[:, 0] < 0).any()
    again = TrainedModel.from_content(model.content()).predict(battery, 0)
    np.testing.assert_array_equal(again.y_lower, prediction.y_lower)
    np.testing.assert_array_equal(again.y_upper, prediction.y_upper)
    assert np.isnan(model.predict(battery, 0, with_interval=False).y_lower).all()


@pytest.mark.parametrize(("n_train", "n_val"), [(3, 9), (9, 2)])
def test_calibration_repeats_itself_bit_by_bit(n_train: int, n_val: int) -> None:
    first = calibrated(n_train, n_val)
    second = calibrated.__wrapped__(n_train, n_val)
    for one, other in zip(bands(first), bands(second), strict=True):
        np.testing.assert_array_equal(one.scores, other.scores)
        np.testing.assert_array_equal(one.offsets, other.offsets)
    battery = make_battery("new", 55)
    np.testing.assert_array_equal(
        first.predict(battery, 0).y_upper, second.predict(battery, 0).y_upper
    )


def test_too_few_batteries_give_no_interval_and_a_reason() -> None:
    model = calibrated(8, 2)
    assert {band.method for band in bands(model)} == {"none"}
    assert "needs 9 labelled batteries" in bands(model)[0].reason
    prediction = model.predict(make_battery("new", 55), 0)
    assert np.isnan(prediction.y_lower).all() and np.isnan(prediction.y_upper).all()


def test_a_forecast_is_less_sure_further_ahead() -> None:
    model, battery = calibrated(4, 12, forecast=True), make_battery("new", 55)
    near, far = model.predict(battery, 1), model.predict(battery, 20)
    assert np.isfinite(far.y_upper).all()
    widths = [float(np.mean((p.y_upper - p.y_lower)[:, 0])) for p in (near, far)]
    assert widths[1] > widths[0]
    beyond = far.cycle_num > battery.cycle_num[-1]
    assert np.isfinite(far.y_upper[beyond]).all()


def test_each_target_is_calibrated_on_its_own_labels() -> None:
    """Censored validation batteries say something about PCL and nothing about RUL."""
    batteries = fleet(18)
    train, val = (
        batteries[:9],
        [
            replace(s, targets=np.where([True, i == 0], s.targets, np.nan))
            for i, s in enumerate(batteries[9:])
        ],
    )
    model = run_fit("LINEAR", train, val).model
    told: list[int] = []
    model = calibrate(model, train, val, threads=1, on_fold=lambda fold, report: told.append(fold))
    assert [band.method for band in bands(model)] == ["split", "cv+"]
    assert sorted(set(told)) == [1, 2, 3, 4, 5]
