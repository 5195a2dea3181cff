"""Draws the findings of the leakage check: a green line, or what is wrong and what to do."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
import streamlit as st

from core.leakage.finding import Finding
from core.leakage.relatives import Duplicate
from ui.datasets.words import role_label
from ui.leakage.overruling import ask_to_overrule
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
    "alike": "Fades like a cell in another role",
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
    "alike": "Fades alike; taken for another cell",
}


@dataclass(frozen=True)
class PanelAnswer:
    """Whether the work may start, and the reason if findings are overruled."""

    may_start: bool
    reason: str | None = None


def leakage_panel(findings: Sequence[Finding], dataset_id: int, key: str) -> PanelAnswer:
    """Draw the check above the start button, with the question whether to overrule it.

    key : tells the questions of different trainings and tests apart
    """
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
    reason, complete = ask_to_overrule(findings, key)
    blocked = any(
        finding.severity == "block" and not (reason and finding.rests_on_recognition)
        for finding in findings
    )
    return PanelAnswer(complete and not blocked, reason)


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
                100.0 * item.share if item.kind in ("same", "overlap", "alike") else None
                for item in duplicates
            ],
            "It rests on": [
                item.basis or ("Measured capacities" if item.kind == "same" else "")
                for item in duplicates
            ],
        }
    )
    if not any(item.basis for item in duplicates):
        frame = frame.drop(columns="It rests on")
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
