"""Figures of early prediction and of random rows: colours, units, and what is left out."""

import pandas as pd

from ui.shared.figures.early_life import feature_weights, life_scatter, model_errors
from ui.shared.figures.row_split import battery_both_ways
from ui.shared.theme import FLOOR_COLOUR

LABELS = {"train": "Train", "primary": "Primary test", "secondary": "Secondary test"}


def test_batteries_are_points_by_group() -> None:
    frame = pd.DataFrame(
        {
            "battery": ["a", "b", "c"],
            "group": ["train", "primary", "primary"],
            "cycle_life": [500.0, 700.0, 900.0],
            "predicted": [510.0, 650.0, 1000.0],
        }
    )
    figure = life_scatter(frame, "Ridge", LABELS)
    assert [trace.name for trace in figure.data[:2]] == ["Train (1)", "Primary test (2)"]
    assert figure.data[1].customdata[:, 0].tolist() == ["b", "c"]
    assert figure.layout.xaxis.title.text == "True cycle life (cycles)"


def test_the_floor_is_grey_and_the_best_on_top() -> None:
    scores = pd.DataFrame(
        {
            "label": ["Mean", "Ridge"],
            "is_floor": [True, False],
            "rmse": [390.0, 92.0],
            "rmse_low": [None, 70.0],
            "rmse_high": [None, 111.0],
        }
    )
    figure = model_errors(scores, "Primary test", published=97.0)
    points = figure.data[0]
    assert list(points.y) == ["Mean", "Ridge"]
    assert points.marker.color[0] == FLOOR_COLOUR != points.marker.color[1]
    assert list(points.error_x.array) == [0.0, 19.0]
    assert figure.layout.shapes[0].x0 == 97.0
    assert not model_errors(scores, "Primary test").layout.shapes


def test_only_the_largest_weights_are_drawn() -> None:
    weights = pd.DataFrame(
        {"feature": [f"f{i}" for i in range(20)], "effect_percent": [float(i) for i in range(20)]}
    )
    figure = feature_weights(weights, "PLSR")
    assert list(figure.data[0].y) == [f"f{i}" for i in range(8, 20)]
    assert "largest of 20" in figure.layout.title.text
    assert "no feature" in feature_weights(weights.head(0), "Mean").layout.annotations[0].text


def test_both_ways_share_their_axes() -> None:
    frame = pd.DataFrame(
        {
            "cycle_num": [1, 2, 3],
            "y_true": [0.01, 0.02, None],
            "rows": [0.011, 0.021, 0.03],
            "batteries": [0.05, 0.06, 0.07],
        }
    )
    left, right = (battery_both_ways(frame, "PCL", "b1", way) for way in ("rows", "batteries"))
    assert left.layout.xaxis.range == right.layout.yaxis.range
    assert list(left.data[0].x) == [1.0, 2.0]
    assert left.layout.xaxis.title.text == "True PCL (%)"
