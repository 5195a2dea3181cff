"""What headlines say where a percentage would say nothing, and which labels tests stand on."""

from core.evaluation.label_scoring import UNCHECKED
from core.model_versions.stored_metrics import StoredMetrics
from ui.evaluation.words import (
    headline_metrics_of,
    labels_text,
    metric,
    replacement_text,
)


def test_mean_absolute_error_takes_the_place_of_a_meaningless_percentage() -> None:
    values = StoredMetrics(n=10, rmse=40.0, mae=30.0, rmspe=8.12, r2=0.5)
    assert [item.key for item in headline_metrics_of("RUL", values)] == ["rmse", "mae", "r2"]
    assert "812 %" in replacement_text("RUL", values)
    assert "MAE is shown in its place" in replacement_text("RUL", values)
    usual = StoredMetrics(n=10, rmse=40.0, mae=30.0, rmspe=2.0, r2=0.5)
    assert [item.key for item in headline_metrics_of("RUL", usual)] == ["rmse", "rmspe", "r2"]
    assert replacement_text("RUL", usual) == ""


def test_what_was_not_stored_is_blank() -> None:
    assert metric("mape", "RUL").text(StoredMetrics(n=10, rmse=1.0).mape) == ""
    assert metric("mape", "RUL").text(0.125) == "12.5 %"
    assert metric("mape", "PCL").header == "MAPE of SOH (%)"


def test_labels_are_named() -> None:
    assert labels_text("", "Fleet") == "The labels of Fleet"
    assert "SOH < 0.80" in labels_text("first cycle with SOH < 0.80", "Fleet")
    assert "earlier releases" in labels_text(UNCHECKED, "Fleet")
