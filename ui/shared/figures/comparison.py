"""Several models side by side."""

from typing import Literal

import pandas as pd
import plotly.graph_objects as go

from ui.shared.figures.canvas import customdata, empty_figure, new_figure, significant
from ui.shared.theme import Quantity, algorithm_colour, algorithm_label, translucent

NOTHING = "No finished test to compare yet."
NAME_CHARACTERS = 18


def metric_bars(
    frame: pd.DataFrame,
    label: str,
    unit: str,
    *,
    factor: float = 1.0,
    better: Literal["lower", "higher"] = "lower",
    dark: bool = False,
) -> go.Figure:
    """One metric as a bar per model, the best on top, the number behind each bar.

    Parameters
    ----------
    frame: `algorithm, value` (stored unit, NaN left out) and, where several models share an
        algorithm, a unique `name`.
    """
    quantity = Quantity(label, label, unit, factor)
    rows = _named(frame.dropna(subset=["value"]))
    if rows.empty:
        return empty_figure(label, NOTHING, dark=dark)
    rows = rows.sort_values("value", ascending=better == "lower")
    values = rows["value"] * factor
    figure = new_figure(
        f"{label} by model",
        subtitle=f"Best on top; {better} is better",
        dark=dark,
        revision=f"bars:{label}",
        height=150 + 44 * len(rows),
    )
    figure.add_bar(
        x=values,
        y=rows["name"],
        orientation="h",
        marker={"color": [algorithm_colour(a) for a in rows["algorithm"]], "line": {"width": 0}},
        text=[f"{significant(value)}{quantity.suffix}" for value in values],
        textposition="auto",
        insidetextfont={"color": "#FFFFFF"},
        hovertemplate=f"%{{y}}<br>%{{x:,.4~r}}{quantity.suffix}<extra></extra>",
    )
    figure.update_xaxes(title_text=quantity.axis_title, tickformat=",~g")
    _name_axis(figure)
    figure.update_layout(showlegend=False, bargap=0.35)
    return figure


def battery_errors_by_algorithm(
    frame: pd.DataFrame, label: str, unit: str, *, factor: float = 1.0, dark: bool = False
) -> go.Figure:
    """One box over batteries per model, every battery as a point beside its box.

    Parameters
    ----------
    frame: `algorithm, battery_code, value` (stored unit, NaN left out) and, where several models
        share an algorithm, a unique `name`.
    """
    quantity = Quantity(label, label, unit, factor)
    rows = _named(frame.dropna(subset=["value"]))
    if rows.empty:
        return empty_figure(label, NOTHING, dark=dark)
    order = rows.groupby("name")["value"].median().sort_values().index
    figure = new_figure(
        f"{label} by battery and model",
        subtitle="Lowest median on top",
        dark=dark,
        revision=f"by-model:{label}",
        height=150 + 104 * len(order),
    )
    for name in order:
        _add_model(figure, rows[rows["name"] == name], quantity)
    figure.update_xaxes(title_text=quantity.axis_title, tickformat=",~g", rangemode="tozero")
    _name_axis(figure)
    figure.update_layout(showlegend=False, boxgap=0.5)
    return figure


def _named(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows with a `name` broken to fit beside a bar; without names, the algorithm's."""
    names = frame["name"] if "name" in frame else frame["algorithm"].map(algorithm_label)
    return frame.assign(name=names.astype(str).str.wrap(NAME_CHARACTERS).str.replace("\n", "<br>"))


def _add_model(figure: go.Figure, rows: pd.DataFrame, quantity: Quantity) -> None:
    colour = algorithm_colour(str(rows["algorithm"].iloc[0]))
    figure.add_box(
        x=rows["value"] * quantity.factor,
        y=rows["name"],
        customdata=customdata(rows["battery_code"]),
        name=str(rows["name"].iloc[0]),
        orientation="h",
        boxpoints="all",
        pointpos=-1.6,
        jitter=0.6,
        marker={"color": colour, "size": 5, "opacity": 0.7},
        line={"color": colour, "width": 1.5},
        fillcolor=translucent(colour, 0.14),
        hoveron="points",
        hovertemplate=f"Battery %{{customdata[0]}}<br>{quantity.label} "
        f"%{{x:,.4~r}}{quantity.suffix}<extra></extra>",
    )


def _name_axis(figure: go.Figure) -> None:
    figure.update_yaxes(title_text="", ticks="", showgrid=False, autorange="reversed")
