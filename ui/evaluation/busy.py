"""Draws a test without results: waiting, running, failed or cancelled."""

import pandas as pd
import streamlit as st

from core.access.actor import CurrentUser
from core.base.database import read_scope, session_scope
from core.evaluation.evaluations import TestInfo, cancel_test, get_test_info, test_log
from ui.shared.frame import local_time, queued_progress, shown_errors, status_badge
from ui.shared.links import link


@st.fragment(run_every=1.0)
def busy_test(user: CurrentUser, test_id: int) -> None:
    """Progress, cancel and log; draws the whole page once the work has ended."""
    with read_scope() as session:
        info = get_test_info(session, user, test_id)
    if not info.is_active:
        st.rerun()
    canceling = info.task is not None and info.task.cancel_requested
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            status_badge(info.status, canceling)
            if st.button("Cancel", icon=":material/cancel:", disabled=canceling):
                with shown_errors(), session_scope() as session:
                    cancel_test(session, user, test_id)
        if info.task is not None:
            queued_progress(info.task)
    st.caption("It runs in the background; you may leave this page or close the browser.")
    log_lines(user, test_id)


def ended_without_result(user: CurrentUser, info: TestInfo) -> None:
    """Why there are no results, and how to try again."""
    reason = info.task.message if info.task is not None and info.task.message else ""
    if info.status == "FAILED":
        st.error(f"The test failed. {reason}".strip(), icon=":material/error:")
    else:
        st.warning(
            "You cancelled this test, so it has no results.",
            icon=":material/block:",
        )
    link(
        "Set up the test again",
        "new-test",
        icon=":material/refresh:",
        model=info.model_version_id,
        dataset=info.dataset_id,
    )
    log_lines(user, info.id)


def log_lines(user: CurrentUser, test_id: int) -> None:
    """Draw the log of the test, if there is any."""
    with read_scope() as session:
        lines = test_log(session, user, test_id)
    if not lines:
        return
    with st.expander("Log", icon=":material/notes:"):
        if lines.next is not None:
            st.caption(f"The last {len(lines)} lines.")
        frame = pd.DataFrame(
            {
                "Time": [local_time(line.created_at) for line in lines],
                "Level": [line.level.capitalize() for line in lines],
                "Message": [line.message for line in lines],
            }
        )
        st.dataframe(frame, hide_index=True, alt="Log of the test, oldest line first.")
