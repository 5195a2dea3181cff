"""How far methods differ, with intervals: forests of means and differences, twins as a strip."""

from itertools import cycle

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from ui.shared.figures.canvas import customdata, empty_figure, new_figure, significant
from ui.shared.theme import (
    CYCLE_TITLE,
    TARGET_INFO,
    Quantity,
    algorithm_colour,
    palette,
    translucent,
)
from ui.shared.words import counted

NAME_CHARACTERS = 20
DASHES = ("solid", "dash", "dot", "dashdot")


def mean_forest(frame: pd.DataFrame, quantity: Quantity, *, dark: bool = False) -> go.Figure:
    """Mean error of each method over batteries with its interval, the lowest on top.

    Parameters
    ----------
    frame: `name, algorithm, mean, low, high` in stored units; `low` and `high` are NaN where no
        interval can be stated.
    """
    title = f"{quantity.label}: mean over batteries"
    if frame.empty:
        return empty_figure(title, "No finished test to rank yet.", dark=dark)
    rows = _wrapped(frame.sort_values("mean"))
    figure = new_figure(
        title,
        subtitle="Lowest on top; bars are 95 % intervals over batteries",
        dark=dark,
        revision=f"means:{quantity.label}",
        height=130 + 40 * len(rows),
    )
    _add_ranges(figure, rows, ("low", "high"), 3.0, quantity)
    figure.add_scatter(
        x=rows["mean"] * quantity.factor,
        y=rows["name"],
        mode="markers",
        marker={"color": list(rows["colour"]), "size": 10},
        customdata=_ends(rows, quantity),
        hovertemplate="%{y}<br>%{x:,.4~r}" + f"{quantity.suffix}%{{customdata[0]}}<extra></extra>",
    )
    figure.update_xaxes(title_text=quantity.axis_title, tickformat=",~g")
    return _named_rows(figure, rows["name"])


def difference_forest(
    frame: pd.DataFrame, quantity: Quantity, *, title: str, dark: bool = False
) -> go.Figure:
    """Paired differences with their 95 % intervals, 0 marked.

    Parameters
    ----------
    frame: `name, algorithm, estimate, low, high, differs` in stored units; ends are NaN where an
        interval cannot be stated.
    """
    rows = _wrapped(frame)
    figure = new_figure(
        title,
        subtitle="Left of 0 is better; bars are 95 % intervals over batteries",
        dark=dark,
        revision=f"differences:{quantity.label}:{title}",
        height=150 + 44 * len(rows),
    )
    figure.add_vline(x=0, line={"color": palette(dark).muted, "width": 1.5})
    _add_ranges(figure, rows, ("low", "high"), 5.0, quantity)
    figure.add_scatter(
        x=rows["estimate"] * quantity.factor,
        y=rows["name"],
        mode="markers",
        marker={
            "color": list(rows["colour"]),
            "size": 11,
            "symbol": ["circle" if differs else "circle-open" for differs in rows["differs"]],
            "line": {"width": 2, "color": list(rows["colour"])},
        },
        customdata=_ends(rows, quantity),
        hovertemplate="%{y}<br>%{x:,.4~r}" + f"{quantity.suffix}%{{customdata[0]}}<extra></extra>",
    )
    unit = f" ({quantity.unit})" if quantity.unit else ""
    figure.update_xaxes(title_text=f"Difference{unit}", tickformat=",~g")
    return _named_rows(figure, rows["name"])


def twin_strip(
    frame: pd.DataFrame,
    quantity: Quantity,
    algorithm: str,
    *,
    median: float,
    interval: tuple[float, float] | None,
    dark: bool = False,
) -> go.Figure:
    """Difference of each battery as a point, with the median and its interval.

    Parameters
    ----------
    frame: `battery_code, difference` in stored units; below 0 physics helped.
    """
    colour = algorithm_colour(algorithm)
    figure = new_figure(
        f"{quantity.label} with physics minus without",
        subtitle=f"{counted(len(frame), 'battery', 'batteries')}; left of 0 physics helped",
        dark=dark,
        revision=f"twins:{quantity.label}",
        height=230,
    )
    factor = quantity.factor
    figure.add_vline(x=0, line={"color": palette(dark).muted, "width": 1.5})
    if interval is not None:
        low, high = (end * factor for end in interval)
        figure.add_vrect(x0=low, x1=high, fillcolor=translucent(colour, 0.18), line_width=0)
    figure.add_vline(x=median * factor, line={"color": colour, "width": 2, "dash": "dash"})
    figure.add_scatter(
        x=frame["difference"] * factor,
        # Spread by battery, so that equal differences do not hide each other.
        y=np.random.default_rng(0).uniform(-1, 1, len(frame)),
        mode="markers",
        marker={"color": colour, "size": 8, "opacity": 0.75},
        customdata=customdata(frame["battery_code"]),
        hovertemplate="Battery %{customdata[0]}<br>%{x:,.4~r}"
        + f"{quantity.suffix}<extra></extra>",
    )
    unit = f" ({quantity.unit})" if quantity.unit else ""
    figure.update_xaxes(title_text=f"Difference{unit}", tickformat=",~g")
    figure.update_yaxes(visible=False, range=[-2, 2])
    figure.update_layout(showlegend=False)
    return figure


def overlaid_curves(
    frame: pd.DataFrame, target: str, code: str, *, dark: bool = False
) -> go.Figure:
    """Predictions of several models for one battery, over the truth.

    Parameters
    ----------
    frame: `name, algorithm, cycle_num, y_true` (NaN where unknown), `y_pred` in stored units.
    """
    quantity = TARGET_INFO[target]
    title = f"{quantity.short} of battery {code} by model"
    if frame.empty:
        return empty_figure(title, "None of the models predicted this battery.", dark=dark)
    figure = new_figure(
        title, dark=dark, revision=f"overlay:{target}:{code}", height=460, hovermode="x unified"
    )
    longest = frame.groupby("name", sort=False)["y_true"].count().idxmax()
    truth = frame[frame["name"] == longest].sort_values("cycle_num")
    lines = [("True", truth, "y_true", palette(dark).truth, 2.2, "solid")]
    dashes = {algorithm: cycle(DASHES) for algorithm in frame["algorithm"].unique()}
    for name, rows in frame.groupby("name", sort=False):
        algorithm = str(rows["algorithm"].iloc[0])
        colour, dash = algorithm_colour(algorithm), next(dashes[algorithm])
        lines.append((str(name), rows.sort_values("cycle_num"), "y_pred", colour, 1.6, dash))
    for name, rows, column, colour, width, dash in lines:
        figure.add_scatter(
            x=rows["cycle_num"],
            y=rows[column] * quantity.factor,
            mode="lines",
            line={"color": colour, "width": width, "dash": dash},
            name=name,
            hovertemplate=f"%{{y:,.4~r}}{quantity.suffix}",
        )
    figure.update_xaxes(title_text=CYCLE_TITLE, tickformat=",d")
    figure.update_yaxes(title_text=f"{quantity.short} ({quantity.unit})")
    return figure


def _wrapped(frame: pd.DataFrame) -> pd.DataFrame:
    names = frame["name"].astype(str).str.wrap(NAME_CHARACTERS).str.replace("\n", "<br>")
    return frame.assign(name=names, colour=frame["algorithm"].map(algorithm_colour))


def _add_ranges(
    figure: go.Figure,
    rows: pd.DataFrame,
    columns: tuple[str, str],
    width: float,
    quantity: Quantity,
) -> None:
    """A bar from one column to the other in each row that knows both ends."""
    known = rows[rows[list(columns)].notna().all(axis=1)]
    ends = known[list(columns)].to_numpy(dtype=float) * quantity.factor
    for name, colour, pair in zip(known["name"], known["colour"], ends, strict=True):
        figure.add_scatter(
            x=list(pair),
            y=[name, name],
            # Caps at the ends, which also keep them off the edge of the figure.
            mode="lines+markers",
            line={"color": translucent(str(colour), 0.75), "width": width},
            marker={"symbol": "line-ns", "size": 8, "line": {"width": 1.5, "color": str(colour)}},
            hoverinfo="skip",
        )


def _ends(rows: pd.DataFrame, quantity: Quantity) -> np.ndarray:
    texts = [
        f"<br>95 % interval {significant(low * quantity.factor)} to "
        f"{significant(high * quantity.factor)}{quantity.suffix}"
        if np.isfinite([low, high]).all()
        else "<br>no interval: too few batteries"
        for low, high in zip(rows["low"], rows["high"], strict=True)
    ]
    return np.array(texts, dtype=object)[:, None]


def _named_rows(figure: go.Figure, names: pd.Series) -> go.Figure:
    """Names as a category axis in their order, the first on top."""
    figure.update_yaxes(
        title_text="",
        ticks="",
        showgrid=False,
        categoryorder="array",
        categoryarray=list(names)[::-1],
    )
    figure.update_layout(showlegend=False)
    return figure
