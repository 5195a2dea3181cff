"""Draws the findings of the leakage check: a green line, or what is wrong and what to do."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from core.leakage.finding import Finding
from core.leakage.relatives import Duplicate
from ui.datasets.words import role_label
from ui.shared.links import link
from ui.shared.words import counted, plain

CLEAN = "No leakage found"
SEVERITY_WORDS = {
    "block": ("Must be changed", "red", ":material/block:"),
    "warn": ("Warning", "orange", ":material/warning:"),
    "info": ("For your information", "blue", ":material/info:"),
}
NAMES_SHOWN = 3
HEADLINES = {
    "same battery": "One battery in two roles",
    "shared cycles": "The same cycles in two roles",
    "continuation": "Continued in another role",
    "seen before": "Known to the model",
    "partly seen": "Partly known to the model",
    "column life": "Tells the share of life",
    "column record": "Tells the length of the record",
    "column capacity": "Is the capacity",
    "column near_capacity": "Is nearly the capacity",
    "column scaled": "Scaled by the whole life",
    "column padded": "Filled up after the end",
}
TIE_WORDS = {
    "same": "Same battery",
    "overlap": "Some cycles in common",
    "continues": "The other one seems to continue it",
    "follows": "It seems to continue the other one",
}


def leakage_panel(findings: Sequence[Finding], dataset_id: int) -> bool:
    """Draw the check above the start button; returns False if a finding forbids the start."""
    serious = [finding for finding in findings if finding.severity != "info"]
    if not serious:
        st.markdown(f":green[:material/verified_user: **Leakage check:** {CLEAN.lower()}.]")
    else:
        noun = counted(len(serious), "finding")
        st.markdown(f":orange[:material/gpp_maybe: **Leakage check:** {noun}]")
        for finding in serious:
            st.markdown(_headline(finding))
        # Folded, so that the button stays in sight.
        with st.expander("What it means and what to do"):
            for finding in serious:
                show_finding(finding)
            link(
                "The whole dataset", "leakage", icon=":material/verified_user:", dataset=dataset_id
            )
    for finding in findings:
        if finding.severity == "info":
            st.caption(f":material/info: {plain(finding.message)}")
    return all(finding.severity != "block" for finding in findings)


def _headline(finding: Finding) -> str:
    """The kind of finding in a few words, and its batteries or columns."""
    _, colour, icon = SEVERITY_WORDS[finding.severity]
    names = finding.columns or finding.batteries
    more = f" and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else ""
    listed = plain(", ".join(names[:NAMES_SHOWN]) + more)
    return f":{colour}[{icon}] {HEADLINES.get(finding.kind, finding.kind.capitalize())}: {listed}"


def show_finding(finding: Finding) -> None:
    """One finding in the colour of its severity."""
    show = {"block": st.error, "warn": st.warning, "info": st.info}[finding.severity]
    label, _, icon = SEVERITY_WORDS[finding.severity]
    show(f"**{label}.** {plain(finding.message)}", icon=icon)


def findings_list(findings: Sequence[Finding]) -> None:
    """All findings, the gravest first, or one green line."""
    if not findings:
        st.success(
            f"{CLEAN}: no battery twice, no feature that gives the answer away.",
            icon=":material/verified_user:",
        )
    for finding in findings:
        show_finding(finding)


def duplicates_table(duplicates: Sequence[Duplicate]) -> None:
    """Draw the batteries that occur elsewhere, one row per tie."""
    frame = pd.DataFrame(
        {
            "Battery": [item.battery_code for item in duplicates],
            "Role": [role_label(item.role) for item in duplicates],
            "What it is": [TIE_WORDS[item.kind] for item in duplicates],
            "Other dataset": [item.other_dataset for item in duplicates],
            "Other name": [item.other_code for item in duplicates],
            "Role there": [role_label(item.other_role) for item in duplicates],
            "In common (%)": [
                100.0 * item.share if item.kind in ("same", "overlap") else None
                for item in duplicates
            ],
        }
    )
    st.dataframe(
        frame,
        hide_index=True,
        height="auto" if len(frame) <= 10 else 460,
        column_config={
            "In common (%)": st.column_config.NumberColumn(
                format="%.0f",
                help="Share of the shorter record's capacities that the other one has, from a "
                "sample of up to 256.",
            )
        },
    )
