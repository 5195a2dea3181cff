"""The form that renames something."""

from collections.abc import Callable

import streamlit as st
from sqlalchemy.orm import Session

from core.base.database import session_scope
from core.base.names import MAX_LENGTH
from ui.shared.frame import shown_errors


def rename_form(noun: str, name: str, save: Callable[[Session, str], None], note: str = "") -> None:
    """A field with the present name and a button; `save` checks and stores what was typed."""
    with st.form(f"rename_{noun}", border=False):
        typed = st.text_input(f"Name of the {noun}", name, max_chars=MAX_LENGTH)
        if note:
            st.caption(note)
        pressed = st.form_submit_button("Rename")
    if not pressed:
        return
    with shown_errors():
        with session_scope() as session:
            save(session, typed)
        st.toast(f"{noun.capitalize()} renamed.", icon=":material/check:")
        st.rerun()
