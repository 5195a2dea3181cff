"""Training jobs, a page at a time: what runs now, and a table to open one from."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pandas as pd
import streamlit as st

from core.access.actor import CurrentUser
from core.base.database import read_scope
from core.training.entries import TrainingBoard, TrainingEntry, training_board
from core.training.filters import JOB_ORDERS, TrainingFilter
from core.training.views import JobInfo, RunInfo
from ui.shared.frame import duration, empty_state, status_text
from ui.shared.list_boxes import JOB_STATUSES, Boxes, is_beyond, list_boxes, no_match, page_buttons
from ui.shared.theme import algorithm_label
from ui.shared.words import counted
from ui.training.groups import link_to, open_entry

LATEST = 3
POLL_S = 2.0


def show_jobs(user: CurrentUser) -> None:
    """Draw the list; it follows the runs while any is active."""
    slot = st.empty()
    with slot.container():
        boxes = list_boxes(
            "training",
            list(JOB_ORDERS),
            JOB_STATUSES,
            dataset="In dataset",
            algorithm=True,
            question=True,
        )
    board = _read(user, boxes)
    if is_beyond(board.listed):
        st.rerun()
    if not board.listed and boxes.are_empty:
        slot.empty()
        empty_state("No training yet. Choose data and algorithms.", "New training", "new-training")
        return
    unread = [board]
    st.fragment(_follow, run_every=POLL_S if board.active else None)(user, boxes, unread)


def _follow(user: CurrentUser, boxes: Boxes, unread: list[TrainingBoard]) -> None:
    """Draw what the page has just read, and in later turns what there is then."""
    first = bool(unread)
    board = unread.pop() if first else _read(user, boxes)
    _draw(board)
    if not first and not board.active:
        st.rerun()


def _read(user: CurrentUser, boxes: Boxes) -> TrainingBoard:
    wanted = TrainingFilter(
        name=boxes.name,
        dataset=boxes.dataset,
        statuses=boxes.statuses,
        algorithm=boxes.algorithm,
        target=boxes.target,
        forecasts=boxes.forecasts,
        since=boxes.since,
    )
    with read_scope() as session:
        return training_board(session, user, wanted, boxes.page())


def _draw(board: TrainingBoard) -> None:
    for entry in board.active:
        job = entry.job
        with st.container(border=True, gap="xsmall"):
            link_to(entry, ":material/open_in_new:")
            st.progress(job.progress, text=f"{job.progress:.0%} · {_algorithms(job)}")
    if board.more_active:
        st.caption("More trainings wait; they are in the table.")
    if not board.listed:
        no_match("training")
        return
    _table(board.listed)
    page_buttons(board.listed)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption("Choose a row to open it. First of this page:", width="content")
        for entry in board.listed[:LATEST]:
            link_to(entry)


def _table(entries: Sequence[TrainingEntry]) -> None:
    jobs = [entry.job for entry in entries]
    zone = st.context.timezone or "UTC"
    event = st.dataframe(
        _frame(jobs),
        hide_index=True,
        # Another set of rows must not inherit the choice of a row number.
        key=f"jobs_{hash(tuple(job.id for job in jobs))}",
        on_select="rerun",
        selection_mode="single-row",
        alt="Trainings",
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
        open_entry(entries[event.selection.rows[0]])


TEXT_COLUMNS = {
    "name": "Training",
    "status": "Status",
    "dataset": "Dataset",
    "target": "Target",
    "kind": "Kind",
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
            "kind": [_kind(job) for job in jobs],
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


def _kind(job: JobInfo) -> str:
    longest = job.hyperparams.max_horizon
    return f"Forecast, up to {counted(longest, 'cycle')} ahead" if longest else "Estimate"


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
