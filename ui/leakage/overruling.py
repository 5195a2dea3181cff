"""Asks why recognised batteries are different ones, under the finding that says they are one."""

from collections.abc import Sequence

import streamlit as st

from core.datasets.overruled import LONGEST_REASON, SHORTEST_REASON
from core.leakage.finding import Finding

ASK = "These are different batteries: overrule the finding"


def ask_to_overrule(findings: Sequence[Finding], key: str) -> tuple[str | None, bool]:
    """Draw the question where a finding rests on recognition.

    key : tells the questions of different trainings and tests apart

    Returns
    -------
    the reason, None where nothing is overruled; and whether the answer is complete
    """
    if not any(finding.rests_on_recognition for finding in findings):
        return None, True
    if not st.checkbox(
        ASK,
        key=f"overrule_{key}",
        help="Batteries are recognised by their measured capacities, which may be mistaken.",
    ):
        return None, True
    reason = st.text_area(
        "Reason",
        key=f"overrule_reason_{key}",
        max_chars=LONGEST_REASON,
        placeholder="How do you know that they are different?",
        help=f"{SHORTEST_REASON} to {LONGEST_REASON} characters, shown beside every number that "
        "follows: of the training, its models, their tests, comparisons and files.",
    )
    kept = " ".join(reason.split())
    if len(kept) < SHORTEST_REASON:
        st.caption(f"Give a reason of {SHORTEST_REASON} characters or more.")
        return None, False
    return kept, True
