"""One quantity of every battery; choosing a curve opens the battery."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import streamlit as st

from core.access.actor import CurrentUser
from core.datasets.datasets import DatasetSummary
from core.datasets.explore import Quantity
from ui.datasets.figure import fleet_figure
from ui.shared.figures import selected_batteries
from ui.shared.figures.fleet import FleetColour
from ui.shared.theme import PLOTLY_CONFIG

COLOURS: dict[str, FleetColour | None] = {
    "Cycle life": "life",
    "Split": "split",
    "None": None,
}
# Widgets that are bound to the address have its names as keys.
QUANTITY, COLOUR, BATTERY = "quantity", "colour", "battery"


@dataclass(frozen=True)
class FleetChoice:
    """What is drawn, how it is coloured, and which battery stands out."""

    quantity: Quantity
    colour_by: FleetColour | None
    battery_code: str | None


def fleet_view(
    user: CurrentUser, summary: DatasetSummary, batteries: pd.DataFrame, choice: FleetChoice
) -> None:
    """Draw the fleet; a click on a curve chooses its battery."""
    key = f"fleet_{summary.id}_{choice.quantity.column}"
    figure = fleet_figure(
        user,
        summary,
        batteries,
        choice.quantity,
        choice.colour_by,
        highlighted=choice.battery_code,
        selectable=True,
    )
    st.plotly_chart(
        figure,
        theme=None,
        config=PLOTLY_CONFIG,
        key=key,
        on_select=lambda: _choose(key),
        selection_mode="points",
        alt=f"{choice.quantity.label} of every battery of {summary.name} against cycle number.",
    )
    if choice.battery_code is None:
        st.caption("Click a curve, or pick a battery above, to see all of its features.")


def fleet_inputs(quantities: Sequence[Quantity], batteries: pd.DataFrame) -> FleetChoice:
    """Quantity, colour and battery; all three are kept in the address."""
    by_label = {quantity_label(quantity): quantity for quantity in quantities}
    codes = list(batteries["battery_code"].astype(str))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        label = st.selectbox(
            "Quantity", list(by_label), key=QUANTITY, bind="query-params", width=320
        )
        colour = st.selectbox(
            "Colour by", list(COLOURS), key=COLOUR, bind="query-params", width=160
        )
        code = st.selectbox(
            "Battery",
            codes,
            index=None,
            key=BATTERY,
            bind="query-params",
            placeholder="All batteries",
            width=260,
        )
    return FleetChoice(by_label[label], COLOURS[colour], code)


def quantity_label(quantity: Quantity) -> str:
    """Name of a quantity with its unit."""
    return f"{quantity.label}, {quantity.unit}" if quantity.unit else quantity.label


def _choose(key: str) -> None:
    event: Any = st.session_state.get(key)
    codes = selected_batteries(event)
    if codes:
        st.session_state[BATTERY] = codes[0]
