"""How an error is spread over batteries, and over the cycles of each."""

import pandas as pd
import plotly.graph_objects as go

from ui.shared.figures.canvas import customdata, empty_figure, new_figure, significant
from ui.shared.theme import (
    EXPOSURE_LABELS,
    EXPOSURE_SYMBOLS,
    TARGET_INFO,
    Quantity,
    algorithm_colour,
    exposure_key,
    palette,
    translucent,
)
from ui.shared.words import counted

HEADLINE = "unseen"


def battery_error_box(
    frame: pd.DataFrame,
    label: str,
    unit: str,
    *,
    factor: float = 1.0,
    algorithm: str = "",
    dark: bool = False,
) -> go.Figure:
    """A box over batteries with every battery as a point beside it, unseen batteries first.

    Batteries seen in training or used for selection get a grey box of their own and count for
    nothing in the subtitle.

    Parameters
    ----------
    frame: one row a battery: `battery_code, value` (stored unit, NaN left out), and optionally
        `exposure` (unseen, train, val).
    label, unit: the metric, such as "RMSE of RUL" and "cycles".
    factor: stored value -> displayed unit.
    algorithm: colours the box; grey without one.
    """
    quantity = Quantity(label, label, unit, factor)
    rows = frame.dropna(subset=["value"])
    if rows.empty:
        message = f"No battery has a value of {label}: their labels are missing."
        return empty_figure(f"{label} by battery", message, dark=dark)
    keys = rows["exposure"].map(exposure_key) if "exposure" in rows else HEADLINE
    rows = rows.assign(exposure=keys)
    unseen = rows[rows["exposure"] == HEADLINE]
    figure = new_figure(
        f"{label} by battery",
        subtitle=_median_note(unseen, quantity),
        dark=dark,
        revision=f"battery-error:{label}",
        height=150 + 110 * rows["exposure"].nunique(),
    )
    for exposure in EXPOSURE_LABELS:
        members = rows[rows["exposure"] == exposure]
        if not members.empty:
            _add_exposure(figure, members, exposure, quantity, algorithm, dark)
    figure.update_xaxes(title_text=quantity.axis_title, tickformat=",~g", rangemode="tozero")
    figure.update_yaxes(title_text="", ticks="", showgrid=False, autorange="reversed")
    figure.update_layout(showlegend=False, boxgap=0.55)
    return figure


def cycle_error_boxes(
    quartiles: pd.DataFrame, target: str, *, algorithm: str = "", dark: bool = False
) -> go.Figure:
    """One box of cycle errors per battery from stored quartiles, largest median first.

    Parameters
    ----------
    quartiles: `battery_code, lower_fence, q1, median, q3, upper_fence` of the error in stored
        units, one row a battery.
    """
    quantity = TARGET_INFO[target]
    title = f"{quantity.short} error over the cycles of each battery"
    rows = quartiles.dropna(subset=["median"])
    if rows.empty:
        return empty_figure(title, "No battery has labels to compare with.", dark=dark)
    rows = rows.sort_values("median", key=abs, ascending=False)
    figure = new_figure(
        title,
        subtitle=f"{counted(len(rows), 'battery', 'batteries')}, largest median error first",
        dark=dark,
        revision=f"cycle-errors:{target}",
    )
    _add_boxes(figure, rows, quantity, algorithm_colour(algorithm))
    _add_medians(figure, rows, quantity, dark)
    figure.add_hline(y=0, line={"color": palette(dark).muted, "width": 1})
    figure.update_xaxes(title_text="Battery", type="category", showgrid=False)
    figure.update_yaxes(
        title_text=f"{quantity.short} error ({quantity.error_unit})", tickformat=",~g"
    )
    figure.update_layout(showlegend=False)
    return figure


def _median_note(unseen: pd.DataFrame, quantity: Quantity) -> str:
    if unseen.empty:
        return "No unseen battery: these numbers flatter the model"
    median = unseen["value"].median() * quantity.factor
    count = counted(len(unseen), "unseen battery", "unseen batteries")
    return f"Median {significant(median)}{quantity.suffix} over {count}"


def _add_exposure(
    figure: go.Figure,
    rows: pd.DataFrame,
    exposure: str,
    quantity: Quantity,
    algorithm: str,
    dark: bool,
) -> None:
    headline = exposure == HEADLINE
    colour = algorithm_colour(algorithm) if headline else palette(dark).muted
    figure.add_box(
        x=rows["value"] * quantity.factor,
        y=[EXPOSURE_LABELS[exposure].replace(" ", "<br>", 1)] * len(rows),
        customdata=customdata(rows["battery_code"]),
        name=EXPOSURE_LABELS[exposure],
        orientation="h",
        boxpoints="all",
        pointpos=-1.6,
        jitter=0.6,
        marker={
            "color": colour,
            "size": 6,
            "opacity": 0.75,
            "symbol": EXPOSURE_SYMBOLS[exposure],
        },
        line={"color": colour, "width": 1.5},
        fillcolor=translucent(colour, 0.14 if headline else 0.0),
        hoveron="points",
        hovertemplate=f"Battery %{{customdata[0]}}<br>{quantity.label} "
        f"%{{x:,.4~r}}{quantity.suffix}<extra></extra>",
    )


def _add_boxes(figure: go.Figure, rows: pd.DataFrame, quantity: Quantity, colour: str) -> None:
    parts = ("q1", "median", "q3", "lower_fence", "upper_fence")
    q1, median, q3, lower, upper = (rows[part] * quantity.factor for part in parts)
    figure.add_box(
        x=rows["battery_code"].astype(str),
        q1=q1,
        median=median,
        q3=q3,
        lowerfence=lower,
        upperfence=upper,
        name="Cycles",
        marker={"color": colour},
        line={"color": colour, "width": 1.2},
        fillcolor=translucent(colour, 0.16),
        hoverinfo="skip",
    )


def _add_medians(figure: go.Figure, rows: pd.DataFrame, quantity: Quantity, dark: bool) -> None:
    """Median dots: boxes from quartiles have no points that a click could report."""
    unit = f" {quantity.error_unit}"
    spread = rows[["q1", "q3", "lower_fence", "upper_fence"]] * quantity.factor
    figure.add_scatter(
        x=rows["battery_code"].astype(str),
        y=rows["median"] * quantity.factor,
        customdata=customdata(rows["battery_code"], *(spread[name] for name in spread)),
        mode="markers",
        marker={"color": palette(dark).truth, "size": 4},
        name="Median",
        hovertemplate=(
            f"Battery %{{customdata[0]}}<br>Median %{{y:,.4~r}}{unit}<br>"
            f"Middle half %{{customdata[1]:,.4~r}} to %{{customdata[2]:,.4~r}}{unit}<br>"
            f"Whiskers %{{customdata[3]:,.4~r}} to %{{customdata[4]:,.4~r}}{unit}<extra></extra>"
        ),
    )
