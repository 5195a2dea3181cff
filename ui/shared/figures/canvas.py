"""The blank sheet of every figure: size, title that fits a phone, legend below, empty state."""

from textwrap import wrap
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from ui.shared.theme import palette, template

TITLE_CHARACTERS = 42
SUBTITLE_CHARACTERS = 56
TITLE_LINE_PX = 18
DEFAULT_HEIGHT_PX = 420


def new_figure(
    title: str,
    *,
    dark: bool,
    revision: str,
    subtitle: str = "",
    height: int = DEFAULT_HEIGHT_PX,
    hovermode: str = "closest",
) -> go.Figure:
    """An empty figure with template, wrapped title and room for it.

    `revision` keeps zoom and hidden traces across reruns as long as it stays the same. Drag and
    hover modes are set on the figure because Streamlit overwrites what only a template says.
    """
    heading = _wrapped(title, TITLE_CHARACTERS)
    note = _wrapped(subtitle, SUBTITLE_CHARACTERS)
    lines = len(heading) + len(note)
    figure = go.Figure()
    figure.update_layout(
        template=template(dark),
        title=_title(heading, note, palette(dark).muted),
        height=height,
        margin={"l": 12, "r": 16, "t": 20 + TITLE_LINE_PX * lines, "b": 12},
        legend=_legend_below(),
        hovermode=hovermode,
        dragmode="zoom",
        uirevision=revision,
    )
    return figure


def empty_figure(title: str, message: str, *, dark: bool, height: int = 260) -> go.Figure:
    """A figure without axes that says in plain words why there is nothing to draw."""
    figure = new_figure(title, dark=dark, revision="empty", height=height)
    figure.add_annotation(
        text="<br>".join(_wrapped(message, TITLE_CHARACTERS)),
        xref="paper",
        yref="paper",
        x=0.5,
        y=0.5,
        showarrow=False,
        font={"size": 14, "color": palette(dark).muted},
    )
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False)
    return figure


def customdata(*columns: pd.Series) -> np.ndarray:
    """Columns side by side, one row a point, the battery code first: shape (points, columns)."""
    return np.column_stack([column.to_numpy(dtype=object) for column in columns])


def thousands(count: float) -> str:
    """An integer as readers expect it: 99,281."""
    return f"{count:,.0f}"


def significant(value: float) -> str:
    """A number to four significant digits without exponents: 0.0123, 91.12, 17,161."""
    return thousands(value) if abs(value) >= 1000 else f"{value:.4g}"


def _wrapped(text: str, width: int) -> list[str]:
    return wrap(text, width, break_on_hyphens=False) if text else []


def _title(heading: list[str], note: list[str], note_colour: str) -> dict[str, Any]:
    small = f"<span style='font-size:12px;font-weight:400;color:{note_colour}'>{{}}</span>"
    lines = [*heading, *(small.format(line) for line in note)]
    return {
        "text": "<br>".join(lines),
        "x": 0,
        "xref": "container",
        "xanchor": "left",
        "y": 1,
        "yref": "container",
        "yanchor": "top",
        # Plotly centres several lines on where one would be.
        "pad": {"l": 12, "t": 10 + TITLE_LINE_PX * (len(lines) - 1) / 2},
    }


def _legend_below() -> dict[str, Any]:
    return {
        "orientation": "h",
        "x": 0,
        "xref": "container",
        "xanchor": "left",
        "y": 0,
        "yref": "container",
        "yanchor": "bottom",
    }
