"""Leakage check: what a dataset gives away to a model, and how a random split flatters it."""

import streamlit as st

from core.access.actor import CurrentUser
from core.datasets.datasets import DatasetSummary
from ui.datasets.pick import pick_dataset
from ui.leakage.findings import duplicates_table, findings_list
from ui.leakage.reads import dataset_check
from ui.shared.words import counted
from ui.studies.row_split_study import row_split_section

PURPOSE = "Find what makes a model look better than it is, before you trust its numbers."


def render(user: CurrentUser) -> None:
    """Draw the check of the dataset that the address names, else of the newest one."""
    invitation = "No datasets yet. Upload a file to check."
    summary = pick_dataset(user, "leakage", "Leakage check", PURPOSE, invitation)
    if summary is None:
        return
    _check(user, summary)
    st.subheader("Random split against split by battery", anchor=False)
    row_split_section(user, summary.id)


def _check(user: CurrentUser, summary: DatasetSummary) -> None:
    findings, duplicates = dataset_check(user, summary.id)
    findings_list(findings)
    if duplicates:
        st.subheader("Batteries found twice", anchor=False)
        st.caption(
            f"{counted(len({item.battery_code for item in duplicates}), 'battery', 'batteries')} "
            f"of {summary.n_batteries:,}, recognised by the measured capacities, whatever the "
            "names and cycle numbers. Copies that were smoothed, or rounded differently and "
            "renumbered, are not recognised. Cells that only fade alike are listed as such."
        )
        duplicates_table(duplicates)
    with st.expander("What is checked", icon=":material/help:"):
        st.markdown(
            "- **The same battery twice**, here or in any dataset you see: under another name, in "
            "part, or continued where another one ends.\n"
            "- **Features that hold the answer**: they follow the RUL, the share of life or the "
            "capacity itself.\n"
            "- **Features that know the future**: normalised by each battery's whole life, or "
            "filled up after its end.\n"
            "- **Labels that were repaired** with later cycles by the source of the file.\n\n"
            "Feature columns are judged by up to 12 of the batteries. A new training and a new "
            "test run the same check for the batteries they use."
        )
