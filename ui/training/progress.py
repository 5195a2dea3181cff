"""Draws the learning of a training's runs: loss curves, validation errors, log."""

from typing import Any

import pandas as pd
import streamlit as st

from core.access.actor import CurrentUser
from core.base.database import read_scope
from core.datasets.series import targets_of
from core.model_versions.versions import get_model_info
from core.training.views import LOG_LINES, JobInfo, RunInfo, run_log, run_metrics
from ui.shared.figures.loss import loss_curves
from ui.shared.frame import is_dark, status_text
from ui.shared.links import set_address
from ui.shared.numbers import styled_metrics
from ui.shared.theme import PLOTLY_CONFIG, algorithm_label, metric_quantity
from ui.shared.words import plain
from ui.training.cards import round_noun
from ui.training.errors import ERROR_ROLES, error_heading, errors_ahead, kind_text, shown_error

# More points than this are not told apart on a screen.
POINTS_PER_CURVE = 1000
LOG_LEVELS = {
    "Everything": ("DEBUG", "INFO", "WARNING", "ERROR"),
    "Warnings and errors": ("WARNING", "ERROR"),
}


def learning_curves(user: CurrentUser, job: JobInfo) -> None:
    """Draw loss against epoch of the runs that have epochs, and the validation errors of all."""
    epochs = _epochs(user, job)
    curved = [run.id for run in job.runs if round_noun(run.algorithm)]
    if curved:
        st.plotly_chart(
            loss_curves(
                _thinned(epochs[epochs["run_id"].isin(curved)]),
                dark=is_dark(),
                over=not job.is_active,
            ),
            theme=None,
            config=PLOTLY_CONFIG,
            key="loss",
            alt=f"Training and validation loss by epoch of {job.name}",
        )
    _error_table(user, job, epochs)


def show_log(user: CurrentUser, job: JobInfo, run_id: int | None) -> None:
    """Draw the last lines of one run's log; the chosen run goes into the address."""
    runs = {run.id: run for run in job.runs}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.segmented_control(
            "Run",
            list(runs),
            default=run_id if run_id in runs else job.runs[0].id,
            required=True,
            format_func=lambda key: algorithm_label(runs[key].algorithm),
            key=f"log_run_{job.id}",
        )
        level = st.segmented_control(
            "Lines", list(LOG_LEVELS), default="Everything", required=True, key="log_level"
        )
    if chosen != job.runs[0].id or run_id is not None:
        set_address(run=chosen)
    with read_scope() as session:
        lines = run_log(session, user, chosen)
    started = runs[chosen].started_at
    shown = [
        f"{_seconds(line.created_at, started)}  {line.level:<7} {line.message}"
        for line in lines
        if line.level in LOG_LEVELS[level]
    ]
    st.code("\n".join(shown) or "No lines yet.", language=None, wrap_lines=True, height=200)
    st.caption(f"The last {LOG_LINES} lines; times count from the start of the run.")


def _epochs(user: CurrentUser, job: JobInfo) -> pd.DataFrame:
    state = tuple((run.id, run.status, run.current_epoch) for run in job.runs)
    return _stored_epochs(user.id, state, user)


@st.cache_data(ttl=60, max_entries=64, show_spinner=False)
def _stored_epochs(
    user_id: int, state: tuple[tuple[int, str, int], ...], _user: CurrentUser
) -> pd.DataFrame:
    with read_scope() as session:
        return run_metrics(session, _user, [run_id for run_id, *_ in state])


def _thinned(epochs: pd.DataFrame) -> pd.DataFrame:
    if epochs.empty:
        return epochs
    place = epochs.groupby("run_id").cumcount(ascending=False)
    size = epochs.groupby("run_id")["epoch"].transform("size")
    return epochs[place % (size // POINTS_PER_CURVE + 1) == 0]


def _error_table(user: CurrentUser, job: JobInfo, epochs: pd.DataFrame) -> None:
    targets = targets_of(job.target)
    rows = [_errors(user, run, epochs[epochs["run_id"] == run.id], targets) for run in job.runs]
    labels = {"algorithm": "Algorithm", "status": "Status"}
    columns: dict[str, Any] = {
        name: st.column_config.TextColumn(label) for name, label in labels.items()
    }
    columns["best_epoch"] = st.column_config.NumberColumn(
        "Best epoch",
        help="The epoch (boosting round) with the lowest validation loss; the model of that "
        "epoch is kept. Networks: no single validation battery decides.",
    )
    longest = job.hyperparams.max_horizon
    for target in targets:
        unit = metric_quantity("rmse", target).unit
        for role, batteries in ERROR_ROLES.items():
            columns[f"{role}_{target}"] = st.column_config.NumberColumn(
                error_heading(role, target),
                help=f"Over the cycles of the {batteries} batteries, {errors_ahead(longest)}, once "
                "the model is stored. The list of models shows the same number.",
            )
        if job.is_active:
            ahead = f"1 to {longest} cycles ahead" if longest else "at the measured cycle"
            columns[f"learning_{target}"] = st.column_config.NumberColumn(
                f"{target} RMSE while learning ({unit})",
                help=f"Over the validation batteries, {ahead}, at the best epoch so far.",
            )
    st.dataframe(
        styled_metrics(
            pd.DataFrame(rows, columns=list(columns)).astype({"best_epoch": "Int64"}),
            {
                f"{role}_{target}": "rmse"
                for role in (*ERROR_ROLES, "learning")
                for target in targets
            },
            missing="-",
            mark_best=not job.is_active,
        ),
        hide_index=True,
        column_config=columns,
        placeholder="-",
        alt="Errors of the runs on validation and test batteries",
    )
    st.caption(f"{kind_text(longest)} on {plain(job.dataset_name)}.")


def _errors(
    user: CurrentUser, run: RunInfo, epochs: pd.DataFrame, targets: tuple[str, ...]
) -> dict[str, Any]:
    row: dict[str, Any] = {
        "algorithm": algorithm_label(run.algorithm),
        "status": status_text(run.status),
    }
    known = epochs.dropna(subset=["val_loss"])
    if not known.empty:
        best = known.sort_values("val_loss", kind="stable").iloc[0]
        if round_noun(run.algorithm):
            row["best_epoch"] = int(best["epoch"])
        for target in targets:
            factor = metric_quantity("rmse", target).factor
            row[f"learning_{target}"] = factor * best.get(f"val_rmse_{target}", float("nan"))
    if run.model_version_id is not None:
        with read_scope() as session:
            metrics = get_model_info(session, user, run.model_version_id).metrics
        for role in ERROR_ROLES:
            for target in targets:
                row[f"{role}_{target}"] = shown_error(metrics, role, target)
    return row


def _seconds(moment: Any, started: Any) -> str:
    elapsed = max(0.0, (moment - started).total_seconds()) if started else 0.0
    return f"{elapsed:7,.0f} s"
