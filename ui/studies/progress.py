"""Studies in a list, under way, ended without a result, renamed or deleted."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st
from sqlalchemy.orm import Session

from core.access.actor import CurrentUser
from core.base.database import read_scope, session_scope
from core.studies.filters import STUDY_ORDERS, StudyFilter
from core.studies.studies import (
    StudyInfo,
    StudyKind,
    cancel_study,
    delete_study,
    get_study_info,
    list_studies,
    rename_study,
)
from ui.datasets.list import opening_table
from ui.shared.frame import (
    confirm_by_name,
    queued_progress,
    shown_errors,
    status_badge,
    status_text,
)
from ui.shared.links import go
from ui.shared.list_boxes import JOB_STATUSES, is_beyond, list_boxes, no_match, page_buttons
from ui.shared.renaming import rename_form
from ui.shared.words import plain


def show_studies(user: CurrentUser, kind: StudyKind, page: str) -> None:
    """Draw the boxes and a page of the studies of one kind."""
    boxes = list_boxes("study", list(STUDY_ORDERS), JOB_STATUSES, dataset="Of")
    wanted = StudyFilter(
        name=boxes.name,
        dataset=boxes.dataset,
        kind=kind,
        statuses=boxes.statuses,
        since=boxes.since,
    )
    with read_scope() as session:
        studies = list_studies(session, user, wanted, boxes.page())
    if is_beyond(studies):
        st.rerun()
    if studies:
        study_table(studies, page)
        page_buttons(studies)
    else:
        no_match("study")


def study_table(studies: Sequence[StudyInfo], page: str) -> None:
    """Studies; choosing a row opens one on `page`."""
    zone = st.context.timezone or "UTC"
    created = pd.DatetimeIndex([item.created_at for item in studies]).tz_localize("UTC")
    frame = pd.DataFrame(
        {
            "Study": [item.name for item in studies],
            "Source": [item.source for item in studies],
            "State": [status_text(item.status) for item in studies],
            "Started": created,
        }
    )
    row = opening_table(
        frame,
        "study_table",
        alt="Your studies with their source and state. Choose a row to open one.",
        column_config={
            "Started": st.column_config.DatetimeColumn(
                f"Started ({zone})", format="YYYY-MM-DD HH:mm", timezone=zone
            )
        },
    )
    st.caption("Choose a row to open the study.")
    if row is not None:
        go(page, study=studies[row].id)


@st.fragment(run_every=1.0)
def busy_study(user: CurrentUser, study_id: int) -> None:
    """Progress and cancel; draws the whole page once the work has ended."""
    with read_scope() as session:
        info = get_study_info(session, user, study_id)
    if not info.is_active:
        st.rerun()
    canceling = info.task is not None and info.task.cancel_requested
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            status_badge(info.status, canceling)
            pressed = st.button(
                "Cancel",
                icon=":material/cancel:",
                disabled=canceling,
                key=f"cancel_study_{study_id}",
            )
            if pressed:
                with shown_errors(), session_scope() as session:
                    cancel_study(session, user, study_id)
        if info.task is not None:
            queued_progress(info.task)
    st.caption("It runs in the background; you may leave this page or close the browser.")


def ended_without_result(info: StudyInfo) -> None:
    """Why there is no result."""
    reason = info.task.message if info.task is not None and info.task.message else ""
    if info.status == "FAILED":
        st.error(f"The study failed. {plain(reason)}".strip(), icon=":material/error:")
    else:
        st.warning("You cancelled this study, so it has no result.", icon=":material/block:")


def manage_buttons(user: CurrentUser, info: StudyInfo, page: str) -> None:
    """Rename a study, or delete it after a confirmation."""
    with st.container(horizontal=True, gap="small"):
        _rename(user, info)
        if st.button("Delete study", icon=":material/delete:", type="tertiary"):
            _confirm(user, info, page)


def _rename(user: CurrentUser, info: StudyInfo) -> None:
    def save(session: Session, name: str) -> None:
        rename_study(session, user, info.id, name)

    with st.popover("Rename", icon=":material/edit:", type="tertiary"):
        rename_form("study", info.name, save)


@st.dialog("Delete study", icon=":material/delete:")
def _confirm(user: CurrentUser, info: StudyInfo, page: str) -> None:
    st.markdown(f"This deletes **{plain(info.name)}** and its result. It cannot be undone.")
    confirmed = confirm_by_name(info.name, "study", f"confirm_study_{info.id}")
    if not st.button("Delete for good", type="primary", disabled=not confirmed):
        return
    with shown_errors():
        with session_scope() as session:
            delete_study(session, user, info.id)
        st.toast("Study deleted.", icon=":material/check:")
        go(page)
