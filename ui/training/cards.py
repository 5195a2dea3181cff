"""The runs of a training job side by side: stage, progress, time, outcome, cancel."""

from math import ceil

import streamlit as st

from core.access.actor import CurrentUser
from core.base.database import read_scope, session_scope
from core.model_versions.versions import get_model_info
from core.training.trainings import cancel_job, cancel_run
from core.training.views import JobInfo, RunInfo
from models.settings.catalogue import ALGORITHMS
from ui.shared.frame import duration, queued_progress, shown_errors, status_badge
from ui.shared.links import link
from ui.shared.theme import algorithm_label, is_floor
from ui.shared.words import counted, plain

CARDS_PER_ROW = 4


def run_cards(user: CurrentUser, job: JobInfo) -> None:
    """Draw one card per run, in rows of about the same length."""
    rows = ceil(len(job.runs) / CARDS_PER_ROW)
    per_row = ceil(len(job.runs) / rows)
    others_run = any(run.status == "RUNNING" for run in job.runs)
    for start in range(0, len(job.runs), per_row):
        columns = st.columns(per_row)
        for column, run in zip(columns, job.runs[start : start + per_row], strict=False):
            with column, st.container(border=True, height="stretch", gap="small"):
                _card(user, run, others_run)


def cancel_all(user: CurrentUser, job: JobInfo) -> None:
    """Draw the button that stops every run of a job."""
    if st.button("Cancel all", icon=":material/block:", key="cancel_all"):
        with shown_errors():
            with session_scope() as session:
                cancel_job(session, user, job.id)
            st.rerun()


def _card(user: CurrentUser, run: RunInfo, others_run: bool) -> None:
    canceling = run.task is not None and run.task.cancel_requested
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(algorithm_label(run.algorithm), anchor=False, width="content")
        status_badge(run.status, canceling)
    if is_floor(run.algorithm):
        st.caption("Floor: a model must beat it to be of use.")
    if run.is_active:
        _active(user, run, canceling, others_run)
    elif run.model_version_id is not None:
        _model(user, run)
    else:
        _without_model(run)


def _active(user: CurrentUser, run: RunInfo, canceling: bool, others_run: bool) -> None:
    if run.task is not None:
        queued_progress(run.task, others_run)
    else:
        st.progress(0.0, text="Waiting for the other runs, to combine their models")
    label = f"Cancel {algorithm_label(run.algorithm)}"
    if st.button(label, icon=":material/block:", key=f"cancel_{run.id}", disabled=canceling):
        with shown_errors():
            with session_scope() as session:
                cancel_run(session, user, run.id)
            st.rerun()


def _model(user: CurrentUser, run: RunInfo) -> None:
    with read_scope() as session:
        model = get_model_info(session, user, run.model_version_id or 0)
    if noun := round_noun(run.algorithm):
        best, stopped = model.config.best_epoch, model.config.stopped_early
        ending = ", stopped early" if stopped else ""
        count = counted(run.current_epoch, noun)
        st.caption(f"{count} in {_lasted(run)}{ending}; {noun} {best} is kept.")
    else:
        st.caption(f"Trained in one step, in {_lasted(run)}.")
    link(f"Model {model.version}", "models", icon=":material/deployed_code:", model=model.id)
    link("Test this model", "new-test", icon=":material/science:", model=model.id)


def _without_model(run: RunInfo) -> None:
    noun = round_noun(run.algorithm)
    rounds = f"{run.current_epoch} of {counted(run.total_epochs, noun)}, " if noun else ""
    done = f"After {rounds}{_lasted(run)}."
    reason = (run.task.message if run.task else None) or ""
    if run.status == "FAILED":
        st.error(plain(reason) or "It failed without a message. See the log.")
    else:
        st.caption("Cancelled by you; no model was kept.")
    st.caption(done)


def round_noun(algorithm: str) -> str:
    """What its progress is counted in: epoch, round, or nothing where there is only one."""
    rounds = ALGORITHMS[algorithm].rounds if algorithm in ALGORITHMS else "epochs"
    return {None: "", "epochs": "epoch"}.get(rounds, "round")


def _lasted(run: RunInfo) -> str:
    if run.started_at is None or run.finished_at is None:
        return "0 s"
    seconds = (run.finished_at - run.started_at).total_seconds()
    return duration(seconds) if seconds >= 1 else "less than a second"
