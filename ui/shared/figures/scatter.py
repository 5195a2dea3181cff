"""All predictions of a test at once: against the truth and against the cycle."""

import pandas as pd
import plotly.graph_objects as go

from ui.shared.figures.canvas import customdata, empty_figure, new_figure, thousands
from ui.shared.theme import (
    CYCLE_TITLE,
    TARGET_INFO,
    Palette,
    Quantity,
    algorithm_colour,
    algorithm_label,
    palette,
)

NO_LABELS = "These batteries have no labels, so there is no error to show."


def scatter_true_predicted(
    frame: pd.DataFrame,
    target: str,
    algorithm: str,
    dark: bool = False,
    *,
    total: int | None = None,
) -> go.Figure:
    """Predicted against true value with the line on which both are equal.

    Parameters
    ----------
    frame: `battery_code, cycle_num, y_true, y_pred` in stored units; rows without `y_true` are
        left out.
    total: number of cycles that `frame` was thinned from.
    """
    quantity = TARGET_INFO[target]
    rows = frame.dropna(subset=["y_true", "y_pred"])
    title = f"{quantity.short}: predicted against true, {algorithm_label(algorithm)}"
    if rows.empty:
        return empty_figure(title, NO_LABELS, dark=dark)
    figure = new_figure(
        title,
        subtitle=f"{_shown(len(rows), total)}; dashed: prediction equals truth",
        dark=dark,
        revision=f"scatter:{target}",
        height=480,
    )
    hover = f"true %{{x:,.4~r}}{quantity.suffix}<br>predicted %{{y:,.4~r}}{quantity.suffix}"
    true, predicted = rows["y_true"] * quantity.factor, rows["y_pred"] * quantity.factor
    _add_points(figure, rows, true, predicted, hover, algorithm)
    _add_identity(figure, min(true.min(), predicted.min()), max(true.max(), predicted.max()), dark)
    figure.update_xaxes(title_text=f"True {quantity.short} ({quantity.unit})", tickformat=",~g")
    figure.update_yaxes(
        title_text=f"Predicted {quantity.short} ({quantity.unit})", tickformat=",~g"
    )
    return figure


def error_against_cycle(
    frame: pd.DataFrame, target: str, algorithm: str, dark: bool = False
) -> go.Figure:
    """Predicted minus true against the cycle number, with the line of no error.

    Parameters
    ----------
    frame: `battery_code, cycle_num, y_true, y_pred` in stored units; rows without `y_true` are
        left out.
    """
    quantity = TARGET_INFO[target]
    rows = frame.dropna(subset=["y_true", "y_pred"])
    title = f"{quantity.short} error over life, {algorithm_label(algorithm)}"
    if rows.empty:
        return empty_figure(title, NO_LABELS, dark=dark)
    figure = new_figure(
        title,
        subtitle="Above zero, the prediction is too high",
        dark=dark,
        revision=f"error:{target}",
    )
    errors = (rows["y_pred"] - rows["y_true"]) * quantity.factor
    hover = f"cycle %{{x:,d}}<br>error %{{y:+,.4~r}} {quantity.error_unit}"
    _add_points(figure, rows, rows["cycle_num"], errors, hover, algorithm)
    figure.add_hline(y=0, line=_reference_line(palette(dark)))
    figure.update_xaxes(title_text=CYCLE_TITLE, tickformat=",d")
    figure.update_yaxes(title_text=_error_title(quantity), tickformat=",~g")
    return figure


def _shown(count: int, total: int | None) -> str:
    if total is None or total <= count:
        return f"{thousands(count)} cycles"
    return f"{thousands(count)} of {thousands(total)} cycles shown"


def _error_title(quantity: Quantity) -> str:
    return f"{quantity.short} error ({quantity.error_unit})"


def _reference_line(colours: Palette) -> dict[str, object]:
    return {"color": colours.truth, "width": 1.4, "dash": "dash"}


def _add_points(
    figure: go.Figure,
    rows: pd.DataFrame,
    x: pd.Series,
    y: pd.Series,
    hover: str,
    algorithm: str,
) -> None:
    figure.add_scatter(
        x=x,
        y=y,
        customdata=customdata(rows["battery_code"]),
        mode="markers",
        marker={"color": algorithm_colour(algorithm), "size": 4, "opacity": 0.45},
        name=algorithm_label(algorithm),
        showlegend=False,
        hovertemplate=f"Battery %{{customdata[0]}}<br>{hover}<extra></extra>",
    )


def _add_identity(figure: go.Figure, low: float, high: float, dark: bool) -> None:
    figure.add_scatter(
        x=[low, high],
        y=[low, high],
        mode="lines",
        line=_reference_line(palette(dark)),
        name="Predicted = true",
        showlegend=False,
        hoverinfo="skip",
    )
