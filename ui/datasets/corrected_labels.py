"""Says on a dataset's page what the corrected rules of labels change, and offers to accept it."""

import pandas as pd
import streamlit as st

from core.access.actor import CurrentUser
from core.base.database import session_scope
from core.datasets.corrected_rules import Correction, accept_correction, follows_older_rules
from core.datasets.datasets import DatasetSummary
from ui.datasets.reads import correction_of
from ui.shared.frame import shown_errors

EXPLANATION = (
    "Labels of before counted single low readings as end of life, took a cycle at the threshold "
    "for one below it in places, and read the life from RUL as its median. Models trained on the "
    "present labels are marked once other labels are accepted."
)
FOR_ADMINISTRATORS = "An administrator can accept this for everybody."


def correction_banner(user: CurrentUser, summary: DatasetSummary) -> None:
    """Draw the banner of a dataset whose labels follow older rules; nothing for others."""
    if not follows_older_rules(summary.schema):
        return
    with shown_errors():
        found = correction_of(user, summary)
        with st.container(border=True):
            st.markdown(f":material/rule: {found.describe()}")
            st.caption(EXPLANATION)
            if len(found.lives):
                _table(found)
            _accept(user, summary, found)


def _table(found: Correction) -> None:
    gap = (found.lives["after"] - found.lives["before"]).astype("Float64")
    frame = pd.DataFrame(
        {
            "Battery": found.lives["battery_code"],
            "Cycle life now": found.lives["before"],
            "By the corrected rules": found.lives["after"],
            "Difference": gap,
        }
    )
    with st.expander("The lives that change"):
        st.dataframe(
            frame,
            hide_index=True,
            alt="Batteries whose cycle life changes by the corrected rules, before and after.",
        )


def _accept(user: CurrentUser, summary: DatasetSummary, found: Correction) -> None:
    if not found.may_accept:
        st.caption(FOR_ADMINISTRATORS)
        return
    key = f"accept_rules_{summary.id}"
    if not st.button("Accept the corrected labels", icon=":material/check:", key=key):
        return
    with shown_errors():
        with st.spinner("Storing labels"), session_scope() as session:
            accept_correction(session, user, summary.id)
        st.toast("Labels follow the corrected rules.", icon=":material/check:")
        st.rerun()
