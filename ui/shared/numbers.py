"""Metrics as tables print them: a fixed number of digits, trailing zeros kept."""

from collections.abc import Callable, Mapping
from math import floor, log10
from typing import Any

import pandas as pd
from pandas.io.formats.style import Styler

R2_DECIMALS = 3
SIGNIFICANT_DIGITS = 3
MOST_DECIMALS = 8
PERCENTAGES = ("rmspe", "rmspe_pcl", "mape")
LARGEST_PERCENTAGE = 200


def metric_text(key: str, value: float) -> str:
    """A metric in displayed units: R² with three decimals, all else with three digits.

    A percentage so large that it only says that true values near 0 divide it is not printed.
    """
    if is_meaningless(key, value):
        return f"over {LARGEST_PERCENTAGE}"
    return f"{value:z.{R2_DECIMALS}f}" if key == "r2" else fixed_digits(value)


def is_meaningless(key: str, value: float) -> bool:
    """Whether a percentage error in displayed units says less than the mean absolute error."""
    return key in PERCENTAGES and value > LARGEST_PERCENTAGE


def fixed_digits(value: float) -> str:
    """Three significant digits without exponents: 0.0123, 0.900, 2.01, 315, 17,161."""
    if value == 0:
        return "0"
    # Rounding first: 9.996 has one decimal less than 9.99.
    rounded = float(f"{value:.{SIGNIFICANT_DIGITS - 1}e}")
    decimals = SIGNIFICANT_DIGITS - 1 - floor(log10(abs(rounded)))
    return f"{value:,.{min(max(decimals, 0), MOST_DECIMALS)}f}"


def styled_metrics(
    frame: pd.DataFrame, keys: Mapping[str, str], *, missing: str, mark_best: bool = False
) -> Styler:
    """The frame with its metric columns printed by `metric_text`; the numbers stay numbers.

    Parameters
    ----------
    keys: column -> metric (`rmse`, `r2`, ...); columns that the frame lacks are passed over.
    mark_best: put "best" before the best value of a column with two or more different values.
    """
    styler = frame.style
    for column, key in keys.items():
        if column in frame:
            best = _best(frame[column], key) if mark_best else None
            # Results of earlier releases lack it: nothing is wrong with their batteries.
            absent = "" if key == "mape" else missing
            styler = styler.format(_printer(key, best), subset=[column], na_rep=absent)
    return styler


def _best(values: pd.Series, key: str) -> float | None:
    known = values.astype("float64").dropna()
    if known.nunique() < 2:
        return None
    return float(known.max() if key == "r2" else known.min())


def _printer(key: str, best: float | None) -> Callable[[Any], str]:
    return lambda value: ("best " if value == best else "") + metric_text(key, value)
