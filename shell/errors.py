"""What the reader sees of an error: its own advice, or one sentence with a reference."""

import streamlit as st

from core.base.defects import ADVICE, report_defect


def show_error(error: Exception, doing: str) -> None:
    """Draw an error; `doing` as `report_defect` takes it."""
    message = str(error) if isinstance(error, ADVICE) else report_defect(doing, error)
    st.error(message, icon=":material/error:")


def show_uncaught(error: Exception) -> bool:
    """Draw what nothing else caught, such as in a fragment that its timer or a click reruns.

    True tells Streamlit not to draw its own box.
    """
    show_error(error, "this page")
    return True
