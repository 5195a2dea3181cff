"""Error of several models as lines: against the horizon, and against the cycles seen."""

import pandas as pd
import plotly.graph_objects as go

from ui.shared.figures.canvas import empty_figure, new_figure
from ui.shared.theme import (
    Quantity,
    algorithm_colour,
    algorithm_dash,
    algorithm_symbol,
    is_floor,
)

# Second and later models of one algorithm share its colour.
REPEATED_DASHES = ("solid", "dash", "dot", "dashdot")
MOST_TICKS = 12


def error_against_horizon(
    frame: pd.DataFrame,
    label: str,
    unit: str,
    *,
    factor: float = 1.0,
    subtitle: str = "",
    dark: bool = False,
) -> go.Figure:
    """Error against how many cycles a forecast looks ahead, a line per model, floors in grey.

    Parameters
    ----------
    frame: `name` (unique per line, the most important first), `algorithm`, `horizon` (cycles, 1 or
        more), `value` (stored unit, NaN left out), `n_batteries`.
    factor: stored value -> displayed unit.
    """
    figure = _error_lines(
        frame.rename(columns={"horizon": "x"}),
        Quantity(label, label, unit, factor),
        title=f"{label} against cycles ahead",
        subtitle=subtitle,
        hover="%{x:,d} ahead",
        nothing="No error by horizon is stored for these tests.",
        dark=dark,
    )
    if figure.data:
        ticks = sorted(set(frame.dropna(subset=["value"])["horizon"]))
        step = -(-len(ticks) // MOST_TICKS)
        figure.update_xaxes(
            title_text="Cycles ahead",
            type="log",
            tickvals=ticks[::-1][::step],
            ticktext=[f"{tick:,.0f}" for tick in ticks[::-1][::step]],
            tickangle=0,
        )
    return figure


def error_against_cycles_seen(
    frame: pd.DataFrame,
    label: str,
    unit: str,
    *,
    subtitle: str = "",
    dark: bool = False,
) -> go.Figure:
    """Error of cycle life against the cycles seen, a line per model, floors in grey.

    Parameters
    ----------
    frame: `name` (unique per line, the most important first), `algorithm`, `cycles_seen`, `value`
        (NaN left out), `n_batteries`.
    """
    figure = _error_lines(
        frame.rename(columns={"cycles_seen": "x"}),
        Quantity(label, label, unit),
        title=f"{label} against cycles seen",
        subtitle=subtitle,
        hover="%{x:,d} cycles seen",
        nothing="No battery can be judged at any number of cycles seen.",
        dark=dark,
    )
    if figure.data:
        figure.update_xaxes(title_text="Cycles seen", tickformat=",d")
    return figure


def _error_lines(
    frame: pd.DataFrame,
    quantity: Quantity,
    *,
    title: str,
    subtitle: str,
    hover: str,
    nothing: str,
    dark: bool,
) -> go.Figure:
    rows = frame.dropna(subset=["value"])
    if rows.empty:
        return empty_figure(title, nothing, dark=dark)
    figure = new_figure(title, subtitle=subtitle, dark=dark, revision=title)
    names = dict(zip(rows["name"], rows["algorithm"], strict=True))
    ranked = sorted(names, key=lambda name: is_floor(names[name]))
    # What is drawn last lies on top: the first model of the frame, and floors at the bottom.
    for rank, name in reversed(list(enumerate(ranked))):
        algorithm = names[name]
        repeat = sum(names[other] == algorithm for other in ranked[:rank])
        line = rows[rows["name"] == name].sort_values("x")
        _add_line(figure, line, str(name), algorithm, repeat, rank, quantity, hover)
    figure.update_yaxes(title_text=quantity.axis_title, tickformat=",~g", rangemode="tozero")
    return figure


def _add_line(
    figure: go.Figure,
    rows: pd.DataFrame,
    name: str,
    algorithm: str,
    repeat: int,
    rank: int,
    quantity: Quantity,
    hover: str,
) -> None:
    floor = is_floor(algorithm)
    dash = algorithm_dash(algorithm)
    figure.add_scatter(
        x=rows["x"],
        y=rows["value"] * quantity.factor,
        customdata=rows["n_batteries"],
        mode="lines+markers",
        line={
            "color": algorithm_colour(algorithm),
            "width": 1.6 if floor else 2.2,
            "dash": dash if floor else REPEATED_DASHES[repeat % len(REPEATED_DASHES)],
        },
        marker={
            "symbol": algorithm_symbol(algorithm),
            "size": 7,
            # Open symbols are drawn with their outline alone.
            "line": {"width": 1.6 if floor else 0, "color": algorithm_colour(algorithm)},
        },
        name=name,
        legendrank=1000 + rank,
        hovertemplate=f"<b>%{{fullData.name}}</b><br>{hover}<br>%{{y:,.4~r}}{quantity.suffix}<br>"
        "%{customdata:,d} batteries<extra></extra>",
    )
