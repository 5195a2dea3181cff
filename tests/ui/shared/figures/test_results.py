"""Figures of training and testing: losses, predictions, errors, comparison."""

import numpy as np
import pandas as pd
import pytest

from ui.shared.figures import (
    battery_error_box,
    battery_errors_by_algorithm,
    battery_features,
    cycle_error_boxes,
    error_against_cycle,
    loss_curves,
    metric_bars,
    prediction_curves,
    scatter_true_predicted,
)
from ui.shared.theme import LIGHT, algorithm_colour, metric_quantity


@pytest.fixture
def losses() -> pd.DataFrame:
    epochs = np.arange(1, 6)
    return pd.concat(
        pd.DataFrame(
            {"algorithm": name, "epoch": epochs, "train_loss": 1 / epochs, "val_loss": 2 / epochs}
        )
        for name in ("BASELINE", "DEEPHPM")
    )


def predictions(batteries: int, **columns: object) -> pd.DataFrame:
    """Ten cycles per battery; PCL rises to 9 %, predicted one percentage point too high."""
    frame = pd.DataFrame(
        {
            "battery_code": np.repeat([f"{i + 1:03d}" for i in range(batteries)], 10),
            "cycle_num": np.tile(np.arange(1, 11), batteries),
            "y_true": np.tile(np.arange(10) / 100, batteries),
        }
    )
    return frame.assign(y_pred=frame["y_true"] + 0.01, **columns)


def test_losses_are_dashed_for_training_and_solid_for_validation(losses):
    figure = loss_curves(losses)
    assert [trace.line.dash for trace in figure.data] == ["dash", "solid"] * 2
    assert {trace.line.color for trace in figure.data} == {
        algorithm_colour("BASELINE"),
        algorithm_colour("DEEPHPM"),
    }
    assert [t.name for t in figure.data if t.showlegend] == ["Baseline", "DeepHPM"]
    assert figure.layout.yaxis.type == "log"
    assert figure.layout.hovermode == "x unified"
    assert figure.layout.xaxis.title.text == "Epoch"


def test_losses_that_a_log_axis_cannot_show_become_gaps(losses):
    losses["train_loss"] = -1.0
    figure = loss_curves(losses)
    assert np.isnan(np.asarray(figure.data[0].y)).all()


def test_first_epoch_is_visible_as_a_point(losses):
    figure = loss_curves(losses[losses["epoch"] == 1])
    assert {trace.mode for trace in figure.data} == {"markers"}


def test_prediction_curves_have_a_dark_truth_and_a_coloured_prediction():
    figure = prediction_curves(predictions(2), "PCL", "BILSTM")
    truth, predicted = figure.data[:2]
    assert truth.line.color == LIGHT.truth
    assert predicted.line.color == algorithm_colour("BILSTM")
    assert np.max(truth.y) == pytest.approx(9)
    assert [trace.name for trace in figure.data if trace.showlegend] == ["True", "BiLSTM"]
    assert figure.layout.yaxis.title.text == "PCL (%)"
    assert figure.layout.xaxis2.title.text == "Cycle number"
    assert predicted.customdata[0][0] == "001"


def test_prediction_curves_stop_at_six_batteries_and_say_so():
    figure = prediction_curves(predictions(9), "RUL", "BASELINE")
    assert len(figure.data) == 12
    assert "The first 6 of 9 batteries" in figure.layout.title.text


def test_prediction_curves_leave_no_empty_panel():
    figure = prediction_curves(predictions(5), "RUL", "BASELINE")
    assert len([name for name in figure.to_dict()["layout"] if name.startswith("xaxis")]) == 5


def test_prediction_curves_name_how_a_battery_was_used():
    frame = predictions(3)
    frame["exposure"] = frame["battery_code"].map({"001": "test", "002": "train", "003": "val"})
    titles = [note.text for note in prediction_curves(frame, "PCL", "BILSTM").layout.annotations]
    assert titles[0] == "Battery 001"
    assert "seen in training" in titles[1]
    assert "used for selection" in titles[2]


def test_prediction_interval_is_shaded_where_there_is_one_and_named_once():
    frame = predictions(2)
    frame = frame.assign(y_lower=frame["y_pred"] - 0.01, y_upper=frame["y_pred"] + 0.01)
    frame.loc[frame["battery_code"] == "001", ["y_lower", "y_upper"]] = np.nan
    frame.loc[12, ["y_lower", "y_upper"]] = np.nan
    figure = prediction_curves(frame, "PCL", "BILSTM", nominal=0.9)
    assert [trace.fill for trace in figure.data] == [None, None, "none", "tonexty", None, None]
    low, high = figure.data[2:4]
    assert list(low.x) == list(high.x) == [1, 2, *range(4, 11)]
    assert np.asarray(high.y) - np.asarray(low.y) == pytest.approx(np.full(9, 2.0))
    assert [t.name for t in figure.data if t.showlegend] == ["True", "BiLSTM", "90 % interval"]
    assert figure.data[5].customdata[0][1] == " (0 to 2)"
    assert figure.data[5].customdata[2][1] == ""


def test_curves_without_any_interval_have_no_band():
    frame = predictions(1).assign(y_lower=np.nan, y_upper=np.nan)
    figure = prediction_curves(frame, "PCL", "BILSTM")
    assert [trace.name for trace in figure.data] == ["True", "BiLSTM"]


def test_a_battery_unlike_the_training_batteries_is_marked():
    frame = predictions(3, exposure="unseen")
    frame["distance_ratio"] = frame["battery_code"].map({"001": 0.9, "002": 1.3, "003": np.nan})
    titles = [note.text for note in prediction_curves(frame, "PCL", "BILSTM").layout.annotations]
    assert titles[0] == "Battery 001"
    assert "unlike the training batteries" in titles[1]
    assert titles[2] == "Battery 003"


def test_predictions_without_labels_are_drawn():
    figure = prediction_curves(predictions(1, y_true=np.nan), "RUL", "DEEPHPM")
    assert len(figure.data) == 2


def test_scatter_has_an_identity_line_and_units():
    frame = predictions(2)
    frame.loc[0, "y_true"] = np.nan
    figure = scatter_true_predicted(frame, "PCL", "BILSTM")
    points, identity = figure.data
    assert len(points.x) == 19
    assert list(identity.x) == list(identity.y)
    assert figure.layout.xaxis.title.text == "True PCL (%)"
    assert figure.layout.yaxis.title.text == "Predicted PCL (%)"


def test_a_thinned_scatter_says_of_how_many():
    title = scatter_true_predicted(predictions(2), "PCL", "BILSTM", total=41_240).layout.title.text
    assert "20 of 41,240 cycles shown" in title.replace("<br>", " ")


def test_losses_of_a_stopped_training_say_so():
    frame = pd.DataFrame(columns=["algorithm", "epoch", "train_loss", "val_loss"])
    text = loss_curves(frame, over=True).layout.annotations[0].text
    assert text == "Stopped before the first epoch."


def test_error_is_predicted_minus_true():
    (points,) = error_against_cycle(predictions(2), "PCL", "BILSTM").data
    assert np.asarray(points.y) == pytest.approx(np.ones(20))
    assert points.customdata[-1][0] == "002"


@pytest.fixture
def errors() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "battery_code": list("abcdef"),
            "value": [0.01, 0.02, 0.03, 0.5, np.nan, 0.9],
            "exposure": ["test", "test", None, "train", "test", "val"],
        }
    )


def test_battery_errors_keep_seen_batteries_out_of_the_headline(errors):
    rmse = metric_quantity("rmse", "PCL")
    figure = battery_error_box(errors, rmse.label, rmse.unit, factor=rmse.factor)
    assert [box.name for box in figure.data] == ["Unseen", "Used for selection", "Seen in training"]
    assert [row[0] for row in figure.data[0].customdata] == ["a", "b", "c"]
    assert figure.data[0].boxpoints == "all"
    assert "Median 2 %-points over 3 unseen batteries" in figure.layout.title.text
    assert figure.layout.xaxis.title.text == "RMSE of PCL (%-points)"


def test_battery_errors_without_an_unseen_battery_say_so(errors):
    seen = errors[errors["exposure"] == "train"]
    assert "No unseen battery" in battery_error_box(seen, "RMSE", "cycles").layout.title.text


def test_battery_errors_need_no_exposure(errors):
    figure = battery_error_box(errors.drop(columns="exposure"), "RMSE", "cycles")
    assert [box.name for box in figure.data] == ["Unseen"]


def test_cycle_boxes_come_from_quartiles_and_start_with_the_worst():
    quartiles = pd.DataFrame(
        {
            "battery_code": ["001", "002"],
            "lower_fence": [-0.02, -0.05],
            "q1": [-0.01, -0.04],
            "median": [0.0, -0.03],
            "q3": [0.01, -0.02],
            "upper_fence": [0.02, -0.01],
        }
    )
    figure = cycle_error_boxes(quartiles, "PCL", algorithm="BASELINE")
    boxes, medians = figure.data
    assert list(boxes.x) == ["002", "001"]
    assert list(boxes.q1) == pytest.approx([-4, -1])
    assert list(medians.customdata[0]) == pytest.approx(["002", -4, -2, -5, -1])
    assert figure.layout.xaxis.type == "category"
    assert figure.layout.yaxis.title.text == "PCL error (%-points)"


def test_metric_bars_put_the_best_on_top():
    frame = pd.DataFrame({"algorithm": ["BASELINE", "BILSTM"], "value": [12000.0, 90.5]})
    (bars,) = metric_bars(frame, "MSE of RUL", "cycles²").data
    assert list(bars.y) == ["BiLSTM", "Baseline"]
    assert list(bars.text) == ["90.5 cycles²", "12,000 cycles²"]
    (best_first,) = metric_bars(frame, "R²", "", better="higher").data
    assert list(best_first.y) == ["Baseline", "BiLSTM"]


def test_long_model_names_wrap():
    frame = pd.DataFrame({"name": ["Severson cells BiLSTM"], "algorithm": "BILSTM", "value": [1.0]})
    assert metric_bars(frame, "RMSE", "cycles").data[0].y[0] == "Severson cells<br>BiLSTM"


def test_models_are_compared_by_boxes_of_batteries():
    frame = pd.DataFrame(
        {
            "algorithm": ["BASELINE"] * 2 + ["DEEPHPM"] * 2,
            "battery_code": ["a", "b"] * 2,
            "value": [5.0, 6.0, 1.0, 2.0],
        }
    )
    figure = battery_errors_by_algorithm(frame, "RMSE of RUL", "cycles")
    assert [box.name for box in figure.data] == ["DeepHPM", "Baseline"]
    assert figure.data[0].marker.color == algorithm_colour("DEEPHPM")
    assert [row[0] for row in figure.data[0].customdata] == ["a", "b"]


def test_battery_strips_share_the_cycle_axis_and_skip_what_is_missing():
    frame = pd.DataFrame(
        {
            "cycle_num": [1, 2, 5],
            "pcl": [0.01, 0.02, np.nan],
            "rul": [np.nan] * 3,
            "feature_1": [30.0, 31.0, 32.0],
        }
    )
    figure = battery_features(
        frame, [("feature_1", "Average temperature", "°C")], battery_code="001"
    )
    assert [note.text for note in figure.layout.annotations] == [
        "Percentage capacity loss (%)",
        "Average temperature (°C)",
    ]
    assert list(figure.data[0].y)[:2] == pytest.approx([1, 2])
    assert figure.layout.xaxis.matches == figure.layout.xaxis2.matches or (
        figure.layout.xaxis.matches == "x2"
    )
    assert figure.layout.xaxis2.title.text == "Cycle number"


def test_isolated_readings_are_hollow_points_on_capacity_and_loss_alone():
    frame = pd.DataFrame(
        {
            "cycle_num": [1, 2, 5],
            "capacity_ah": [1.1, 0.5, 1.0],
            "pcl": [0.0, 0.55, 0.09],
            "rul": [9.0, 8.0, 5.0],
        }
    )
    marked = battery_features(frame, [], isolated=np.array([False, True, False]))
    hollow = [trace for trace in marked.data if trace.mode == "markers"]
    assert [(trace.marker.symbol, list(trace.x)) for trace in hollow] == [("circle-open", [2])] * 2
    assert [list(trace.y) for trace in hollow] == [[0.5], [pytest.approx(55.0)]]
    plain = battery_features(frame, [], isolated=np.zeros(3, dtype=bool))
    assert not [trace for trace in plain.data if trace.mode == "markers"]


@pytest.mark.parametrize("dark", [False, True])
def test_empty_frames_say_so(dark, losses, errors):
    nothing = predictions(1).iloc[:0]
    compared = pd.DataFrame({"algorithm": [], "battery_code": [], "value": []})
    quartiles = pd.DataFrame({"battery_code": [], "median": []})
    for figure in (
        loss_curves(losses.iloc[:0], dark=dark),
        prediction_curves(nothing, "RUL", "BILSTM", dark=dark),
        scatter_true_predicted(predictions(1, y_true=np.nan), "RUL", "BILSTM", dark=dark),
        error_against_cycle(nothing, "RUL", "BILSTM", dark=dark),
        battery_error_box(errors.iloc[:0], "RMSE", "cycles", dark=dark),
        cycle_error_boxes(quartiles, "PCL", dark=dark),
        metric_bars(compared, "RMSE", "cycles", dark=dark),
        battery_errors_by_algorithm(compared, "RMSE", "cycles", dark=dark),
        battery_features(pd.DataFrame({"cycle_num": []}), [], battery_code="1", dark=dark),
    ):
        assert not figure.data
        assert figure.layout.annotations[0].text.replace("<br>", " ").endswith(".")
