"""All training jobs: what runs now, and a table of everything to open."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import pandas as pd
import streamlit as st

from core.database import read_scope
from core.registry import ModelInfo
from core.training_views import JobInfo, RunInfo, list_jobs
from core.twins import twin_origins
from core.users import CurrentUser
from ui.frame import duration, empty_state, status_text
from ui.theme import algorithm_label
from ui.training_groups import grouped, link_to, open_entry

LATEST = 3
ANY = "All"


def show_jobs(user: CurrentUser) -> None:
    """Draw the list; it follows the runs while any is active."""
    with read_scope() as session:
        jobs = list_jobs(session, user)
    if not jobs:
        empty_state("No training yet. Choose data and algorithms.", "New training", "new-training")
    elif any(job.is_active for job in jobs):
        _live_list(user)
    else:
        _draw(user, jobs)


@st.fragment(run_every=2.0)
def _live_list(user: CurrentUser) -> None:
    with read_scope() as session:
        jobs = list_jobs(session, user)
    _draw(user, jobs)
    if not any(job.is_active for job in jobs):
        st.rerun()


def _draw(user: CurrentUser, ungrouped: Sequence[JobInfo]) -> None:
    with read_scope() as session:
        origins = twin_origins(session, user)
    jobs = grouped(ungrouped, origins)
    active = [job for job in jobs if job.is_active]
    for job in active:
        with st.container(border=True, gap="xsmall"):
            link_to(job, origins, ":material/open_in_new:")
            st.progress(job.progress, text=f"{job.progress:.0%} · {_algorithms(job)}")
    shown = _filtered(jobs)
    if not shown:
        st.caption("No training matches. Choose another status or dataset.")
        return
    _table(shown, origins)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption("Choose a row to open it. Latest:", width="content")
        for job in jobs[:LATEST]:
            link_to(job, origins)


def _filtered(jobs: Sequence[JobInfo]) -> list[JobInfo]:
    statuses = [ANY, *dict.fromkeys(status_text(job.status) for job in jobs)]
    datasets = [ANY, *dict.fromkeys(job.dataset_name for job in jobs)]
    with st.container(horizontal=True):
        status = st.selectbox("Status", statuses, key="runs_status", width=200)
        dataset = st.selectbox("Dataset", datasets, key="runs_dataset", width=320)
    return [
        job
        for job in jobs
        if status in (ANY, status_text(job.status)) and dataset in (ANY, job.dataset_name)
    ]


def _table(jobs: Sequence[JobInfo], origins: Mapping[str, ModelInfo]) -> None:
    zone = st.context.timezone or "UTC"
    event = st.dataframe(
        _frame(jobs),
        hide_index=True,
        # Another set of rows must not inherit the choice of a row number.
        key=f"jobs_{hash(tuple(job.id for job in jobs))}",
        on_select="rerun",
        selection_mode="single-row",
        alt="Trainings, newest first",
        column_config={
            "started": st.column_config.DatetimeColumn(
                f"Started ({zone})", format="localized", timezone=zone
            ),
            "progress": st.column_config.ProgressColumn(
                "Progress", format="%d %%", min_value=0, max_value=100, width="small"
            ),
            **{name: st.column_config.TextColumn(label) for name, label in TEXT_COLUMNS.items()},
        },
    )
    if event.selection.rows:
        open_entry(jobs[event.selection.rows[0]], origins)


TEXT_COLUMNS = {
    "name": "Training",
    "status": "Status",
    "dataset": "Dataset",
    "target": "Target",
    "algorithms": "Algorithms",
    "duration": "Duration",
}


def _frame(jobs: Sequence[JobInfo]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "name": [job.name for job in jobs],
            "status": [outcome(job) for job in jobs],
            "progress": [int(100 * _done(job)) for job in jobs],
            "algorithms": [_algorithms(job) for job in jobs],
            "target": [target_text(job.target) for job in jobs],
            "started": pd.DatetimeIndex([job.started_at for job in jobs]).tz_localize("UTC"),
            "duration": [_lasted(job) for job in jobs],
            "dataset": [job.dataset_name for job in jobs],
        }
    )


def _done(job: JobInfo) -> float:
    """Share of the work that was done; what ended early did not do all of it."""
    if job.is_active:
        return job.progress
    shares = [
        1.0 if run.status == "SUCCEEDED" else run.current_epoch / max(run.total_epochs, 1)
        for run in job.runs
    ]
    return sum(shares) / max(len(shares), 1)


def outcome(job: JobInfo) -> str:
    """The status in words, with the runs that failed beside it."""
    failed = f", {job.failed_runs} of {len(job.runs)} failed" if job.failed_runs else ""
    return f"{status_text(job.status)}{failed if job.status != 'FAILED' else ''}"


def target_text(target: str) -> str:
    """The target as readers see it."""
    return "PCL and RUL" if target == "BOTH" else target


def _algorithms(job: JobInfo) -> str:
    """The algorithms, each with its state where that is not the job's; of twins their number."""
    if len({run.algorithm for run in job.runs}) < len(job.runs):
        done = sum(not run.is_active for run in job.runs)
        return f"{algorithm_label(job.runs[0].algorithm)}, {done} of {len(job.runs)} ended"
    if all(run.status == job.status for run in job.runs) and not job.is_active:
        return ", ".join(algorithm_label(run.algorithm) for run in job.runs)
    return ", ".join(f"{algorithm_label(run.algorithm)} {_state(run)}" for run in job.runs)


def _state(run: RunInfo) -> str:
    return f"{run.progress:.0%}" if run.status == "RUNNING" else status_text(run.status).lower()


def _lasted(job: JobInfo) -> str:
    if job.started_at is None:
        return "-"
    now = datetime.now(UTC).replace(tzinfo=None)
    return duration(((job.finished_at or now) - job.started_at).total_seconds())
