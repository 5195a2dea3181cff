"""The floors: what they say is what one would compute by hand."""

import time
from dataclasses import replace

import numpy as np
import pytest

from models.algorithms.last_slope import ROWS, LastSlope, recent_lines
from models.algorithms.last_value import LastValue
from models.algorithms.mean import fit_mean
from models.inputs.at_once import ask_labelled
from models.inputs.predictor import Asked
from models.inputs.series import BatterySeries, make_task
from models.settings.resolving import resolve
from tests.models.fleet import FEATURES, make_battery, make_fleet


def battery(cycles: list[int], pcl: list[float], rul: list[float] | None = None) -> BatterySeries:
    columns = [pcl] if rul is None else [pcl, rul]
    return BatterySeries(
        "x",
        np.array(cycles, np.int64),
        np.zeros((len(cycles), 1)),
        np.array(columns, np.float64).T,
        1.0 - np.array(pcl),
    )


def test_the_mean_is_taken_by_cycle_over_the_batteries_labelled_there() -> None:
    nan = float("nan")
    long = battery([1, 2, 4, 6], [0.0, 0.02, 0.04, 0.2], [6, 5, 3, 1])
    short = battery([2, 4], [0.04, nan], [2, 0])
    curve = fit_mean([long, short])
    # In a gap it is interpolated, outside it is held.
    cycle = np.array([0, 1, 2, 3, 4, 5, 6, 90])
    expected_pcl = [0.0, 0.0, 0.03, 0.035, 0.04, 0.12, 0.2, 0.2]
    expected_rul = [6.0, 6.0, 3.5, 2.5, 1.5, 1.25, 1.0, 1.0]
    np.testing.assert_allclose(curve.at(cycle), np.array([expected_pcl, expected_rul]).T)


def test_the_last_value_is_the_last_known_one_and_else_the_mean() -> None:
    nan = float("nan")
    curve = fit_mean([battery([1, 100], [0.0, 0.099])])
    asked = Asked(np.array([0, 1, 2, 3]), np.array([11, 12, 13, 14]))
    found = LastValue(curve).predict(battery([1, 2, 3, 4], [nan, 0.5, nan, 0.7]), asked)
    np.testing.assert_allclose(found[:, 0], [0.01, 0.5, 0.5, 0.7])
    unknown = LastSlope(curve).predict(battery([1, 2, 3, 4], [nan] * 4), asked)
    np.testing.assert_allclose(unknown[:, 0], [0.01, 0.011, 0.012, 0.013])


def test_the_last_slope_is_the_line_through_the_last_rows() -> None:
    series = make_battery("x", 400, ("PCL",), gap=30)
    soh = series.soh.copy()
    soh[[0, 120, 121]] = np.nan
    series = replace(series, soh=soh)
    source = np.array([0, 1, 4, 5, 20, 130, 300])
    asked = Asked(source, series.cycle_num[source] + 25)
    curve = fit_mean([series])
    found = LastSlope(curve).predict(series, asked)[:, 0]
    assert found[0] == pytest.approx(curve.at(asked.cycle[:1])[0, 0])
    # Row 0 is not known, so row 4 is the fourth: too few for a line.
    assert found[1:3] == pytest.approx(1.0 - soh[[1, 4]])
    for place in (3, 4, 5, 6):
        rows = [row for row in range(source[place] + 1) if np.isfinite(soh[row])][-ROWS:]
        line = np.polyfit(series.cycle_num[rows], 1.0 - soh[rows], 1)
        assert found[place] == pytest.approx(np.polyval(line, asked.cycle[place]), rel=1e-9)


def test_a_hundred_thousand_rows_take_about_a_second() -> None:
    cycle = np.arange(100_000.0)
    started = time.perf_counter()
    _, _, slope = recent_lines(cycle, 1e-4 * cycle)
    assert time.perf_counter() - started < 5.0
    np.testing.assert_allclose(slope[1:], 1e-4, rtol=1e-9)


def test_forecasts_are_scored_from_every_horizon_and_never_from_later_rows() -> None:
    task = make_task(("PCL", "RUL"), FEATURES, resolve("MEAN", {"max_horizon": 10}))
    series = make_fleet(2)[1]
    asked, truth = ask_labelled(series, task, np.random.default_rng(0))
    ages = asked.cycle - series.cycle_num[asked.source]
    assert len(asked) == len(series) - 1
    assert set(range(1, 11)) <= set(ages.tolist())
    np.testing.assert_array_equal(truth, series.targets[1:])
    estimate = make_task(("PCL", "RUL"), FEATURES, resolve("MEAN", {}))
    asked, _ = ask_labelled(series, estimate, np.random.default_rng(0))
    np.testing.assert_array_equal(series.cycle_num[asked.source], asked.cycle)
