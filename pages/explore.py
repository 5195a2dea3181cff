"""Explore: every battery of a dataset in one figure, one battery in all its features, and more."""

import pandas as pd
import streamlit as st

from core.database import read_scope
from core.datasets import DatasetSummary, list_batteries, list_datasets
from core.errors import NotFound
from core.explore import Quantity, list_quantities
from core.users import CurrentUser
from ui.dataset_order import naturally
from ui.dataset_words import facts_line
from ui.explore_battery import battery_panel
from ui.explore_fleet import fleet_inputs, fleet_view
from ui.explore_spread import boxes_view, correlation_view, lives_view
from ui.frame import empty_state, page_header
from ui.links import address_id, go, link, set_address
from ui.words import plain

PURPOSE = "See how the batteries of a dataset fade, one by one or all together."
VIEWS = ("Curves", "Cycle life", "Feature by split", "Correlation")


def render(user: CurrentUser) -> None:
    """Draw the dataset that the address names, else the newest one."""
    with read_scope() as session:
        summaries = list_datasets(session, user)
    try:
        summary = _addressed(summaries)
    except NotFound as error:
        page_header("Explore", PURPOSE)
        st.error(str(error), icon=":material/error:")
        link("All datasets", "datasets", icon=":material/arrow_back:")
        return
    if summary is None:
        page_header("Explore", PURPOSE)
        empty_state("No datasets yet. Upload a file to look at.", "Upload a file", "upload")
        return
    page_header("Explore", PURPOSE, lambda: _open_button(summary))
    _pick_dataset(summaries, summary)
    _views(user, summary)


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
            key=f"explore_dataset_{current.id}",
            width=420,
        )
        st.caption(plain(facts_line(current)))
    if chosen.id != current.id:
        go("explore", dataset=chosen.id)


def _curves(
    user: CurrentUser,
    summary: DatasetSummary,
    quantities: list[Quantity],
    batteries: pd.DataFrame,
) -> None:
    """The fleet alone, or beside the chosen battery."""
    choice = fleet_inputs(quantities, batteries)
    if choice.battery_code is None:
        fleet_view(user, summary, batteries, choice)
        return
    left, right = st.columns(2, gap="medium")
    with left:
        fleet_view(user, summary, batteries, choice)
    with right:
        battery_panel(user, summary, batteries, choice.battery_code)


def _views(user: CurrentUser, summary: DatasetSummary) -> None:
    with read_scope() as session:
        quantities = list_quantities(session, user, summary.id)
        batteries = naturally(list_batteries(session, user, summary.id))
    tabs = st.tabs(VIEWS, key="view", on_change="rerun", bind="query-params")
    with tabs[0]:
        if tabs[0].open:
            _curves(user, summary, quantities, batteries)
    with tabs[1]:
        if tabs[1].open:
            lives_view(summary, batteries)
    with tabs[2]:
        if tabs[2].open:
            boxes_view(user, summary, quantities, batteries)
    with tabs[3]:
        if tabs[3].open:
            correlation_view(user, summary)
    set_address(dataset=summary.id)
