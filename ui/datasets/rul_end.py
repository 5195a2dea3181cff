"""Where the owner states at which SOH the RUL of the file ends."""

import streamlit as st

from core.access.actor import CurrentUser
from core.base.database import session_scope
from core.datasets.datasets import DatasetSummary
from core.datasets.rul_end import state_rul_end_of_life
from core.ingest.mapping import EOL_RANGE
from ui.shared.frame import shown_errors


def rul_end_form(user: CurrentUser, summary: DatasetSummary) -> None:
    """Draw the form; nothing where the RUL is not from the file."""
    if summary.schema.origin_of("RUL") != "file":
        return
    stated = summary.schema.rul_eol_threshold
    with st.form(f"rul_end_{summary.id}", border=False):
        percent = st.number_input(
            "The file's RUL ends at (% of nominal capacity)",
            min_value=100 * EOL_RANGE[0],
            max_value=100 * EOL_RANGE[1],
            value=None if stated is None else 100 * stated,
            step=1.0,
            format="%.1f",
            placeholder="unknown",
            key=f"rul_end_value_{summary.id}",
            help="RUL of two datasets can be compared only where it ends at the same capacity. "
            "The file does not say where its RUL ends. No label changes by this.",
            width=320,
        )
        saved = st.form_submit_button("Save")
    if not saved:
        return
    with shown_errors():
        with session_scope() as session:
            threshold = None if percent is None else round(percent / 100, 4)
            state_rul_end_of_life(session, user, summary.id, threshold)
        st.toast("Saved.", icon=":material/check:")
        st.rerun()
