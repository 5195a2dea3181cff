"""All batteries of a dataset in one figure, with its end of life."""

import pandas as pd
import plotly.graph_objects as go

from core.access.actor import CurrentUser
from core.datasets.datasets import DatasetSummary
from core.datasets.explore import Quantity
from ui.datasets.reads import curves_of
from ui.shared.figures import fleet_curves
from ui.shared.figures.fleet import FleetColour
from ui.shared.frame import is_dark

SOH = Quantity("soh", "State of health (SOH)", "%", 100.0)


def fleet_figure(
    user: CurrentUser,
    summary: DatasetSummary,
    batteries: pd.DataFrame,
    quantity: Quantity = SOH,
    colour_by: FleetColour | None = "life",
    highlighted: str | None = None,
    selectable: bool = False,
) -> go.Figure:
    """One quantity of every battery against cycle number.

    Parameters
    ----------
    batteries : battery_code, group_tag, nominal_capacity of the dataset
    selectable : whether a click can pick a curve; thousands of markers take the browser a second
    """
    roles = batteries.set_index("battery_code")["group_tag"]
    frame = curves_of(user, summary, quantity.column).rename(columns={"cycle_life": "life"})
    frame["group"] = frame["battery_code"].map(roles)
    frame["life"] = frame["life"].astype("float64")
    figure = fleet_curves(
        frame,
        quantity.label,
        quantity.unit,
        factor=quantity.factor,
        colour_by=colour_by,
        eol_value=end_of_life_value(quantity.column, summary, batteries),
        eol_label=f"End of life, {summary.eol.threshold:.0%} of nominal capacity",
        highlighted=highlighted,
        dark=is_dark(),
    )
    if not selectable:
        figure.update_traces(mode="lines", selector={"mode": "lines+markers"})
    return figure


def end_of_life_value(
    column: str, summary: DatasetSummary, batteries: pd.DataFrame
) -> float | None:
    """End of life as a value of the quantity, in storage units; None for other quantities."""
    threshold = summary.eol.threshold
    if column == "soh":
        return threshold
    if column == "pcl":
        return 1.0 - threshold
    nominal = batteries["nominal_capacity"].dropna().unique()
    if column == "capacity_ah" and len(nominal) == 1:
        return threshold * float(nominal[0])
    return None
