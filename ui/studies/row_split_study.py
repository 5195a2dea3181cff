"""Draws the study of a random split against a split by battery."""

import pandas as pd
import streamlit as st

from core.access.actor import CurrentUser
from core.base.database import read_scope, session_scope
from core.base.paging import Page
from core.studies.filters import StudyFilter
from core.studies.row_split import (
    FOLDS,
    KIND,
    MODEL_LABELS,
    RowSplitResult,
    create_row_split,
    parse_result,
)
from core.studies.studies import StudyInfo, get_study_result, list_studies
from ui.shared.figures.row_split import WAY_TITLES, battery_both_ways
from ui.shared.frame import is_dark, shown_errors
from ui.shared.numbers import fixed_digits, styled_metrics
from ui.shared.theme import PLOTLY_CONFIG, TARGET_INFO
from ui.shared.words import counted, plain
from ui.studies.progress import busy_study, ended_without_result


def row_split_section(user: CurrentUser, dataset_id: int) -> None:
    """Draw the start button, the progress or the user's newest result for a dataset."""
    with read_scope() as session:
        wanted = StudyFilter(kind=KIND, dataset_id=dataset_id)
        studies = list_studies(session, user, wanted, Page(limit=1))
    if not studies:
        st.markdown(
            f"Train the same two models twice on this dataset, once with random cycles held out "
            f"and once with whole batteries, {FOLDS} parts each. The difference is how much a "
            "random split flatters a model."
        )
        _start_button(user, dataset_id, "Compare now", primary=True)
        return
    latest = studies[0]
    if latest.is_active:
        busy_study(user, latest.id)
        return
    if latest.status != "SUCCEEDED":
        ended_without_result(latest)
        _start_button(user, dataset_id, "Try again", primary=True)
        return
    _result(user, latest)
    _start_button(user, dataset_id, "Compare again", primary=False)


def _start_button(user: CurrentUser, dataset_id: int, label: str, *, primary: bool) -> None:
    pressed = st.button(
        label,
        type="primary" if primary else "secondary",
        icon=":material/play_arrow:" if primary else ":material/refresh:",
        key=f"row_split_{dataset_id}",
        help="Takes 5 to 30 seconds, in the background.",
    )
    if pressed:
        with shown_errors():
            with session_scope() as session:
                create_row_split(session, user, dataset_id)
            st.rerun()


def _result(user: CurrentUser, info: StudyInfo) -> None:
    with read_scope() as session:
        result = parse_result(get_study_result(session, user, info.id))
    st.markdown(f"**{finding(result)}**")
    _score_table(result)
    target = result.targets[-1]
    if len(result.targets) > 1:
        chosen = st.segmented_control(
            "Target",
            list(result.targets),
            default=target,
            required=True,
            key=f"row_split_target_{info.id}",
        )
        target = chosen or target
    _pair(info, result, target)
    st.caption(_why(result))


def finding(result: RowSplitResult) -> str:
    """The largest difference in one sentence."""
    scores = result.scores.dropna(subset=["ratio"])
    row = max(scores.to_dict("records"), key=lambda item: item["ratio"])
    label = MODEL_LABELS[row["model"]]
    if row["ratio"] < 1.05:
        return "Here both splits give nearly the same error, which is rare."
    quantity = TARGET_INFO[row["target"]]
    rows, honest = (
        f"{fixed_digits(row[f'{way}_rmse'] * quantity.factor)} {quantity.error_unit}"
        for way in ("rows", "batteries")
    )
    return (
        f"{label}, {quantity.short}: a random split shows an RMSE of {rows}; on batteries never "
        f"seen it is {honest}, {fixed_digits(row['ratio'])} times as much."
    )


def _score_table(result: RowSplitResult) -> None:
    for target in result.targets:
        quantity = TARGET_INFO[target]
        rows = result.scores[result.scores["target"] == target]
        frame = pd.DataFrame(
            {
                "Model": rows["model"].map(MODEL_LABELS),
                "Target": quantity.short,
                f"Random rows: RMSE ({quantity.error_unit})": rows["rows_rmse"] * quantity.factor,
                f"Whole batteries: RMSE ({quantity.error_unit})": rows["batteries_rmse"]
                * quantity.factor,
                "Ratio": rows["ratio"].astype("float64"),
                "95 % interval of the ratio": [_interval(row) for _, row in rows.iterrows()],
            }
        )
        keys = {column: "rmse" for column in frame.columns if "RMSE" in column or column == "Ratio"}
        st.dataframe(
            styled_metrics(frame, keys, missing="-"),
            hide_index=True,
            alt=f"{target}: error of each model with random rows and with whole batteries held out",
        )


def _pair(info: StudyInfo, result: RowSplitResult, target: str) -> None:
    frame = result.example[result.example["target"] == target].astype(
        dict.fromkeys(("y_true", "rows", "batteries"), "float64")
    )
    if frame["y_true"].notna().sum() == 0:
        st.caption(f"Battery {plain(result.example_code)} has no {target} to show.")
        return
    for place, way in zip(st.columns(2, gap="medium"), WAY_TITLES, strict=True):
        with place:
            st.plotly_chart(
                battery_both_ways(frame, target, result.example_code, way, dark=is_dark()),
                theme=None,
                config=PLOTLY_CONFIG,
                key=f"row_split_{way}_{info.id}_{target}",
                alt=f"{WAY_TITLES[way]}: predicted against true {target} of one battery.",
            )


def _why(result: RowSplitResult) -> str:
    used = (
        f"{result.rows_used:,} of {counted(result.rows_total, 'labelled cycle')}, drawn at random, "
        "took part."
        if result.rows_used < result.rows_total
        else f"All {counted(result.rows_total, 'labelled cycle')} took part."
    )
    return (
        "Why: neighbouring cycles of one battery are nearly alike. With random rows a model has "
        "seen the cycles just before and after the one it predicts, and looks the answer up; "
        "a new battery offers no such help. Both ways use the same models, the same number of "
        f"training cycles and the same cycles to score, {FOLDS} parts each, over "
        f"{counted(result.n_batteries, 'battery', 'batteries')}. {used} The battery shown is the "
        "one whose error on whole batteries is in the middle. The ratio's interval comes from "
        "resampling the batteries (bootstrap)."
    )


def _interval(row: pd.Series) -> str:
    if pd.isna(row["ratio_low"]):
        return "-"
    return f"{row['ratio_low']:.2f} to {row['ratio_high']:.2f}"
