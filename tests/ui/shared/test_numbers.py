"""Metrics as tables print them."""

import numpy as np
import pandas as pd
import pytest

from ui.shared.numbers import fixed_digits, metric_text, styled_metrics


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.9, "0.900"),
        (1.3, "1.30"),
        (9.996, "10.0"),
        (315.4, "315"),
        (17160.6, "17,161"),
        (-0.0123, "-0.0123"),
        (0.0, "0"),
    ],
)
def test_digits_are_fixed(value: float, text: str) -> None:
    assert fixed_digits(value) == text


def test_r2_has_three_decimals() -> None:
    assert metric_text("r2", -12.3) == "-12.300"
    assert metric_text("r2", -0.0001) == "0.000"


def test_the_best_value_is_marked_and_numbers_stay() -> None:
    frame = pd.DataFrame({"rmse": [1.3, 0.9, np.nan], "r2": [0.5, 0.9, np.nan]})
    styler = styled_metrics(frame, {"rmse": "rmse", "r2": "r2"}, missing="-", mark_best=True)
    html = styler.to_html()
    assert html.count("best") == 2
    assert "best 0.900" in html and ">1.30<" in html and ">-<" in html
    assert list(frame["rmse"])[:2] == [1.3, 0.9]


def test_a_percentage_that_says_nothing_is_not_printed() -> None:
    assert metric_text("rmspe", 812.0) == "over 200"
    assert metric_text("mape", 200.0) == "200"
    assert metric_text("rmse", 812.0) == "812"
