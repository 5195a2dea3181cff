"""Predicted against true curves of chosen batteries, the worst three to begin with."""

import pandas as pd
import streamlit as st

from core.access.actor import CurrentUser
from core.evaluation.evaluations import UNSEEN
from core.evaluation.results import TestResult
from ui.evaluation.intervals import distance_ratios, is_unlike, nominal_of
from ui.evaluation.reads import curves_of
from ui.evaluation.words import battery_label, metric
from ui.shared.figures import prediction_curves
from ui.shared.figures.predictions import MOST_BATTERIES
from ui.shared.frame import is_dark
from ui.shared.theme import PLOTLY_CONFIG, TARGET_INFO

PRESELECTED = 3
VIEW_KEY = "view"
CURVES_VIEW = "Curves"
_ADDRESS = "battery"


def curve_view(user: CurrentUser, result: TestResult, target: str) -> None:
    """Choice of batteries and their curves."""
    labels = _labels(result, target)
    chosen = _chosen(result, target, labels)
    if not chosen:
        st.caption("Choose at least one battery to see its curves.")
        return
    frame = curves_of(user, result.info.id, target, tuple(chosen))
    place = {code: number for number, code in enumerate(chosen)}
    frame = frame.sort_values("battery_code", key=lambda codes: codes.map(place), kind="stable")
    frame["distance_ratio"] = frame["battery_code"].map(distance_ratios(result.batteries))
    nominal = nominal_of(result, target)
    if not _show_interval(frame, nominal):
        frame = frame.drop(columns=["y_lower", "y_upper"], errors="ignore")
    st.plotly_chart(
        prediction_curves(frame, target, result.info.algorithm, nominal=nominal, dark=is_dark()),
        theme=None,
        config=PLOTLY_CONFIG,
        key=f"curves_{result.info.id}_{target}",
        alt=f"True and predicted {TARGET_INFO[target].label.lower()} against cycle number of "
        f"batteries {', '.join(chosen)}.",
    )


def _show_interval(frame: pd.DataFrame, nominal: float) -> bool:
    """Whether to draw the intervals; asks only where there are any."""
    if "y_lower" not in frame or frame["y_lower"].isna().all():
        return False
    return st.toggle(
        f"{nominal:.0%} interval".replace("%", " %"),
        value=True,
        key="curve_intervals",
        help="Where the true curve of a new battery lies for that share of its cycles, if the "
        "battery is like those that the model was calibrated on.",
    )


def show_battery(test_id: int, target: str, code: str) -> None:
    """Have the next run show the curve of one battery; for callbacks of charts and tables."""
    st.session_state[_key(test_id, target)] = [code]
    st.session_state[VIEW_KEY] = CURVES_VIEW


def ranked_codes(result: TestResult, target: str) -> list[str]:
    """All batteries: unseen ones first, and of these the one with the largest RMSE first."""
    frame = result.batteries
    rows = frame[(frame["target"] == target) | frame["target"].isna()]
    order = rows.assign(known=rows["exposure"] != UNSEEN).sort_values(
        ["known", "rmse"], ascending=[True, False], kind="stable"
    )
    listed = [str(code) for code in order["battery_code"]]
    rest = [str(code) for code in frame["battery_code"]]
    return list(dict.fromkeys([*listed, *rest]))


def _chosen(result: TestResult, target: str, labels: dict[str, str]) -> list[str]:
    key = _key(result.info.id, target)
    if key not in st.session_state:
        wanted = [code for code in st.query_params.get_all(_ADDRESS) if code in labels]
        st.session_state[key] = wanted[:MOST_BATTERIES] or list(labels)[:PRESELECTED]
    chosen: list[str] = st.multiselect(
        "Batteries",
        list(labels),
        key=key,
        format_func=labels.__getitem__,
        max_selections=MOST_BATTERIES,
        help=f"Up to {MOST_BATTERIES}; those with the largest error come first.",
    )
    if chosen != list(labels)[:PRESELECTED] or _ADDRESS in st.query_params:
        st.query_params[_ADDRESS] = chosen
    return chosen


def _labels(result: TestResult, target: str) -> dict[str, str]:
    """What the list shows of each battery, by code, the worst first."""
    rows = result.batteries[result.batteries["target"] == target]
    errors = dict(zip(rows["battery_code"], rows["rmse"], strict=True))
    exposure = dict(
        zip(result.batteries["battery_code"], result.batteries["exposure"], strict=True)
    )
    item = metric("rmse", target)
    unlike = is_unlike(result)
    return {
        code: battery_label(code, exposure[code])
        + ("" if not unlike[code] else " \u25b2 unlike training")
        + (f" · RMSE {item.text(errors[code])}" if code in errors else " · no labels")
        for code in ranked_codes(result, target)
    }


def _key(test_id: int, target: str) -> str:
    return f"curve_batteries_{test_id}_{target}"
