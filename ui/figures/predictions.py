"""Predicted against true curves, battery by battery."""

import pandas as pd
import plotly.graph_objects as go

from ui.figures.canvas import customdata, empty_figure, new_figure
from ui.figures.panels import lay_out_panels, place_of
from ui.theme import (
    TARGET_INFO,
    Quantity,
    algorithm_colour,
    algorithm_label,
    exposure_label,
    palette,
    translucent,
)
from ui.words import counted

MOST_BATTERIES = 6


def prediction_curves(
    frame: pd.DataFrame,
    target: str,
    algorithm: str,
    *,
    columns: int = 2,
    dark: bool = False,
) -> go.Figure:
    """True and predicted curve of up to six batteries: truth dark, prediction coloured.

    Parameters
    ----------
    frame: `battery_code, cycle_num, y_true` (NaN where unknown), `y_pred` in stored units, and
        optionally `exposure` (unseen, train, val) and an interval `y_low, y_high`.
    target: PCL or RUL.
    """
    quantity = TARGET_INFO[target]
    title = f"{quantity.short} predicted by {algorithm_label(algorithm)}"
    codes = list(dict.fromkeys(frame["battery_code"]))
    if not codes:
        return empty_figure(title, "Choose at least one battery to see its curves.", dark=dark)
    shown = codes[:MOST_BATTERIES]
    columns = min(columns, len(shown))
    rows = -(-len(shown) // columns)
    figure = new_figure(
        title,
        subtitle=_shown_note(len(shown), len(codes)),
        dark=dark,
        revision=f"curves:{target}:{','.join(map(str, shown))}",
        height=420 if rows == 1 else 130 + 210 * rows,
        hovermode="x unified",
    )
    groups = dict(iter(frame.groupby("battery_code", sort=False)))
    titles = [_panel_title(groups[code], code) for code in shown]
    lay_out_panels(figure, titles, columns, linked=False, horizontal_spacing=0.13, dark=dark)
    figure.update_yaxes(title_text=f"{quantity.short} ({quantity.unit})", col=1)
    for index, code in enumerate(shown):
        members = groups[code].sort_values("cycle_num")
        place = place_of(index, columns)
        _add_battery(figure, members, quantity, algorithm, place, first=index == 0, dark=dark)
    return figure


def _shown_note(shown: int, total: int) -> str:
    return (
        "" if shown == total else f"The first {shown} of {counted(total, 'battery', 'batteries')}"
    )


def _panel_title(rows: pd.DataFrame, code: object) -> str:
    label = exposure_label(rows["exposure"].iloc[0]) if "exposure" in rows else ""
    seen = label if label != exposure_label("unseen") else ""
    return f"Battery {code}<br><i>{seen.lower()}</i>" if seen else f"Battery {code}"


def _add_battery(
    figure: go.Figure,
    rows: pd.DataFrame,
    quantity: Quantity,
    algorithm: str,
    place: dict[str, int],
    *,
    first: bool,
    dark: bool,
) -> None:
    colour = algorithm_colour(algorithm)
    if {"y_low", "y_high"} <= set(rows.columns):
        _add_interval(figure, rows, quantity, colour, place, first=first)
    lines = (
        ("y_true", "True", palette(dark).truth, 2.0),
        ("y_pred", algorithm_label(algorithm), colour, 1.6),
    )
    for column, name, line_colour, width in lines:
        figure.add_scatter(
            x=rows["cycle_num"],
            y=rows[column] * quantity.factor,
            customdata=customdata(rows["battery_code"]),
            mode="lines",
            line={"color": line_colour, "width": width},
            name=name,
            legendgroup=column,
            showlegend=first,
            hovertemplate=f"%{{y:,.4~r}}{quantity.suffix}",
            **place,
        )


def _add_interval(
    figure: go.Figure,
    rows: pd.DataFrame,
    quantity: Quantity,
    colour: str,
    place: dict[str, int],
    *,
    first: bool,
) -> None:
    for column, fill in (("y_low", "none"), ("y_high", "tonexty")):
        figure.add_scatter(
            x=rows["cycle_num"],
            y=rows[column] * quantity.factor,
            mode="lines",
            line={"width": 0},
            fill=fill,
            fillcolor=translucent(colour, 0.18),
            name="Interval",
            legendgroup="interval",
            legendrank=1001,
            showlegend=first and column == "y_high",
            hoverinfo="skip",
            **place,
        )
