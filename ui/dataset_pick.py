"""The head of a page about one dataset, with a box to choose another one."""

import streamlit as st

from core.database import read_scope
from core.datasets import DatasetSummary, list_datasets
from core.errors import NotFound
from core.users import CurrentUser
from ui.dataset_words import facts_line
from ui.frame import empty_state, page_header
from ui.links import address_id, go, link
from ui.words import plain


def pick_dataset(
    user: CurrentUser, page: str, title: str, purpose: str, invitation: str
) -> DatasetSummary | None:
    """Draw the head of `page`; returns the dataset that the address names, else the newest one.

    Returns None if there is no dataset, after drawing `invitation`, which says so.
    """
    with read_scope() as session:
        summaries = list_datasets(session, user)
    try:
        summary = _addressed(summaries)
    except NotFound as error:
        page_header(title, purpose)
        st.error(str(error), icon=":material/error:")
        link("All datasets", "datasets", icon=":material/arrow_back:")
        return None
    if summary is None:
        page_header(title, purpose)
        empty_state(invitation, "Upload a file", "upload")
        return None
    page_header(title, purpose, lambda: _open_button(summary))
    _choice(summaries, summary, page)
    return summary


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


def _choice(summaries: list[DatasetSummary], current: DatasetSummary, page: str) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        # The key holds the address, so that a link or the browser's Back changes the choice.
        chosen = st.selectbox(
            "Dataset",
            summaries,
            index=summaries.index(current),
            format_func=lambda item: item.name,
            key=f"{page}_dataset_{current.id}",
            width=420,
        )
        st.caption(plain(facts_line(current)))
    if chosen.id != current.id:
        go(page, dataset=chosen.id)
