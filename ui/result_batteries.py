"""The table of per-battery metrics; choosing a row opens the battery's curve."""

import pandas as pd
import streamlit as st

from core.results import TestResult
from core.testing import UNSEEN
from ui.result_curves import show_battery
from ui.result_numbers import styled_metrics
from ui.result_words import metrics_of
from ui.theme import EXPOSURE_LABELS

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
        styled_metrics(
            _frame(rows, target),
            {item.key: item.key for item in metrics_of(target)},
            missing="none",
        ),
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
        },
    )
    st.caption("Choose a row to see the battery's curve.")


def _rows(batteries: pd.DataFrame, target: str) -> pd.DataFrame:
    rows = batteries[batteries["target"] == target]
    return rows.sort_values("rmse", ascending=False, kind="stable")


def _frame(rows: pd.DataFrame, target: str) -> pd.DataFrame:
    frame = {
        "battery": rows["battery_code"],
        "note": _marks(rows),
    }
    for item in metrics_of(target):
        if item.key in rows:
            frame[item.key] = rows[item.key] * item.quantity.factor
    frame["n"] = rows["n"].astype("Int64")
    frame["exposure"] = rows["exposure"].map(EXPOSURE_LABELS)
    return pd.DataFrame(frame)


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
