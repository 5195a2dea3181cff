"""The table of per-battery metrics; choosing a row opens the battery's curve."""

from collections.abc import Callable
from typing import Any

import pandas as pd
import streamlit as st
from pandas.io.formats.style import Styler

from core.evaluation.evaluations import UNSEEN
from core.evaluation.results import TestResult
from ui.evaluation.curves import show_battery
from ui.evaluation.words import metrics_of
from ui.shared.numbers import fixed_digits, styled_metrics
from ui.shared.theme import EXPOSURE_LABELS, TARGET_INFO

MARKED_WORST = 3
UNSCROLLED_ROWS = 15


def battery_view(result: TestResult, target: str) -> None:
    """Every battery with its metrics, the largest error first."""
    rows = _rows(result.batteries, target)
    if rows.empty:
        st.caption(f"No battery has {target} labels, so there are no metrics.")
        return
    key = f"battery_metrics_{result.info.id}_{target}"
    column = st.column_config
    st.dataframe(
        _styled(_frame(rows, target), target),
        hide_index=True,
        height="content" if len(rows) <= UNSCROLLED_ROWS else 560,
        key=key,
        on_select=lambda: _open(key, result.info.id, target, list(rows["battery_code"])),
        selection_mode=("single-row", "single-cell"),
        placeholder="none",
        alt=f"{target} metrics of each battery, the largest error first.",
        column_config={
            "battery": column.TextColumn("Battery"),
            "note": column.TextColumn(
                "Note", width=100, help="By RMSE, among the unseen batteries."
            ),
            "exposure": column.TextColumn(
                "Exposure", help="Whether the model saw the battery in training or selection."
            ),
            "n": column.NumberColumn("Cycles", format="localized"),
            **{
                item.key: column.NumberColumn(item.header, help=item.help)
                for item in metrics_of(target)
            },
            **_evidence_columns(target),
        },
    )
    st.caption("Choose a row to see the battery's curve.")


def _evidence_columns(target: str) -> dict[str, Any]:
    column = st.column_config
    return {
        "coverage": column.NumberColumn(
            "Inside interval (%)",
            help="Share of the battery's cycles whose true value lies inside the 90 % interval.",
        ),
        "mean_width": column.NumberColumn(
            f"Interval width ({TARGET_INFO[target].error_unit})",
            help="Mean width of the interval over the battery's cycles.",
        ),
        "distance_ratio": column.NumberColumn(
            "Distance from training",
            help="How far the battery's first 100 cycles lie from the training batteries, divided "
            "by the largest distance that is usual among those. Above 1 the battery is unlike them "
            "(\u25b2), and the model may not know such a battery.",
        ),
    }


def _rows(batteries: pd.DataFrame, target: str) -> pd.DataFrame:
    rows = batteries[batteries["target"] == target]
    return rows.sort_values("rmse", ascending=False, kind="stable")


def _frame(rows: pd.DataFrame, target: str) -> pd.DataFrame:
    frame = {
        "battery": rows["battery_code"],
        "note": _marks(rows),
    }
    if "distance_ratio" in rows and rows["distance_ratio"].notna().any():
        frame["distance_ratio"] = rows["distance_ratio"]
    for item in metrics_of(target):
        if item.key in rows:
            frame[item.key] = rows[item.key] * item.quantity.factor
    factors = {"coverage": 100.0, "mean_width": TARGET_INFO[target].factor}
    for name, factor in factors.items():
        if name in rows and rows[name].notna().any():
            frame[name] = rows[name] * factor
    frame["n"] = rows["n"].astype("Int64")
    frame["exposure"] = rows["exposure"].map(EXPOSURE_LABELS)
    return pd.DataFrame(frame)


def _styled(frame: pd.DataFrame, target: str) -> Styler:
    styler = styled_metrics(
        frame, {item.key: item.key for item in metrics_of(target)}, missing="none"
    )
    printers: dict[str, Callable[[Any], str]] = {
        "coverage": "{:.1f}".format,
        "mean_width": fixed_digits,
        "distance_ratio": _ratio_text,
    }
    for name, printer in printers.items():
        if name in frame:
            styler = styler.format(printer, subset=[name], na_rep="none")
    return styler


def _ratio_text(ratio: float) -> str:
    return f"\u25b2 {ratio:.2f}" if ratio > 1 else f"{ratio:.2f}"


def _marks(rows: pd.DataFrame) -> list[str]:
    """`Worst`, `2nd worst`, `3rd worst` and `Best` of the unseen batteries; rows come sorted."""
    unseen = [str(code) for code in rows[rows["exposure"] == UNSEEN]["battery_code"]]
    words = ("Worst", "2nd worst", "3rd worst")[: max(0, min(MARKED_WORST, len(unseen) - 1))]
    marks = dict(zip(unseen, words, strict=False))
    if len(unseen) > 1:
        marks[unseen[-1]] = "Best"
    return [marks.get(str(code), "") for code in rows["battery_code"]]


def _open(key: str, test_id: int, target: str, codes: list[str]) -> None:
    selection = st.session_state[key]["selection"]
    chosen = [*selection.get("rows", []), *(cell[0] for cell in selection.get("cells", []))]
    if chosen:
        show_battery(test_id, target, str(codes[chosen[0]]))
