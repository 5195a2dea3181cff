"""Figures over a whole dataset: fleet curves, lives, features, correlation."""

import numpy as np
import pandas as pd
import pytest

from tests.paths import SHARED_DATA, needs_shared_data
from ui.shared.figures import (
    correlation_heatmap,
    cycle_life_histogram,
    feature_boxes,
    fleet_curves,
)
from ui.shared.theme import ROLE_COLOURS

ROLES = ("train", "val", "test")
LABEL = "Percentage capacity loss"


@pytest.fixture
def fleet() -> pd.DataFrame:
    """124 batteries with 40 cycles each; every third role, lives 200 to 2,045 cycles."""
    batteries = []
    for number in range(124):
        cycles = np.linspace(1, 200 + 15 * number, 40).astype(int)
        batteries.append(
            pd.DataFrame(
                {
                    "battery_code": f"{number + 1:03d}",
                    "cycle_num": cycles,
                    "value": 0.2 * (cycles / cycles[-1]) ** 2,
                    "group": ROLES[number % 3],
                    "life": float(cycles[-1]),
                }
            )
        )
    return pd.concat(batteries, ignore_index=True)


def data_traces(figure):
    return [trace for trace in figure.data if trace.customdata is not None]


def test_fleet_is_one_trace_in_percent_below_a_megabyte(fleet):
    figure = fleet_curves(fleet, LABEL, "%", factor=100)
    (trace,) = data_traces(figure)
    assert figure.layout.title.text == "Percentage capacity loss of 124 batteries"
    assert figure.layout.xaxis.title.text == "Cycle number"
    assert figure.layout.yaxis.title.text == "Percentage capacity loss (%)"
    assert np.nanmax(trace.y) == pytest.approx(20)
    assert len(figure.to_json()) < 1_000_000


def test_fleet_batteries_are_not_joined(fleet):
    (trace,) = data_traces(fleet_curves(fleet, LABEL, "%"))
    codes = np.array([row[0] for row in trace.customdata])
    changes = np.flatnonzero(codes[1:] != codes[:-1])
    assert len(changes) == 123
    assert np.isnan(np.asarray(trace.y)[changes]).all()
    assert trace.connectgaps is False


def test_fleet_points_can_be_selected_and_name_their_battery(fleet):
    (trace,) = data_traces(fleet_curves(fleet, LABEL, "%"))
    assert trace.mode == "lines+markers"
    assert trace.customdata[0][0] == "001"
    assert "%{customdata[0]}" in trace.hovertemplate


def test_fleet_order_of_the_rows_does_not_matter(fleet):
    shuffled = fleet.sample(frac=1, random_state=0)
    assert fleet_curves(shuffled, LABEL, "%") == fleet_curves(fleet, LABEL, "%")


def test_fleet_coloured_by_split(fleet):
    fleet.loc[fleet["battery_code"] == "001", "group"] = None
    traces = data_traces(fleet_curves(fleet, LABEL, "%", colour_by="split"))
    assert [t.name for t in traces] == ["Train", "Validation", "Test", "No split role"]
    assert [t.line.color for t in traces[:3]] == list(ROLE_COLOURS.values())


def test_fleet_coloured_by_life_keeps_batteries_without_one_apart(fleet):
    fleet.loc[fleet["battery_code"] == "124", "life"] = np.nan
    traces = data_traces(fleet_curves(fleet, LABEL, "%", colour_by="life"))
    assert traces[0].name.startswith("200 to ")
    assert traces[-1].name == "No cycle life"
    assert {row[0] for row in traces[-1].customdata} == {"124"}
    shown = {row[0] for trace in traces for row in trace.customdata}
    assert len(shown) == 124
    assert sum(len({row[0] for row in trace.customdata}) for trace in traces) == 124


@pytest.mark.parametrize("lives", [[500.0], [500.0, 500.0], [np.nan], [500.0, 800.0]])
def test_fleet_coloured_by_life_with_few_batteries(lives):
    frame = pd.DataFrame(
        {
            "battery_code": [str(i) for i in range(len(lives))],
            "cycle_num": 1,
            "value": 0.1,
            "life": lives,
        }
    )
    traces = data_traces(fleet_curves(frame, LABEL, "%", colour_by="life"))
    assert len({row[0] for trace in traces for row in trace.customdata}) == len(lives)


def test_fleet_end_of_life_line_is_drawn_and_labelled(fleet):
    figure = fleet_curves(fleet, LABEL, "%", factor=100, eol_value=0.2, eol_label="EOL 20 %")
    assert figure.layout.shapes[0].y0 == pytest.approx(20)
    assert figure.layout.annotations[0].text == "EOL 20 %"


def test_fleet_highlight_is_thick_and_on_top(fleet):
    figure = fleet_curves(fleet, LABEL, "%", highlighted="042")
    thin, thick = data_traces(figure)
    assert thick.name == "Battery 042"
    assert thick.line.width > thin.line.width
    assert thin.opacity < thick.opacity


def test_fleet_ignores_an_unknown_highlight(fleet):
    assert fleet_curves(fleet, LABEL, "%", highlighted="none") == fleet_curves(fleet, LABEL, "%")


def test_fleet_keeps_zoom_while_the_quantity_stays(fleet):
    plain = fleet_curves(fleet, LABEL, "%")
    coloured = fleet_curves(fleet, LABEL, "%", colour_by="split", dark=True)
    other = fleet_curves(fleet, "Slope", "")
    assert plain.layout.uirevision == coloured.layout.uirevision != other.layout.uirevision


def test_histogram_counts_every_life_once():
    frame = pd.DataFrame(
        {
            "battery_code": list("abcdef"),
            "cycle_life": [148, 500, 510, 900, 2237, np.nan],
            "group_tag": ["train", "val", "val", "test", None, "test"],
        }
    )
    figure = cycle_life_histogram(frame)
    assert sum(int(np.sum(bar.y)) for bar in figure.data) == 5
    assert [bar.name for bar in figure.data] == ["Train", "Validation", "Test", "No split role"]
    assert "1 without end of life" in figure.layout.title.text
    assert figure.layout.xaxis.title.text == "Cycle life (cycles)"
    assert figure.layout.barmode == "stack"


@pytest.mark.parametrize("lives", [[700], [700, 700], [1, 3], [148, 2237]])
def test_histogram_of_any_range(lives):
    frame = pd.DataFrame(
        {"battery_code": range(len(lives)), "cycle_life": lives, "group_tag": "train"}
    )
    assert int(np.sum(cycle_life_histogram(frame).data[0].y)) == len(lives)


def test_feature_boxes_show_points_beside_each_role():
    frame = pd.DataFrame(
        {
            "value": [1.0, 2.0, np.nan, 4.0],
            "group_tag": ["train", "test", "test", "test"],
            "battery_code": list("abcd"),
        }
    )
    figure = feature_boxes(frame, "Average temperature", "°C")
    train, test = figure.data
    assert (train.boxpoints, train.pointpos) == ("all", -1.5)
    assert [row[0] for row in test.customdata] == ["b", "d"]
    assert figure.layout.yaxis.title.text == "Average temperature (°C)"


def test_many_values_show_a_few_points_beside_the_box_of_all():
    frame = pd.DataFrame({"value": np.arange(5000.0), "group_tag": "train", "battery_code": "a"})
    box, points = feature_boxes(frame, "Average temperature", "°C").data
    assert (len(box.y), box.boxpoints) == (5000, False)
    assert (len(points.y), points.boxpoints) == (200, "all")


def test_correlation_is_symmetric_about_zero():
    matrix = pd.DataFrame([[1, -0.6], [-0.6, 1]], index=["Slope", "RUL"], columns=["Slope", "RUL"])
    (heatmap,) = correlation_heatmap(matrix).data
    assert (heatmap.zmin, heatmap.zmax) == (-1, 1)
    assert list(heatmap.x) == ["Slope", "RUL"]
    assert heatmap.texttemplate == "%{z:.2f}"
    names = [f"x{number}" for number in range(66)]
    many = pd.DataFrame(np.eye(66), index=names, columns=names)
    assert correlation_heatmap(many).data[0].texttemplate is None


@pytest.mark.parametrize("dark", [False, True])
def test_empty_frames_say_so(dark, fleet):
    nothing = fleet.iloc[:0]
    summary = pd.DataFrame({"battery_code": ["a"], "cycle_life": [np.nan], "group_tag": [None]})
    boxes = pd.DataFrame({"value": [np.nan], "group_tag": [None], "battery_code": ["a"]})
    for figure in (
        fleet_curves(nothing, LABEL, "%", dark=dark),
        cycle_life_histogram(summary, dark=dark),
        feature_boxes(boxes, "Slope", "", dark=dark),
        correlation_heatmap(pd.DataFrame(), dark=dark),
    ):
        assert not figure.data
        assert figure.layout.annotations[0].text.replace("<br>", " ").endswith(".")
        assert figure.layout.annotations[0].x == 0.5


@needs_shared_data
def test_fleet_of_the_severson_cells():
    path = SHARED_DATA / "severson" / "severson_8_features.csv.gz"
    cells = pd.read_csv(path, usecols=["battery_code", "cycle", "discharge_capacity_ah"])
    cells.columns = ["battery_code", "cycle_num", "value"]
    thinned = cells[cells.groupby("battery_code").cumcount() % 16 == 0]
    figure = fleet_curves(thinned, "Discharge capacity", "Ah", eol_value=0.88)
    assert figure.layout.title.text == "Discharge capacity of 115 batteries"
    assert len(figure.to_json()) < 1_000_000
