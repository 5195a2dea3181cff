"""All batteries of a dataset in one figure."""

from typing import Literal

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from ui.shared.figures.canvas import customdata, empty_figure, new_figure, thousands
from ui.shared.theme import CYCLE_TITLE, ROLE_COLOURS, ROLE_LABELS, Palette, Quantity, palette
from ui.shared.words import counted

FleetColour = Literal["split", "life"]
NO_ROLE, NO_LIFE = "No split role", "No cycle life"
COLOUR_NOTES = {"split": "Coloured by split role", "life": "Coloured by cycle life (cycles)"}


def fleet_curves(
    frame: pd.DataFrame,
    label: str,
    unit: str,
    *,
    factor: float = 1.0,
    colour_by: FleetColour | None = None,
    eol_value: float | None = None,
    eol_label: str = "End of life",
    highlighted: str | None = None,
    dark: bool = False,
) -> go.Figure:
    """One quantity against the cycle number, every battery a thin line.

    One trace per colour, batteries separated by gaps: 124 curves are a handful of traces.

    Parameters
    ----------
    frame: `battery_code, cycle_num, value`, with `group` (train, val, test or missing) for
        `colour_by="split"` and `life` (cycles, NaN without one) for `colour_by="life"`.
    factor: stored value -> displayed unit, of `value` and `eol_value` (100 for fractions in %).
    highlighted: battery code drawn thick above the others.
    """
    quantity = Quantity(label, label, unit, factor)
    rows = frame.dropna(subset=["value"]).sort_values(["battery_code", "cycle_num"])
    batteries = rows["battery_code"].nunique()
    title = f"{label} of {counted(batteries, 'battery', 'batteries')}"
    if rows.empty:
        return empty_figure(label, f"No battery has values of {label}.", dark=dark)
    colours = palette(dark)
    figure = new_figure(
        title,
        subtitle=COLOUR_NOTES.get(colour_by or "", ""),
        dark=dark,
        revision=f"fleet:{label}",
        height=480,
    )
    chosen = rows[rows["battery_code"] == highlighted]
    opacity = 0.8 if chosen.empty else 0.35
    for name, colour, members in _groups(rows, colour_by, colours):
        _add_curves(figure, members, quantity, name, colour, width=1.0, opacity=opacity)
    if not chosen.empty:
        name = f"Battery {highlighted}"
        _add_curves(figure, chosen, quantity, name, colours.truth, width=3.0, opacity=1.0)
    figure.update_xaxes(title_text=CYCLE_TITLE, tickformat=",d")
    figure.update_yaxes(title_text=quantity.axis_title)
    figure.update_layout(showlegend=colour_by is not None or not chosen.empty)
    if eol_value is not None:
        _add_end_of_life(figure, eol_value * factor, eol_label, colours)
    return figure


def _groups(
    rows: pd.DataFrame, colour_by: FleetColour | None, colours: Palette
) -> list[tuple[str, str, pd.DataFrame]]:
    if colour_by == "split":
        return _groups_by_split(rows, colours)
    if colour_by == "life":
        return _groups_by_life(rows, colours)
    return [("Batteries", colours.curve, rows)]


def _groups_by_split(rows: pd.DataFrame, colours: Palette) -> list[tuple[str, str, pd.DataFrame]]:
    roles = rows["group"].where(rows["group"].isin(list(ROLE_LABELS)))
    named = [(ROLE_LABELS[r], ROLE_COLOURS[r], rows[roles == r]) for r in ROLE_LABELS]
    named.append((NO_ROLE, colours.muted, rows[roles.isna()]))
    return [entry for entry in named if not entry[2].empty]


def _groups_by_life(rows: pd.DataFrame, colours: Palette) -> list[tuple[str, str, pd.DataFrame]]:
    known, unknown = rows[rows["life"].notna()], rows[rows["life"].isna()]
    groups = []
    if not known.empty:
        lives = known.groupby("battery_code")["life"].first()
        edges = np.unique(np.quantile(lives, np.linspace(0, 1, len(colours.life_scale) + 1)))
        bins = pd.Series(np.digitize(known["life"], edges[1:-1]), index=known.index)
        for index, members in known.groupby(bins):
            name = _life_name(members["life"].min(), members["life"].max())
            groups.append((name, colours.life_scale[int(index)], members))
    return [*groups, (NO_LIFE, colours.muted, unknown)] if not unknown.empty else groups


def _life_name(low: float, high: float) -> str:
    return thousands(low) if low == high else f"{thousands(low)} to {thousands(high)}"


def _add_curves(
    figure: go.Figure,
    rows: pd.DataFrame,
    quantity: Quantity,
    name: str,
    colour: str,
    *,
    width: float,
    opacity: float,
) -> None:
    _add_legend_entry(figure, name, colour)
    separated = _with_gaps(rows)
    # Invisible markers: chart selection reports points, and only traces with markers have them.
    figure.add_scatter(
        x=separated["cycle_num"],
        y=separated["value"] * quantity.factor,
        customdata=customdata(separated["battery_code"]),
        name=name,
        legendgroup=name,
        showlegend=False,
        mode="lines+markers",
        line={"color": colour, "width": width},
        marker={"color": colour, "size": 4, "opacity": 0},
        selected={"marker": {"opacity": 1}},
        unselected={"marker": {"opacity": 0}},
        opacity=opacity,
        connectgaps=False,
        hovertemplate=(
            "Battery %{customdata[0]}<br>Cycle %{x:,d}<br>"
            f"%{{y:,.4~r}}{quantity.suffix}<extra></extra>"
        ),
    )


def _add_legend_entry(figure: go.Figure, name: str, colour: str) -> None:
    """A line that only the legend shows: thin, faded curves make poor legend symbols."""
    figure.add_scatter(
        x=[None],
        y=[None],
        mode="lines",
        line={"color": colour, "width": 3},
        name=name,
        legendgroup=name,
        hoverinfo="skip",
    )


def _with_gaps(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with one empty row behind every battery, so that one line shows them all."""
    kept = rows[["battery_code", "cycle_num", "value"]]
    ends = kept.groupby("battery_code", sort=False).tail(1).assign(value=np.nan)
    return pd.concat([kept, ends]).sort_values("battery_code", kind="stable")


def _add_end_of_life(figure: go.Figure, value: float, label: str, colours: Palette) -> None:
    figure.add_hline(
        y=value,
        line={"color": colours.ink, "width": 1.2, "dash": "dot"},
        annotation={
            "text": label,
            "font": {"size": 12, "color": colours.ink},
            "bgcolor": colours.surface,
        },
        # Curves end on the line from above, or start far below it: under its left end is free.
        annotation_position="bottom left",
    )
