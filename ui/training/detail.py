"""Draws one training: its data, progress, runs and log, with train again and delete."""

import streamlit as st

from core.access.actor import CurrentUser
from core.base.database import read_scope, session_scope
from core.datasets.overruled import overruled_notes
from core.removal.marking import delete_job, list_job_dependents
from core.training.views import JobInfo, get_job_info
from ui.shared.frame import (
    confirm_by_name,
    duration,
    local_time,
    page_header,
    shown_errors,
    status_badge,
)
from ui.shared.links import go, link
from ui.shared.overruled import overruled_box
from ui.shared.theme import ROLE_LABELS
from ui.shared.words import counted, plain
from ui.training.cards import cancel_all, run_cards
from ui.training.list import target_text
from ui.training.progress import learning_curves, show_log


def show_job(user: CurrentUser, job: JobInfo, run_id: int | None) -> None:
    """Draw a job; it follows its runs while any is active."""
    page_header(
        plain(job.name), _purpose(job), None if job.is_active else lambda: _finished(user, job)
    )
    if job.is_active:
        _live(user, job.id, run_id)
    else:
        _body(user, job, run_id)


@st.fragment(run_every=1.0)
def _live(user: CurrentUser, job_id: int, run_id: int | None) -> None:
    with shown_errors():
        with read_scope() as session:
            job = get_job_info(session, user, job_id)
        _body(user, job, run_id)
        if not job.is_active:
            st.rerun()


def _body(user: CurrentUser, job: JobInfo, run_id: int | None) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        status_badge(job.status)
        if job.failed_runs and job.status != "FAILED":
            st.badge(f"{job.failed_runs} of {len(job.runs)} failed", color="red")
        link("All runs", "runs", icon=":material/arrow_back:")
        link(job.dataset_name, "datasets", icon=":material/database:", dataset=job.dataset_id)
        if job.is_active:
            cancel_all(user, job)
    if job.is_active and len(job.runs) > 1:
        st.progress(job.progress, text=f"{job.progress:.0%} of all runs")
    overruled_box(overruled_notes(job.overruled))
    run_cards(user, job)
    st.subheader("Learning", anchor=False)
    learning_curves(user, job)
    st.subheader("Log", anchor=False)
    show_log(user, job, run_id)


def _purpose(job: JobInfo) -> str:
    horizon = job.hyperparams.max_horizon
    kind = f"forecast up to {counted(horizon, 'cycle')} ahead" if horizon else "estimate"
    roles = ", ".join(
        f"{job.roles.get(role, 0)} {label.lower()}" for role, label in ROLE_LABELS.items()
    )
    times = f"created {local_time(job.created_at)}"
    if job.started_at and job.finished_at:
        times += f", took {duration((job.finished_at - job.started_at).total_seconds())}"
    learned = job.hyperparams.features
    features = f" · features: {plain(', '.join(learned))}" if learned else ""
    return f"{target_text(job.target)} · {kind} · batteries: {roles}{features} · {times}"


def _finished(user: CurrentUser, job: JobInfo) -> None:
    with st.container(horizontal=True):
        if st.button("Train again", icon=":material/replay:"):
            go("new-training", dataset=job.dataset_id)
        if st.button("Delete…", icon=":material/delete:"):
            _confirm_deletion(user, job)


@st.dialog("Delete this training")
def _confirm_deletion(user: CurrentUser, job: JobInfo) -> None:
    with shown_errors():
        with read_scope() as session:
            found = list_job_dependents(session, user, job.id).as_dict()
        nouns = {
            noun.replace("_", " ").replace("training jobs", "trainings"): count
            for noun, count in found.items()
            if count
        }
        parts = [counted(count, noun.removesuffix("s"), noun) for noun, count in nouns.items()]
        st.markdown(f"This deletes {', '.join(parts)}, with their files. It cannot be undone.")
        matches = confirm_by_name(job.name, "training", key="delete_job_name")
        if st.button("Delete for good", type="primary", disabled=not matches):
            with session_scope() as session:
                delete_job(session, user, job.id)
            go("runs")
