"""Predicted against true curves, battery by battery."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from ui.shared.figures.canvas import customdata, empty_figure, new_figure, significant
from ui.shared.figures.panels import lay_out_panels, place_of
from ui.shared.theme import (
    TARGET_INFO,
    Quantity,
    algorithm_colour,
    algorithm_label,
    exposure_label,
    palette,
    translucent,
)
from ui.shared.words import counted

MOST_BATTERIES = 6


def prediction_curves(
    frame: pd.DataFrame,
    target: str,
    algorithm: str,
    *,
    columns: int = 2,
    nominal: float = 0.9,
    dark: bool = False,
) -> go.Figure:
    """True and predicted curve of up to six batteries: truth dark, prediction coloured.

    Parameters
    ----------
    frame: `battery_code, cycle_num, y_true` (NaN where unknown), `y_pred` in stored units, and
        optionally `exposure` (unseen, train, val), an interval `y_lower, y_upper` (NaN where there
        is none) and `distance_ratio` (above 1: unlike the training batteries).
    target: PCL or RUL.
    nominal: the share of cycles that the interval promises to hold.
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
    _name_interval(figure, f"{nominal:.0%} interval".replace("%", " %"))
    return figure


def _shown_note(shown: int, total: int) -> str:
    return (
        "" if shown == total else f"The first {shown} of {counted(total, 'battery', 'batteries')}"
    )


def _panel_title(rows: pd.DataFrame, code: object) -> str:
    label = exposure_label(rows["exposure"].iloc[0]) if "exposure" in rows else ""
    notes = [label.lower()] if label and label != exposure_label("unseen") else []
    if "distance_ratio" in rows and rows["distance_ratio"].iloc[0] > 1:
        notes.append("\u25b2 unlike the training batteries")
    return f"Battery {code}<br><i>{', '.join(notes)}</i>" if notes else f"Battery {code}"


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
    bounded = _with_interval(rows)
    if not bounded.empty:
        _add_interval(figure, bounded, quantity, translucent(colour, 0.32 if dark else 0.2), place)
    lines = (
        ("y_true", "True", palette(dark).truth, 2.0),
        ("y_pred", algorithm_label(algorithm), colour, 1.6),
    )
    for column, name, line_colour, width in lines:
        has_bounds = column == "y_pred" and not bounded.empty
        figure.add_scatter(
            x=rows["cycle_num"],
            y=rows[column] * quantity.factor,
            customdata=_hover_data(rows, quantity) if has_bounds else _codes(rows),
            mode="lines",
            line={"color": line_colour, "width": width},
            name=name,
            legendgroup=column,
            showlegend=first,
            hovertemplate=f"%{{y:,.4~r}}{quantity.suffix}"
            + ("%{customdata[1]}" if has_bounds else ""),
            **place,
        )


def _codes(rows: pd.DataFrame) -> np.ndarray:
    return customdata(rows["battery_code"])


def _with_interval(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows that have both ends of an interval; a band cannot be drawn across the others."""
    if not {"y_lower", "y_upper"} <= set(rows.columns):
        return rows.iloc[:0]
    return rows.dropna(subset=["y_lower", "y_upper"])


def _hover_data(rows: pd.DataFrame, quantity: Quantity) -> np.ndarray:
    """Battery code, and the interval in words (empty where there is none)."""
    pairs = zip(rows["y_lower"] * quantity.factor, rows["y_upper"] * quantity.factor, strict=True)
    words = [
        f" ({significant(low)} to {significant(high)})" if low == low and high == high else ""
        for low, high in pairs
    ]
    return customdata(rows["battery_code"], pd.Series(words))


def _add_interval(
    figure: go.Figure, rows: pd.DataFrame, quantity: Quantity, shade: str, place: dict[str, int]
) -> None:
    for column, fill in (("y_lower", "none"), ("y_upper", "tonexty")):
        figure.add_scatter(
            x=rows["cycle_num"],
            y=rows[column] * quantity.factor,
            mode="lines",
            line={"width": 0},
            fill=fill,
            fillcolor=shade,
            legendgroup="interval",
            legendrank=1001,
            showlegend=False,
            hoverinfo="skip",
            **place,
        )


def _name_interval(figure: go.Figure, name: str) -> None:
    """One entry of the legend for all bands: the first battery need not have one."""
    bands = [trace for trace in figure.data if trace.fill == "tonexty"]
    for trace in figure.data:
        if trace.legendgroup == "interval":
            trace.name = name
    if bands:
        bands[0].showlegend = True
