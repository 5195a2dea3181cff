"""Runs: every training job, how far each run is, and how it learns."""

import streamlit as st

from core.access.actor import CurrentUser
from core.base.database import read_scope
from core.base.errors import NotFound
from core.training.views import JobInfo, get_job_info, get_run_info
from ui.shared.frame import page_header
from ui.shared.links import address_id, go, link
from ui.shared.list_boxes import forget_other_addresses
from ui.training.detail import show_job
from ui.training.list import show_jobs


def render(user: CurrentUser) -> None:
    """Draw the list, or the job that the address names (by itself or by one of its runs)."""
    job_id, run_id = address_id("job"), address_id("run")
    if job_id is None and run_id is None:
        forget_other_addresses()
        page_header("Runs", "Trainings under way and done; open one to watch it learn.", _new)
        show_jobs(user)
        return
    try:
        job = _named_job(user, job_id, run_id)
    except NotFound as error:
        page_header("Runs", "Trainings under way and done.")
        st.error(str(error), icon=":material/error:")
        link("All runs", "runs", icon=":material/arrow_back:")
        return
    show_job(user, job, run_id)


def _named_job(user: CurrentUser, job_id: int | None, run_id: int | None) -> JobInfo:
    with read_scope() as session:
        if run_id is not None:
            run = get_run_info(session, user, run_id)
            if job_id in (None, run.job_id):
                return get_job_info(session, user, run.job_id)
        if job_id is None:
            raise NotFound("training")
        return get_job_info(session, user, job_id)


def _new() -> None:
    if st.button("New training", type="primary", icon=":material/add:"):
        go("new-training")
