"""Draws the coverage of prediction intervals on unseen batteries, and what it means."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from core.access.actor import CurrentUser
from core.base.database import read_scope
from core.evaluation.results import TestResult
from core.measures.coverage import verdict_words
from core.model_versions.stored_metrics import StoredMetrics
from core.model_versions.versions import get_model_info
from ui.evaluation.words import metric
from ui.shared.numbers import fixed_digits
from ui.shared.words import counted, plain

NOMINAL = 0.9
NO_INTERVAL = "none: "
NO_BREAK = "\u00a0"
METHODS = {
    "split": "validation batteries, on which the model was not fitted",
    "cv+": "training batteries, each judged by a model fitted without it",
}


def nominal_of(result: TestResult, target: str) -> float:
    """The share of cycles that the intervals of a target promise to contain."""
    return float((_interval(result, target) or {}).get("nominal", NOMINAL))


def is_unlike(result: TestResult) -> dict[str, bool]:
    """By battery code, whether the battery is unlike those that the model was trained on."""
    ratios = distance_ratios(result.batteries)
    return {str(code): bool(ratio > 1) for code, ratio in ratios.items()}


def distance_ratios(batteries: pd.DataFrame) -> pd.Series:
    """Distance to the training batteries over the largest usual one, by code; NaN if unknown."""
    if "distance_ratio" not in batteries:
        return pd.Series(float("nan"), index=batteries["battery_code"].unique())
    return batteries.groupby("battery_code")["distance_ratio"].first()


def interval_block(user: CurrentUser, result: TestResult, target: str) -> None:
    """Promised and observed coverage with mean width, in a line; a warning where it is too low."""
    found = _interval(result, target)
    if not found:
        st.caption(f"No prediction interval: {_reason(user, result, target)}")
        return
    st.markdown(f":small[{_numbers(found, target)}]", help=_explanation(found))
    if found["verdict"] == "too low":
        st.warning(_warning(found), icon=":material/warning:")


def _interval(result: TestResult, target: str) -> Mapping[str, Any] | None:
    return result.overall.get(target, StoredMetrics()).interval


def _numbers(found: Mapping[str, Any], target: str) -> str:
    quantity = metric("mae", target).quantity
    width = f"{fixed_digits(found['mean_width'] * quantity.factor)} {quantity.unit}".replace(
        " ", NO_BREAK
    )
    return (
        f"**{_percent(found['nominal'])} intervals** contain **{_percent(found['observed'], 1)}** "
        f"({100 * found['observed_low']:.1f} to {_percent(found['observed_high'], 1)}) of the "
        f"cycles of {counted(found['n_batteries'], 'unseen battery', 'unseen batteries')}, "
        f"{_judgement(found)}; mean width {width}"
    )


def _judgement(found: Mapping[str, Any]) -> str:
    return f"{verdict_words(found['verdict'])} ({_chance(found)} by chance alone)"


def _chance(found: Mapping[str, Any]) -> str:
    return f"{100 * found['expected_low']:.0f} to {_percent(found['expected_high'])}"


def _explanation(found: Mapping[str, Any]) -> str:
    batteries = METHODS.get(found["method"], "batteries held out of fitting")
    return (
        "The mean over batteries of the share of their cycles inside the interval; in brackets "
        "its own 95 % interval over batteries. The width comes from the errors on "
        f"{found['n_calibration']} {batteries}. For new batteries like those, chance alone puts "
        f"the share at {_chance(found)} in 95 of 100 tests."
    )


def _warning(found: Mapping[str, Any]) -> str:
    return (
        "These batteries lie outside what the model knows: its intervals contain less than the "
        f"{_percent(found['expected_low'])} of cycles that chance allows for batteries like those "
        "it was calibrated on. Trust neither its numbers nor its intervals here."
    )


def _reason(user: CurrentUser, result: TestResult, target: str) -> str:
    with read_scope() as session:
        config = get_model_info(session, user, result.info.model_version_id).config
    fact = config.interval_of(target)
    if fact.startswith(NO_INTERVAL):
        return plain(fact.removeprefix(NO_INTERVAL))
    if fact:
        return "none could be calibrated this far ahead, or no labelled unseen battery has one."
    return "the model was trained before intervals were made. Train it again to have them."


def _percent(share: float, decimals: int = 0) -> str:
    return f"{100 * share:.{decimals}f} %"
