"""Figures of comparisons: means and differences with intervals, twins, curves over each other."""

import numpy as np
import pandas as pd
import pytest

from ui.shared.figures.differences import (
    difference_forest,
    mean_forest,
    overlaid_curves,
    twin_strip,
)
from ui.shared.theme import FLOOR_COLOUR, LIGHT, algorithm_colour, metric_quantity

PCL = metric_quantity("rmse", "PCL")
NAN = float("nan")


def test_the_lowest_mean_is_on_top_and_floors_are_grey() -> None:
    frame = pd.DataFrame(
        {
            "name": ["Mean", "Good"],
            "algorithm": ["MEAN", "BILSTM"],
            "mean": [0.02, 0.01],
            "low": [NAN, 0.008],
            "high": [NAN, 0.012],
        }
    )
    figure = mean_forest(frame, PCL)
    assert list(figure.layout.yaxis.categoryarray) == ["Mean", "Good"]
    bars, points = figure.data
    assert list(bars.x) == pytest.approx([0.8, 1.2])
    assert list(points.x) == pytest.approx([1.0, 2.0])
    assert list(points.marker.color) == [algorithm_colour("BILSTM"), FLOOR_COLOUR]
    assert "too few batteries" in points.customdata[1][0]
    assert "%-points" in figure.layout.xaxis.title.text


def test_a_difference_that_counts_is_filled() -> None:
    frame = pd.DataFrame(
        {
            "name": ["A", "B"],
            "algorithm": ["BASELINE", "BASELINE"],
            "estimate": [-0.01, 0.001],
            "low": [-0.012, -0.001],
            "high": [-0.008, 0.003],
            "differs": [True, False],
        }
    )
    figure = difference_forest(frame, PCL, title="RMSE minus that of C")
    assert [trace.line.width for trace in figure.data[:-1]] == [5.0, 5.0]
    assert list(figure.data[-1].marker.symbol) == ["circle", "circle-open"]
    assert figure.layout.shapes[0].x0 == 0
    assert figure.layout.xaxis.title.text == "Difference (%-points)"


def test_twins_show_zero_median_and_interval() -> None:
    frame = pd.DataFrame({"battery_code": ["1", "2"], "difference": [-0.01, 0.02]})
    figure = twin_strip(frame, PCL, "DEEPHPM", median=0.005, interval=(-0.01, 0.02))
    assert list(figure.data[0].x) == pytest.approx([-1.0, 2.0])
    assert [shape.x0 for shape in figure.layout.shapes] == pytest.approx([0, -1.0, 0.5])
    assert figure.data[0].customdata[1][0] == "2"
    without = twin_strip(frame, PCL, "DEEPHPM", median=0.005, interval=None)
    assert len(without.layout.shapes) == 2


def test_curves_of_one_algorithm_are_told_apart_by_dashes() -> None:
    cycles = np.arange(1, 6)
    frame = pd.concat(
        pd.DataFrame(
            {
                "name": name,
                "algorithm": algorithm,
                "cycle_num": cycles,
                "y_true": cycles / 100,
                "y_pred": cycles / 90,
            }
        )
        for name, algorithm in (("A", "BILSTM"), ("B", "BILSTM"), ("C", "MEAN"))
    )
    truth, *models = overlaid_curves(frame, "PCL", "b1").data
    assert truth.line.color == LIGHT.truth
    assert list(truth.y) == pytest.approx(list(cycles))
    assert [trace.line.dash for trace in models] == ["solid", "dash", "solid"]
    assert models[2].line.color == FLOOR_COLOUR
    assert not overlaid_curves(frame.iloc[:0], "PCL", "b1").data
