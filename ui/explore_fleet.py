"""One quantity of every battery; choosing a curve opens the battery."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from core.datasets import DatasetSummary
from core.explore import Quantity
from core.users import CurrentUser
from ui.dataset_figure import fleet_figure
from ui.figures import selected_batteries
from ui.figures.fleet import FleetColour
from ui.theme import PLOTLY_CONFIG

COLOURS: dict[str, FleetColour | None] = {
    "Cycle life": "life",
    "Split": "split",
    "None": None,
}
# Widgets that are bound to the address have its names as keys.
QUANTITY, COLOUR, BATTERY = "quantity", "colour", "battery"


def fleet_view(
    user: CurrentUser,
    summary: DatasetSummary,
    quantities: Sequence[Quantity],
    batteries: pd.DataFrame,
) -> str | None:
    """Draw the inputs and the fleet; returns the code of the chosen battery."""
    quantity, colour_by, code = _inputs(quantities, batteries)
    key = f"fleet_{summary.id}_{quantity.column}"
    st.plotly_chart(
        fleet_figure(user, summary, batteries, quantity, colour_by, highlighted=code),
        theme=None,
        config=PLOTLY_CONFIG,
        key=key,
        on_select=lambda: _choose(key),
        selection_mode="points",
        alt=f"{quantity.label} of every battery of {summary.name} against cycle number.",
    )
    if code is None:
        st.caption("Click a curve, or pick a battery above, to see all of its features.")
    return code


def _inputs(
    quantities: Sequence[Quantity], batteries: pd.DataFrame
) -> tuple[Quantity, FleetColour | None, str | None]:
    by_label = {quantity_label(quantity): quantity for quantity in quantities}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        label = st.selectbox(
            "Quantity", list(by_label), key=QUANTITY, bind="query-params", width=320
        )
        colour = st.selectbox(
            "Colour by", list(COLOURS), key=COLOUR, bind="query-params", width=160
        )
        code = st.selectbox(
            "Battery",
            list(batteries["battery_code"].astype(str)),
            index=None,
            key=BATTERY,
            bind="query-params",
            placeholder="All batteries",
            width=260,
        )
    return by_label[label], COLOURS[colour], code


def quantity_label(quantity: Quantity) -> str:
    """Name of a quantity with its unit."""
    return f"{quantity.label}, {quantity.unit}" if quantity.unit else quantity.label


def _choose(key: str) -> None:
    event: Any = st.session_state.get(key)
    codes = selected_batteries(event)
    if codes:
        st.session_state[BATTERY] = codes[0]
