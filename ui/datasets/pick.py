"""The head of a page about one dataset, with a box to choose another one."""

from collections.abc import Callable

import streamlit as st

from core.access.actor import CurrentUser
from core.base.database import read_scope
from core.base.errors import NotFound
from core.base.paging import Listed, Page
from core.datasets.datasets import DatasetSummary, get_dataset_summary, list_datasets
from core.datasets.filters import DatasetFilter
from ui.datasets.words import facts_line
from ui.shared.frame import empty_state, page_header
from ui.shared.links import address_id, go, link
from ui.shared.pick_box import pick_box
from ui.shared.words import plain


def pick_dataset(
    user: CurrentUser, page: str, title: str, purpose: str, invitation: str
) -> DatasetSummary | None:
    """Draw the head of `page`; returns the dataset that the address names, else the newest one.

    Returns None if there is no dataset, after drawing `invitation`, which says so.
    """
    try:
        summary = _addressed(user)
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
    _choice(user, summary, page)
    return summary


def pick_dataset_box(
    user: CurrentUser,
    current: DatasetSummary | None,
    words: Callable[[DatasetSummary], str],
    key: str,
    help: str | None = None,
    width: int | None = None,
) -> DatasetSummary | None:
    """A box of the datasets that the user may read; None where there is none."""

    def find(part: str) -> Listed[DatasetSummary]:
        with read_scope() as session:
            return list_datasets(session, user, DatasetFilter(name=part))

    return pick_box("Dataset", find, current, words, key, help, width)


def _addressed(user: CurrentUser) -> DatasetSummary | None:
    with read_scope() as session:
        if "dataset" in st.query_params:
            return get_dataset_summary(session, user, address_id("dataset") or 0)
        return next(iter(list_datasets(session, user, page=Page(limit=1))), None)


def _open_button(summary: DatasetSummary) -> None:
    if st.button("Open dataset", icon=":material/database:"):
        go("datasets", dataset=summary.id)


def _choice(user: CurrentUser, current: DatasetSummary, page: str) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        # The key holds the address, so that a link or the browser's Back changes the choice.
        key = f"{page}_dataset_{current.id}"
        chosen = pick_dataset_box(user, current, lambda item: item.name, key, width=420)
        st.caption(plain(facts_line(current)))
    if chosen is not None and chosen.id != current.id:
        go(page, dataset=chosen.id)
