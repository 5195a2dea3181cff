"""The choice of a test's target, kept in the address."""

from collections.abc import Sequence

import streamlit as st

from ui.evaluation.words import TARGET_TITLES
from ui.shared.links import set_address


def choose_target(targets: Sequence[str], key: str) -> str:
    """One of the targets; asks only where there are several."""
    if len(targets) == 1:
        return targets[0]
    wanted = st.query_params.get("target")
    target = st.segmented_control(
        "Target",
        targets,
        format_func=TARGET_TITLES.__getitem__,
        default=wanted if wanted in targets else targets[0],
        required=True,
        key=f"target_{key}",
    )
    set_address(target=target if target != targets[0] else None)
    return target or targets[0]
