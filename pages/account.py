"""Account: profile, password, signed-in browsers, and deletion of the account."""

from collections.abc import Iterable
from datetime import datetime
from html import escape

import pandas as pd
import streamlit as st

from core.access.actor import CurrentUser
from core.accounts.accounts import (
    DeletionSummary,
    change_password,
    delete_account,
    list_users,
    preview_deletion,
)
from core.accounts.sessions import end_all_sessions, list_sessions
from core.base.database import read_scope, session_scope
from core.base.errors import FadeBenchError
from ui.accounts.login import current_token, sign_out

FACTS_STYLE = (
    "display: grid; grid-template-columns: max-content 1fr; gap: 0.3rem 1.5rem; "
    "margin: 0; padding: 0; overflow-wrap: anywhere"
)


def render(user: CurrentUser) -> None:
    """Draw the page for its owner."""
    st.title("Account", anchor=False)
    st.markdown("Your sign-in, the browsers that use it, and everything stored under your name.")
    left, right = st.columns(2, gap="large")
    with left:
        _profile(user)
        _password_form(user)
    with right:
        _sessions(user)
        _deletion(user)
    if user.is_admin:
        _users(user)


def _profile(user: CurrentUser) -> None:
    st.header("Profile", anchor=False, divider="gray")
    role = "Administrator" if user.is_admin else "Member"
    facts = (("Name", user.name), ("E-mail", user.email), ("Role", role))
    lines = (
        f'<dt style="margin: 0">{noun}</dt><dd style="margin: 0">{escape(value)}</dd>'
        for noun, value in facts
    )
    st.html(f'<dl style="{FACTS_STYLE}">{"".join(lines)}</dl>')


def _password_form(user: CurrentUser) -> None:
    st.header("Password", anchor=False, divider="gray")
    with st.form("change_password", clear_on_submit=True):
        old = st.text_input("Current password", type="password", autocomplete="current-password")
        new = st.text_input(
            "New password",
            type="password",
            autocomplete="new-password",
            placeholder="10 characters or more",
        )
        submitted = st.form_submit_button("Change password", type="primary")
    if submitted:
        _change_password(user, old or "", new or "")


def _change_password(user: CurrentUser, old: str, new: str) -> None:
    try:
        with session_scope() as session:
            ended = change_password(session, user, old, new, keep_token=current_token())
    except FadeBenchError as error:
        st.error(str(error), icon=":material/error:")
        return
    others = f" {_counted(ended, 'other browser')} signed out." if ended else ""
    st.success(f"Password changed.{others}", icon=":material/check:")


def _sessions(user: CurrentUser) -> None:
    st.header("Signed-in browsers", anchor=False, divider="gray")
    with read_scope() as session:
        found = list_sessions(session, user, current_token())
    frame = pd.DataFrame(
        {
            "Browser": ["This one" if item.is_this_one else "Another" for item in found],
            "Signed in": _utc(item.created_at for item in found),
            "Valid until": _utc(item.expires_at for item in found),
        }
    )
    _table(frame, "Signed in", "Valid until")
    if st.button("Sign out everywhere", icon=":material/logout:"):
        with session_scope() as session:
            ended = end_all_sessions(session, user)
        sign_out(f"Signed out in {_counted(ended, 'browser')}.")
        st.rerun()


def _deletion(user: CurrentUser) -> None:
    st.header("Delete account", anchor=False, divider="gray")
    st.markdown("Removes your account with all your datasets, models, tests and files, for good.")
    if st.button("Delete account…", icon=":material/delete:"):
        _confirm_deletion(user)


@st.dialog("Delete account")
def _confirm_deletion(user: CurrentUser) -> None:
    with read_scope() as session:
        preview = preview_deletion(session, user)
    st.markdown(f"This removes {_listed(preview)}. It cannot be undone.")
    with st.form("delete_account", border=False):
        password = st.text_input(
            "Your password, to confirm", type="password", autocomplete="current-password"
        )
        submitted = st.form_submit_button("Delete my account for good", type="primary")
    if not submitted:
        return
    try:
        with session_scope() as session:
            gone = delete_account(session, user, password or "")
    except FadeBenchError as error:
        st.error(str(error), icon=":material/error:")
        return
    sign_out(f"Your account is deleted, with {_listed(gone)}.")
    st.rerun()


def _users(user: CurrentUser) -> None:
    st.header("Accounts on this installation", anchor=False, divider="gray")
    with read_scope() as session:
        found = list_users(session, user)
    frame = pd.DataFrame(
        {
            "Name": [item.name for item in found],
            "E-mail": [item.email for item in found],
            "Created": _utc(item.created_at for item in found),
            "Administrator": [item.is_admin for item in found],
        }
    )
    _table(frame, "Created")


def _listed(summary: DeletionSummary) -> str:
    rows = _counted(summary.total_rows, "row")
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in summary.rows.items())
    return f"{rows} ({kinds}) and {_counted(summary.files, 'file')}"


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def _utc(times: Iterable[datetime]) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(list(times)).tz_localize("UTC")


def _table(frame: pd.DataFrame, *time_columns: str) -> None:
    zone = st.context.timezone or "UTC"
    columns = {
        name: st.column_config.DatetimeColumn(f"{name} ({zone})", format="localized", timezone=zone)
        for name in time_columns
    }
    st.dataframe(frame, hide_index=True, column_config=columns)
