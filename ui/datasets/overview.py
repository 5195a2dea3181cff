"""Overview of a dataset: all its curves, labels, features, and notes from reading the file."""

from typing import Any

import pandas as pd
import streamlit as st

from core.access.actor import CurrentUser
from core.datasets.datasets import DatasetDetail
from core.ingest.checks import KINDS
from ui.datasets.figure import fleet_figure
from ui.datasets.words import label_lines
from ui.shared.theme import PLOTLY_CONFIG
from ui.shared.words import counted, plain


def overview(user: CurrentUser, detail: DatasetDetail) -> None:
    """Draw the fleet beside the facts."""
    left, right = st.columns([3, 2], gap="medium")
    with left:
        st.plotly_chart(
            fleet_figure(user, detail.summary, detail.batteries),
            theme=None,
            config=PLOTLY_CONFIG,
            key=f"fleet_{detail.summary.id}",
            alt=f"State of health of every battery of {detail.summary.name} by cycle number.",
        )
    with right:
        _labels(detail)
        _features(detail)
    _report(detail)


def _labels(detail: DatasetDetail) -> None:
    st.subheader("Labels", anchor=False)
    lives = detail.batteries["cycle_life"].dropna()
    lines = [
        *label_lines(detail.summary),
        f"**End of life** {plain(detail.summary.eol.describe())}",
        f"**Cycle life** known for {len(lives):,} of "
        f"{counted(len(detail.batteries), 'battery', 'batteries')}{_life_range(lives)}",
    ]
    st.markdown("\n".join(f"- {line}" for line in lines))


def _life_range(lives: pd.Series) -> str:
    return f": {lives.min():,} to {lives.max():,} cycles" if len(lives) else ""


def _features(detail: DatasetDetail) -> None:
    st.subheader("Features", anchor=False)
    features = detail.summary.features
    frame = pd.DataFrame(
        {
            "Feature": [item.name for item in features],
            "Unit": [item.unit for item in features],
            "Column in the file": [item.source_column for item in features],
        }
    )
    st.dataframe(frame, hide_index=True, alt="The features of the dataset with their units.")


def _report(detail: DatasetDetail) -> None:
    notes = list(detail.summary.schema.notes)
    report = detail.report or {}
    warnings = list(report.get("warnings", []))
    if not notes and not warnings:
        return
    st.subheader("Notes", anchor=False)
    for note in notes:
        st.info(plain(note), icon=":material/info:")
    if warnings and detail.summary.labels_version > 1:
        st.caption("Found when the file was read; its labels have been recomputed since.")
    for warning in warnings:
        st.warning(plain(warning), icon=":material/warning:")
    problem_table(report)


def problem_table(report: dict[str, Any], expanded: bool = False) -> None:
    """Unusable rows by battery and row, if the report lists any."""
    problems = report.get("problems") or []
    if not problems:
        return
    total = sum((report.get("problem_counts") or {}).values())
    listed = f"the first {len(problems):,} of {total:,}" if total > len(problems) else f"{total:,}"
    with st.expander(f"Unusable cells of the file ({listed})", expanded=expanded):
        st.dataframe(
            problem_frame(problems),
            hide_index=True,
            alt="Unusable cells of the file by battery and row.",
            column_config={"Row in the file": st.column_config.NumberColumn(format="localized")},
        )


def problem_frame(problems: list[dict[str, Any]]) -> pd.DataFrame:
    """Problems as a table: battery, row, column, value and what is wrong."""
    return pd.DataFrame(
        {
            "Battery": [item["battery_code"] or "(blank)" for item in problems],
            "Row in the file": [item["file_row"] for item in problems],
            "Column": [item["column"] for item in problems],
            "Value": [item["value"] for item in problems],
            "Problem": [KINDS.get(item["kind"], item["kind"]) for item in problems],
        }
    )
