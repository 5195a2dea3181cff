"""Explore: every battery of a dataset in one figure, one battery in all its features, and more."""

import pandas as pd
import streamlit as st

from core.access.actor import CurrentUser
from core.base.database import read_scope
from core.datasets.datasets import DatasetSummary, list_batteries
from core.datasets.explore import Quantity, list_quantities
from ui.datasets.explore_battery import battery_panel
from ui.datasets.explore_fleet import fleet_inputs, fleet_view
from ui.datasets.explore_spread import boxes_view, correlation_view, lives_view
from ui.datasets.order import naturally
from ui.datasets.pick import pick_dataset
from ui.shared.links import set_address

PURPOSE = "See how the batteries of a dataset fade, one by one or all together."
VIEWS = ("Curves", "Cycle life", "Feature by split", "Correlation")


def render(user: CurrentUser) -> None:
    """Draw the dataset that the address names, else the newest one."""
    invitation = "No datasets yet. Upload a file to look at."
    summary = pick_dataset(user, "explore", "Explore", PURPOSE, invitation)
    if summary is not None:
        _views(user, summary)


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
