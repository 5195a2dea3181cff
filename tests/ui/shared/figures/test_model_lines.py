"""Error against horizon and against cycles seen: a line per model, floors in grey behind."""

import pandas as pd
import pytest

from ui.shared.figures import error_against_cycles_seen, error_against_horizon
from ui.shared.theme import FLOOR_COLOUR, algorithm_colour


@pytest.fixture
def errors() -> pd.DataFrame:
    """Two models of one algorithm and two floors at three horizons; PCL as a fraction."""
    lines = {
        "Old v1": ("BILSTM", [0.002, 0.004, 0.01]),
        "New v2": ("BILSTM", [0.001, 0.003, 0.009]),
        "Last value": ("LAST_VALUE", [0.001, 0.01, 0.03]),
        "Last slope": ("LAST_SLOPE", [0.001, 0.005, None]),
    }
    return pd.concat(
        pd.DataFrame(
            {
                "name": name,
                "algorithm": algorithm,
                "horizon": [1, 10, 100],
                "value": values,
                "n_batteries": [40, 40, 39],
            }
        )
        for name, (algorithm, values) in lines.items()
    ).astype({"value": "float64"})


def draw(errors: pd.DataFrame, **settings: object):
    return error_against_horizon(errors, "RMSE of PCL", "%-points", factor=100.0, **settings)


def test_floors_are_grey_and_lie_behind_the_models(errors):
    figure = draw(errors)
    assert [trace.name for trace in figure.data][2:] == ["New v2", "Old v1"]
    in_legend = sorted(figure.data, key=lambda trace: trace.legendrank)
    assert [t.name for t in in_legend] == ["Old v1", "New v2", "Last value", "Last slope"]
    assert {trace.line.color for trace in figure.data[:2]} == {FLOOR_COLOUR}
    assert len({trace.line.dash for trace in figure.data[:2]}) == 2
    assert {trace.line.color for trace in figure.data[2:]} == {algorithm_colour("BILSTM")}


def test_models_of_one_algorithm_differ_by_dash(errors):
    new, old = draw(errors).data[2:]
    assert (old.line.dash, new.line.dash) == ("solid", "dash")


def test_horizons_are_tick_marks_of_a_log_axis_in_displayed_units(errors):
    figure = draw(errors)
    assert figure.layout.xaxis.type == "log"
    assert sorted(figure.layout.xaxis.tickvals) == [1, 10, 100]
    assert figure.layout.xaxis.title.text == "Cycles ahead"
    assert figure.layout.yaxis.title.text == "RMSE of PCL (%-points)"
    assert max(figure.data[1].y) == pytest.approx(3.0)


def test_a_missing_error_is_left_out(errors):
    assert list(draw(errors).data[0].x) == [1, 10]


def test_many_horizons_do_not_crowd_the_axis():
    frame = pd.DataFrame(
        {
            "name": "A",
            "algorithm": "TREES",
            "horizon": range(1, 31),
            "value": 1.0,
            "n_batteries": 9,
        }
    )
    ticks = error_against_horizon(frame, "RMSE", "cycles").layout.xaxis.tickvals
    assert len(ticks) <= 12
    assert 30 in ticks


def test_cycles_seen_have_a_linear_axis_and_say_over_how_many_batteries(errors):
    frame = errors.rename(columns={"horizon": "cycles_seen"})
    figure = error_against_cycles_seen(frame, "RMSE of cycle life", "cycles", subtitle="Over 40")
    assert figure.layout.xaxis.type is None
    assert figure.layout.xaxis.title.text == "Cycles seen"
    assert "Over 40" in figure.layout.title.text
    assert list(figure.data[2].customdata) == [40, 40, 39]


@pytest.mark.parametrize("dark", [False, True])
def test_without_errors_it_says_so(errors, dark):
    for figure in (
        draw(errors.iloc[:0], dark=dark),
        error_against_cycles_seen(
            errors.iloc[:0].rename(columns={"horizon": "cycles_seen"}), "RMSE", "cycles", dark=dark
        ),
    ):
        assert not figure.data
        assert figure.layout.annotations[0].text.endswith(".")
