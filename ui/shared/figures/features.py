"""How lives, features and targets are spread over a dataset."""

from itertools import pairwise

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from ui.shared.figures.canvas import customdata, empty_figure, new_figure
from ui.shared.theme import ROLE_COLOURS, ROLE_LABELS, Quantity, palette, translucent
from ui.shared.words import counted

NO_ROLE = "No split role"
# More points than this beside a box run into a band.
POINTS_PER_BOX = 200
# With more columns the numbers of a correlation run into each other; hovering still shows them.
MOST_NUMBERED = 20


def cycle_life_histogram(frame: pd.DataFrame, dark: bool = False) -> go.Figure:
    """Number of batteries by cycle life, stacked by split role.

    Parameters
    ----------
    frame: one row a battery, `battery_code, cycle_life` (cycles, NaN without one), `group_tag`.
    """
    known = frame.dropna(subset=["cycle_life"])
    if known.empty:
        message = "No battery of this dataset has reached its end of life."
        return empty_figure("Cycle life", message, dark=dark)
    missing = len(frame) - len(known)
    figure = new_figure(
        f"Cycle life of {counted(len(known), 'battery', 'batteries')}",
        subtitle=_life_note(known["cycle_life"], missing),
        dark=dark,
        revision="cycle-life",
        hovermode="x unified",
    )
    edges = _edges(known["cycle_life"])
    for name, colour, rows in _by_role(known, dark):
        _add_bars(figure, rows["cycle_life"], edges, name, colour)
    figure.update_xaxes(
        title_text="Cycle life (cycles)", tickformat=",d", unifiedhovertitle_text=""
    )
    figure.update_yaxes(title_text="Batteries", tickformat=",d", rangemode="tozero")
    figure.update_layout(barmode="stack", bargap=0.04)
    return figure


def feature_boxes(
    frame: pd.DataFrame, label: str, unit: str, *, factor: float = 1.0, dark: bool = False
) -> go.Figure:
    """One feature by split role: a box, and beside it the points, of many a random few.

    Parameters
    ----------
    frame: `value, group_tag, battery_code`; one row a battery or a cycle, in stored units.
    """
    quantity = Quantity(label, label, unit, factor)
    rows = frame.dropna(subset=["value"])
    if rows.empty:
        return empty_figure(label, f"No battery has values of {label}.", dark=dark)
    figure = new_figure(f"{label} by split", dark=dark, revision=f"boxes:{label}")
    for name, colour, members in _by_role(rows, dark):
        members = members.assign(value=members["value"] * factor)
        if len(members) <= POINTS_PER_BOX:
            _add_box(figure, members, quantity, name, colour, points=0.75, outline=True)
            continue
        figure.add_box(
            y=members["value"],
            name=name,
            boxpoints=False,
            line={"color": colour, "width": 1.5},
            fillcolor=translucent(colour, 0.12),
            hoverinfo="skip",
        )
        few = members.sample(POINTS_PER_BOX, random_state=0)
        _add_box(figure, few, quantity, name, colour, points=0.4, outline=False)
    figure.update_xaxes(title_text="Split role")
    figure.update_yaxes(title_text=quantity.axis_title)
    figure.update_layout(showlegend=False)
    return figure


def _add_box(
    figure: go.Figure,
    rows: pd.DataFrame,
    quantity: Quantity,
    name: str,
    colour: str,
    *,
    points: float,
    outline: bool,
) -> None:
    """Points of that opacity beside their box, whose outline may be left out."""
    figure.add_box(
        y=rows["value"],
        name=name,
        customdata=customdata(rows["battery_code"]),
        boxpoints="all",
        pointpos=-1.5,
        jitter=0.5,
        marker={"color": colour, "size": 5, "opacity": points},
        line={"color": colour if outline else translucent(colour, 0), "width": 1.5},
        fillcolor=translucent(colour, 0.12 if outline else 0),
        hoveron="boxes+points" if outline else "points",
        hovertemplate=f"Battery %{{customdata[0]}}<br>%{{y:,.4~r}}{quantity.suffix}<extra></extra>",
    )


def correlation_heatmap(matrix: pd.DataFrame, dark: bool = False) -> go.Figure:
    """Correlation of features and targets, -1 to 1; each cell with its number where they fit.

    Parameters
    ----------
    matrix: square, index and columns the names to show; NaN where undefined.
    """
    title = "Correlation of features and targets"
    if matrix.empty or matrix.isna().all(axis=None):
        return empty_figure(title, "No two columns vary, so nothing correlates.", dark=dark)
    low, middle, high = palette(dark).diverging
    names = [str(name) for name in matrix.columns]
    figure = new_figure(
        title, dark=dark, revision="correlation", height=max(360, 180 + 34 * len(names))
    )
    figure.add_heatmap(
        z=matrix.to_numpy(dtype=float),
        x=names,
        y=[str(name) for name in matrix.index],
        zmin=-1,
        zmax=1,
        colorscale=[[0, low], [0.5, middle], [1, high]],
        texttemplate="%{z:.2f}" if len(names) <= MOST_NUMBERED else None,
        xgap=1,
        ygap=1,
        hoverongaps=False,
        showscale=False,
        hovertemplate="%{y} and %{x}: %{z:.3f}<extra></extra>",
    )
    figure.update_xaxes(title_text="", showgrid=False, tickangle=-45, showline=False, ticks="")
    figure.update_yaxes(
        title_text="", autorange="reversed", showgrid=False, showline=False, ticks=""
    )
    return figure


def _by_role(rows: pd.DataFrame, dark: bool) -> list[tuple[str, str, pd.DataFrame]]:
    roles = rows["group_tag"].where(rows["group_tag"].isin(list(ROLE_LABELS)))
    named = [(ROLE_LABELS[r], ROLE_COLOURS[r], rows[roles == r]) for r in ROLE_LABELS]
    named.append((NO_ROLE, palette(dark).muted, rows[roles.isna()]))
    return [entry for entry in named if not entry[2].empty]


def _life_note(lives: pd.Series, missing: int) -> str:
    note = f"{lives.min():,.0f} to {lives.max():,.0f} cycles, median {lives.median():,.0f}"
    return f"{note}; {missing:,} without end of life" if missing else note


def _edges(lives: pd.Series) -> np.ndarray:
    """Bin edges at round numbers of cycles, about 25 bins over the range."""
    span = max(float(lives.max() - lives.min()), 1.0)
    magnitude = 10 ** np.floor(np.log10(span / 25)) if span > 25 else 1.0
    step = next(magnitude * m for m in (1, 2, 2.5, 5, 10) if span / (magnitude * m) <= 25)
    step = max(float(np.ceil(step)), 1.0)
    first = np.floor(lives.min() / step) * step
    return np.arange(first, lives.max() + 2 * step, step)


def _add_bars(
    figure: go.Figure, lives: pd.Series, edges: np.ndarray, name: str, colour: str
) -> None:
    counts, _ = np.histogram(lives, bins=edges)
    spans = [f"{low:,.0f} to {high:,.0f}" for low, high in pairwise(edges)]
    figure.add_bar(
        x=(edges[:-1] + edges[1:]) / 2,
        y=counts,
        width=np.diff(edges) * 0.96,
        name=name,
        marker={"color": colour, "line": {"width": 0}},
        text=spans,
        textposition="none",
        hovertemplate="%{text} cycles: %{y:,d}",
    )
