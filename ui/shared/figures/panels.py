"""Small multiples over cycles: a grid of panels with a title at the left of each."""

from collections.abc import Sequence

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from ui.shared.theme import CYCLE_TITLE, palette

TITLE_LINE_PX = 16


def lay_out_panels(
    figure: go.Figure,
    titles: Sequence[str],
    columns: int,
    *,
    linked: bool,
    horizontal_spacing: float = 0.12,
    dark: bool,
) -> None:
    """Give `figure` one pair of axes per title, row by row, below a margin for the top titles.

    `linked` panels share the cycle axis: a zoom in one is a zoom in all. The lowest panel of each
    column names the axis.
    """
    rows = -(-len(titles) // columns)
    cells: list[list[dict[str, str] | None]] = [
        [{} if row * columns + col < len(titles) else None for col in range(columns)]
        for row in range(rows)
    ]
    make_subplots(
        rows=rows,
        cols=columns,
        specs=cells,
        shared_xaxes="all" if linked else False,
        subplot_titles=list(titles),
        vertical_spacing=0.3 / rows,
        horizontal_spacing=horizontal_spacing if columns > 1 else 0.0,
        figure=figure,
    )
    lines = 1 + max(title.count("<br>") for title in titles)
    figure.update_layout(margin_t=figure.layout.margin.t + TITLE_LINE_PX * lines)
    _align_titles(figure, columns, horizontal_spacing, dark)
    figure.update_xaxes(tickformat=",d", nticks=6 if columns == 1 else 4, tickangle=0)
    figure.update_yaxes(tickformat=",~g", nticks=5)
    _name_lowest_axes(figure, len(titles), columns, linked)


def place_of(index: int, columns: int) -> dict[str, int]:
    """Row and column (from 1) of the panel with this index, as `add_*` of a figure takes them."""
    return {"row": index // columns + 1, "col": index % columns + 1}


def _align_titles(figure: go.Figure, columns: int, spacing: float, dark: bool) -> None:
    width = (1 - spacing * (columns - 1)) / columns
    for index, annotation in enumerate(figure.layout.annotations):
        annotation.update(
            x=(index % columns) * (width + spacing),
            xanchor="left",
            align="left",
            font={"size": 12, "color": palette(dark).muted},
        )


def _name_lowest_axes(figure: go.Figure, count: int, columns: int, linked: bool) -> None:
    for index in range(max(0, count - columns), count):
        place = place_of(index, columns)
        figure.update_xaxes(title_text=CYCLE_TITLE, showticklabels=True, **place)
    if linked and count > columns:
        for index in range(count - columns):
            figure.update_xaxes(showticklabels=False, **place_of(index, columns))
