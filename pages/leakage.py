"""Leakage check: what a dataset would give away to a model, and what a random split hides."""

import streamlit as st

from core.database import read_scope
from core.datasets import DatasetSummary, list_datasets
from core.errors import NotFound
from core.users import CurrentUser
from ui.dataset_words import facts_line
from ui.frame import empty_state, page_header
from ui.leakage_findings import duplicates_table, findings_list
from ui.leakage_reads import dataset_check
from ui.links import address_id, go, link
from ui.row_split_study import row_split_section
from ui.words import counted, plain

PURPOSE = "Find what makes a model look better than it is, before you trust its numbers."


def render(user: CurrentUser) -> None:
    """Draw the check of the dataset that the address names, else of the newest one."""
    with read_scope() as session:
        summaries = list_datasets(session, user)
    try:
        summary = _addressed(summaries)
    except NotFound as error:
        page_header("Leakage check", PURPOSE)
        st.error(str(error), icon=":material/error:")
        link("All datasets", "datasets", icon=":material/arrow_back:")
        return
    if summary is None:
        page_header("Leakage check", PURPOSE)
        empty_state("No datasets yet. Upload a file to check.", "Upload a file", "upload")
        return
    page_header("Leakage check", PURPOSE, lambda: _open_button(summary))
    _pick_dataset(summaries, summary)
    _check(user, summary)
    st.subheader("What a random split hides", anchor=False)
    row_split_section(user, summary.id)


def _check(user: CurrentUser, summary: DatasetSummary) -> None:
    findings, duplicates = dataset_check(user, summary.id)
    findings_list(findings)
    if duplicates:
        st.subheader("Batteries that are there twice", anchor=False)
        st.caption(
            f"{counted(len({item.battery_code for item in duplicates}), 'battery', 'batteries')} "
            f"of {summary.n_batteries:,}, recognised by the measured capacities, whatever the "
            "names and cycle numbers. Copies that were smoothed, or rounded differently and "
            "renumbered, are not recognised."
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


def _addressed(summaries: list[DatasetSummary]) -> DatasetSummary | None:
    if "dataset" not in st.query_params:
        return summaries[0] if summaries else None
    wanted = address_id("dataset")
    found = next((item for item in summaries if item.id == wanted), None)
    if found is None:
        raise NotFound("dataset")
    return found


def _open_button(summary: DatasetSummary) -> None:
    if st.button("Open dataset", icon=":material/database:"):
        go("datasets", dataset=summary.id)


def _pick_dataset(summaries: list[DatasetSummary], current: DatasetSummary) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        # The key holds the address, so that a link or the browser's Back changes the choice.
        chosen = st.selectbox(
            "Dataset",
            summaries,
            index=summaries.index(current),
            format_func=lambda item: item.name,
            key=f"leakage_dataset_{current.id}",
            width=420,
        )
        st.caption(plain(facts_line(current)))
    if chosen.id != current.id:
        go("leakage", dataset=chosen.id)
