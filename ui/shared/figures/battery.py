"""Everything known of one battery, as a strip chart."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from ui.shared.figures.canvas import empty_figure, new_figure
from ui.shared.figures.panels import lay_out_panels, place_of
from ui.shared.theme import CAPACITY, TARGET_INFO, Quantity, palette

STRIP_HEIGHT_PX = 104
# Isolated readings are readings of capacity.
ISOLATED_IN = ("capacity_ah", "pcl")
LABEL_QUANTITIES = (
    ("capacity_ah", CAPACITY),
    ("pcl", TARGET_INFO["PCL"]),
    ("rul", TARGET_INFO["RUL"]),
)


def battery_features(
    frame: pd.DataFrame,
    features: Sequence[tuple[str, str, str]],
    *,
    battery_code: str = "",
    columns: int = 1,
    isolated: np.ndarray | None = None,
    dark: bool = False,
) -> go.Figure:
    """Capacity, PCL, RUL and every feature of one battery over a shared cycle axis.

    Parameters
    ----------
    frame: one row a cycle: `cycle_num`, the feature columns and, where known, `capacity_ah`,
        `pcl` (fraction) and `rul` (cycles); columns without any value get no strip.
    features: (column, label, unit) in the order to show them.
    isolated: (n_rows,) bool, rows to mark with hollow points in the strips of capacity and PCL.
    columns: strips side by side; one suits every screen, two a wide one.
    """
    title = f"Battery {battery_code}".strip()
    panels = _panels(frame, features)
    if not panels:
        return empty_figure(title, "This battery has no cycles to show.", dark=dark)
    rows = -(-len(panels) // columns)
    figure = new_figure(
        f"{title}, cycle by cycle",
        dark=dark,
        revision=f"battery:{battery_code}",
        height=120 + STRIP_HEIGHT_PX * rows,
    )
    titles = [quantity.axis_title for _, quantity in panels]
    lay_out_panels(figure, titles, columns, linked=True, dark=dark)
    for index, (column, quantity) in enumerate(panels):
        _add_strip(figure, frame, column, quantity, place_of(index, columns), dark)
        if isolated is not None and column in ISOLATED_IN:
            _add_isolated(figure, frame[isolated], column, quantity, place_of(index, columns), dark)
    return figure


def _panels(
    frame: pd.DataFrame, features: Sequence[tuple[str, str, str]]
) -> list[tuple[str, Quantity]]:
    named = [(column, Quantity(label, label, unit)) for column, label, unit in features]
    wanted = [*LABEL_QUANTITIES, *named]
    return [(c, q) for c, q in wanted if c in frame and frame[c].notna().any()]


def _add_strip(
    figure: go.Figure,
    frame: pd.DataFrame,
    column: str,
    quantity: Quantity,
    place: dict[str, int],
    dark: bool,
) -> None:
    colours = palette(dark)
    is_label = column in {name for name, _ in LABEL_QUANTITIES}
    figure.add_scatter(
        x=frame["cycle_num"],
        y=frame[column] * quantity.factor,
        mode="lines",
        line={"width": 1.4, "color": colours.truth if is_label else colours.accent},
        name=quantity.label,
        showlegend=False,
        hovertemplate=f"Cycle %{{x:,d}}<br>%{{y:,.4~r}}{quantity.suffix}<extra></extra>",
        **place,
    )


def _add_isolated(
    figure: go.Figure,
    rows: pd.DataFrame,
    column: str,
    quantity: Quantity,
    place: dict[str, int],
    dark: bool,
) -> None:
    if rows.empty:
        return
    figure.add_scatter(
        x=rows["cycle_num"],
        y=rows[column] * quantity.factor,
        mode="markers",
        marker={
            "symbol": "circle-open",
            "size": 8,
            "line": {"width": 1.6},
            "color": palette(dark).truth,
        },
        name="Isolated low reading",
        showlegend=False,
        hovertemplate=(
            f"Isolated low reading<br>Cycle %{{x:,d}}<br>%{{y:,.4~r}}{quantity.suffix}"
            "<extra></extra>"
        ),
        **place,
    )
