"""Inputs of trees and linear model: causal, counted in cycles, robust, fast."""

import time
from dataclasses import replace

import numpy as np
import pytest

from models.inputs.causal import causal_features, causal_names, columns_of, last_pcl
from models.inputs.predictor import Asked
from models.inputs.series import BatterySeries, Floats, Task
from tests.models.fleet import FEATURES, make_battery

ESTIMATE = Task(("PCL",), FEATURES)
FORECAST = Task(("PCL",), FEATURES, 20, True)


def every_row(series: BatterySeries, ahead: int = 0) -> Asked:
    return Asked(np.arange(len(series)), series.cycle_num + ahead)


def column(found: Floats, name: str, task: Task = ESTIMATE) -> Floats:
    return found[:, causal_names(task).index(name)]


def gappy() -> BatterySeries:
    battery = make_battery("a", 300)
    kept = np.r_[0:20, 22:25, 140:260]
    return BatterySeries(
        "a",
        battery.cycle_num[kept],
        battery.features[kept],
        battery.targets[kept],
        battery.soh[kept],
    )


@pytest.mark.parametrize("task", [ESTIMATE, FORECAST])
def test_the_future_changes_nothing(task: Task) -> None:
    series = gappy()
    whole = causal_features(series, every_row(series), task)
    for end in (1, 2, 12, 24, 90):
        cut = BatterySeries(
            "a",
            series.cycle_num[:end],
            series.features[:end],
            series.targets[:end],
            series.soh[:end],
        )
        np.testing.assert_array_equal(causal_features(cut, every_row(cut), task), whole[:end])


def test_windows_are_counted_in_cycles_across_gaps() -> None:
    series = gappy()
    features = series.cycle_num[:, None] * np.array([1.0, -2.0])
    found = causal_features(replace(series, features=features), every_row(series), ESTIMATE)
    name = FEATURES[0]
    now = column(found, f"now:{name}")
    for row in (30, 45, 100, 142):
        inside = (series.cycle_num > series.cycle_num[row] - 10) & (np.arange(len(series)) <= row)
        assert column(found, f"mean:{name}")[row] == pytest.approx(now[inside].mean())
        window = (series.cycle_num > series.cycle_num[row] - 30) & (np.arange(len(series)) <= row)
        slope = np.polyfit(series.cycle_num[window], now[window], 1)[0]
        assert column(found, f"slope_30:{name}")[row] == pytest.approx(slope, rel=1e-6)


def test_known_answers_of_a_rise_and_a_fall() -> None:
    cycle = np.arange(1, 101)
    value = np.where(cycle <= 60, cycle, 120 - cycle).astype(float)
    features = np.repeat(value[:, None], len(FEATURES), axis=1)
    battery = make_battery("a", 100)
    series = replace(battery, cycle_num=cycle, features=features)
    found = causal_features(series, every_row(series), ESTIMATE)
    name = FEATURES[0]
    peak = column(found, f"mean:{name}").max()
    last = column(found, f"mean:{name}")[-1]
    assert column(found, f"below_peak:{name}")[-1] == pytest.approx(peak - last)
    assert column(found, f"above_trough:{name}")[-1] == pytest.approx(last - 1.0)
    assert 30 <= column(found, f"peak_age:{name}")[-1] <= 40
    assert column(found, f"slope_30:{name}")[-1] == pytest.approx(-1.0)
    early = column(found, f"early:{name}")
    assert (early[10:] == early[10]).all()
    np.testing.assert_allclose(
        column(found, f"since_early:{name}"), column(found, f"mean:{name}") - early
    )


def test_two_glitches_in_five_rows_are_ignored() -> None:
    series = make_battery("a", 60)
    glitch = series.features.copy()
    glitch[[40, 42], 0] = 1e6
    found = causal_features(replace(series, features=glitch), every_row(series), ESTIMATE)
    clean = causal_features(series, every_row(series), ESTIMATE)
    spread = np.ptp(clean, axis=0).max()
    assert np.abs(found - clean).max() < spread


def test_capacity_is_the_last_measured_and_unknown_before() -> None:
    series = make_battery("a", 40)
    soh = series.soh.copy()
    soh[[0, 1, 2, 20]] = np.nan
    series = replace(series, soh=soh)
    asked = Asked(np.array([1, 19, 20, 21]), series.cycle_num[[1, 19, 20, 21]] + 7)
    found = causal_features(series, asked, FORECAST)
    assert column(found, "capacity:known", FORECAST).tolist() == [0, 1, 1, 1]
    pcl = column(found, "capacity:pcl", FORECAST)
    assert np.isnan(pcl[0])
    np.testing.assert_allclose(pcl[1:], 1.0 - soh[[19, 19, 21]])
    np.testing.assert_array_equal(pcl, last_pcl(series)[asked.source])
    assert (column(found, "age:cycles", FORECAST) == 7).all()
    # An estimate never sees the label.
    changed = replace(series, soh=1.0 - series.soh)
    np.testing.assert_array_equal(
        causal_features(changed, asked, ESTIMATE), causal_features(series, asked, ESTIMATE)
    )


def test_names_and_columns_agree() -> None:
    names = causal_names(FORECAST)
    assert len(names) == len(set(names))
    chosen = columns_of(FORECAST, ("mean", "time:cycle"))
    assert [names[i] for i in chosen] == [*(f"mean:{name}" for name in FEATURES), "time:cycle"]


def test_a_hundred_thousand_rows_take_seconds_not_minutes() -> None:
    series = make_battery("a", 100_000)
    start = time.process_time()
    causal_features(series, every_row(series), ESTIMATE)
    # 0.5 s measured with three features; the bar leaves room for a busy machine.
    assert time.process_time() - start < 5.0
