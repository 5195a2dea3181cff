"""Draws a finished study of early cycles: numbers, table, figures and files."""

from collections.abc import Callable
from typing import Any

import pandas as pd
import streamlit as st

from core.access.actor import CurrentUser
from core.base.database import read_scope
from core.studies.early_life import PUBLISHED_BEST_RMSE, EarlyLifeResult, parse_result
from core.studies.files import prediction_csv, study_xlsx
from core.studies.studies import StudyInfo, get_study_result
from ui.shared.figures.early_life import feature_weights, life_scatter, model_errors
from ui.shared.frame import is_dark
from ui.shared.links import link
from ui.shared.numbers import fixed_digits, styled_metrics
from ui.shared.theme import PLOTLY_CONFIG
from ui.shared.words import counted, plain

PRINTED: Callable[[Any], str] = fixed_digits
TRAIN_COLUMN, CV_COLUMN = "Train (cycles)", "Cross-validation (cycles)"
WITHIN = ": within 15 % (%)"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def read_result(user: CurrentUser, study_id: int) -> EarlyLifeResult:
    """The result as frames."""
    with read_scope() as session:
        return parse_result(get_study_result(session, user, study_id))


def download_buttons(info: StudyInfo, result: EarlyLifeResult) -> None:
    """CSV of the predictions, and a workbook with everything."""
    stem = "".join(c if c.isalnum() else "_" for c in info.name).strip("_")[:80] or "study"
    with st.container(horizontal=True, gap="small"):
        st.download_button(
            "CSV",
            data=lambda: prediction_csv(result),
            file_name=f"{stem}.csv",
            mime="text/csv",
            icon=":material/download:",
            on_click="ignore",
            help="Every battery with its true cycle life and that of every model.",
        )
        st.download_button(
            "XLSX",
            data=lambda: study_xlsx(info, result),
            file_name=f"{stem}.xlsx",
            mime=XLSX,
            icon=":material/download:",
            on_click="ignore",
            help="A workbook: information, scores, predictions, feature weights.",
        )


def result_view(info: StudyInfo, result: EarlyLifeResult) -> None:
    """Headline, table, figures and what to know about them."""
    _headline(result)
    _score_table(result)
    _figures(info, result)
    _notes(info, result)


def _headline(result: EarlyLifeResult) -> None:
    label = result.labels[result.chosen]
    with st.container(horizontal=True, gap="large"):
        st.metric(
            "Chosen model",
            label,
            width="content",
            help="The one with the lowest error in cross-validation on the training batteries; "
            "test batteries play no part in it.",
        )
        for group in result.test_groups:
            row = result.score(result.chosen, group)
            st.metric(
                f"{result.group_labels[group]}: RMSE",
                f"{fixed_digits(row['rmse'])} cycles",
                width="content",
                help=f"Over {counted(int(row['n']), 'battery', 'batteries')}. "
                f"95 % interval: {_interval(row) or 'none'}"
                f"; mean absolute percentage error {fixed_digits(row['mape'])} %.",
            )
    st.markdown(_verdict(result))


def _verdict(result: EarlyLifeResult) -> str:
    """Compare the chosen model with the mean and with the published errors."""
    parts = []
    for group in result.test_groups:
        name = result.group_labels[group].lower()
        chosen = result.score(result.chosen, group)["rmse"]
        floor = result.score("MEAN", group)["rmse"]
        share = 100 * (1 - chosen / floor)
        word = f"{share:.0f} % below" if share > 0 else f"{-share:.0f} % above"
        parts.append(f"{word} on the {name}")
    text = (
        "Against predicting the mean of the training batteries, its error is "
        f"{' and '.join(parts)}."
    )
    without = result.score(result.chosen, "primary") if result.shorted else {}
    if pd.notna(without.get("rmse_without")):
        text += (
            f" Without battery {result.shorted}, which short-circuited, it is "
            f"{fixed_digits(without['rmse_without'])} cycles on the "
            f"{result.group_labels['primary'].lower()}."
        )
    if result.is_severson:
        best = ", ".join(
            f"{value:.0f} cycles on the {result.group_labels[group].lower()}"
            for group, value in PUBLISHED_BEST_RMSE.items()
        )
        text += f" Published best on these cells: {best}."
    return text


def _score_table(result: EarlyLifeResult) -> None:
    frame, keys = score_frame(result)
    styler = styled_metrics(frame, keys, missing="-", mark_best=True)
    st.dataframe(
        # A low error on training batteries is no merit, so the best one there is not marked.
        styler.format(PRINTED, subset=[TRAIN_COLUMN]).format(
            "{:.0f}".format, subset=[c for c in frame.columns if c.endswith(WITHIN)]
        ),
        hide_index=True,
        alt="Errors of the models on training and test batteries; the best test error is marked.",
        column_config={
            "Model": st.column_config.TextColumn(width=145),
            CV_COLUMN: st.column_config.Column(
                help="Cross-validated on training batteries: each predicted by models that did "
                "not see it."
            ),
        },
    )
    settings = [
        f"{label}: {setting}"
        for model, label in result.labels.items()
        if (setting := result.score(model, "train")["setting"])
    ]
    st.caption(
        "RMSE in cycles, mean absolute percentage error (MAPE) in %, and the share of batteries "
        "predicted within 15 % of their life. Chosen by "
        f"cross-validation: {plain('; '.join(settings))}."
    )


def score_frame(result: EarlyLifeResult) -> tuple[pd.DataFrame, dict[str, str]]:
    """The table model x split, and its metric columns for `styled_metrics`."""
    rows, keys = [], {}
    for model, label in result.labels.items():
        own = {group: result.score(model, group) for group in result.counts}
        row: dict[str, object] = {
            "Model": f"{label} (floor)" if model in result.floors else label,
            TRAIN_COLUMN: own["train"]["rmse"],
            CV_COLUMN: result.cv_rmse[model],
        }
        for group in result.test_groups:
            name = result.group_labels[group].removesuffix(" test")
            row[f"{name} (cycles)"] = own[group]["rmse"]
            if pd.notna(own[group].get("rmse_without")):
                row[f"Without {result.shorted} (cycles)"] = own[group]["rmse_without"]
            row[f"{name} (%)"] = own[group]["mape"]
            if pd.notna(own[group].get("within_15")):
                row[f"{name}{WITHIN}"] = own[group]["within_15"]
        rows.append(row)
    frame = pd.DataFrame(rows)
    for column in frame.columns[1:]:
        if not column.endswith(WITHIN):
            keys[column] = "mape" if "%" in column else "rmse"
    return frame, keys


def _figures(info: StudyInfo, result: EarlyLifeResult) -> None:
    dark = is_dark()
    left, right = st.columns(2, gap="medium")
    with left:
        keys = [key for key in result.labels if key not in result.floors]
        model = st.segmented_control(
            "Model",
            keys,
            format_func=lambda key: result.labels[key],
            default=result.chosen,
            required=True,
            key=f"early_model_{info.id}",
        )
        key = model or result.chosen
        frame = result.batteries[["battery", "group", "cycle_life"]].assign(
            predicted=result.batteries[key]
        )
        st.plotly_chart(
            life_scatter(frame, result.labels[key], result.group_labels, dark=dark),
            theme=None,
            config=PLOTLY_CONFIG,
            key=f"early_scatter_{info.id}",
            alt="Predicted against true cycle life, one point per battery.",
        )
    with right:
        groups = list(result.test_groups)
        group = st.segmented_control(
            "Batteries",
            groups,
            format_func=lambda name: result.group_labels[name],
            default=groups[0],
            required=True,
            key=f"early_group_{info.id}",
        )
        chosen = group or groups[0]
        published = PUBLISHED_BEST_RMSE.get(chosen) if result.is_severson else None
        st.plotly_chart(
            model_errors(
                result.scores[result.scores["group"] == chosen],
                result.group_labels[chosen],
                published=published,
                dark=dark,
            ),
            theme=None,
            config=PLOTLY_CONFIG,
            key=f"early_errors_{info.id}",
            alt="Error of every model with its interval, the mean in grey.",
        )
    st.plotly_chart(
        feature_weights(
            result.weights[result.weights["model"] == key], result.labels[key], dark=dark
        ),
        theme=None,
        config=PLOTLY_CONFIG,
        key=f"early_weights_{info.id}",
        alt="Change of predicted life for one standard deviation more of each feature.",
    )


def _notes(info: StudyInfo, result: EarlyLifeResult) -> None:
    st.subheader("What to know", anchor=False)
    notes = [
        *result.notes,
        "Ridge shrinks all weights; PCR and PLSR (principal component and partial least squares "
        "regression) combine the features into a few components first.",
        "Features that move together share their weight, so a single weight says little about "
        "cause.",
    ]
    if result.is_severson:
        notes.append(
            "The published models (Severson et al., Nature Energy 2019, doi "
            "10.1038/s41560-019-0356-8) used up to nine features, of discharge curves, capacity, "
            "temperature, internal resistance and charging."
        )
    st.markdown("\n".join(f"- {plain(note)}" for note in notes))
    if result.left_out:
        with st.expander(f"Batteries left out ({len(result.left_out)})"):
            st.dataframe(
                pd.DataFrame(result.left_out, columns=["Battery", "Reason"]),
                hide_index=True,
                alt="Batteries that are left out, with the reason.",
            )
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption("How well trained models do after only k cycles is on the page of a test:")
        link("Results", "results", icon=":material/bar_chart:")
        if info.dataset_id is not None:
            link(info.source, "datasets", icon=":material/database:", dataset=info.dataset_id)


def _interval(row: dict[str, Any]) -> str:
    if pd.isna(row["rmse_low"]):
        return ""
    return f"{fixed_digits(row['rmse_low'])} to {fixed_digits(row['rmse_high'])}"
