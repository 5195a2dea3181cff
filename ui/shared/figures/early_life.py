"""Cycle life from early cycles: predicted against true, errors of the models, weights."""

from collections.abc import Mapping

import pandas as pd
import plotly.graph_objects as go

from ui.shared.figures.canvas import customdata, empty_figure, new_figure, significant
from ui.shared.theme import FLOOR_COLOUR, ROLE_COLOURS, palette

GROUP_COLOURS = {
    "train": ROLE_COLOURS["train"],
    "primary": ROLE_COLOURS["val"],
    "secondary": ROLE_COLOURS["test"],
}
GROUP_SYMBOLS = {"train": "circle-open", "primary": "diamond", "secondary": "square"}
MODEL_COLOUR = "#0F6B7C"
MOST_WEIGHTS = 12
NAME_CHARACTERS = 40


def life_scatter(
    frame: pd.DataFrame, label: str, group_labels: Mapping[str, str], *, dark: bool = False
) -> go.Figure:
    """Predicted against true cycle life, a point per battery, with the line of equality.

    Parameters
    ----------
    frame: `battery, group, cycle_life, predicted` (cycles).
    """
    title = f"{label}: predicted against true cycle life"
    if frame.empty:
        return empty_figure(title, "No battery to show.", dark=dark)
    figure = new_figure(
        title,
        subtitle="One point per battery; dashed: prediction equals truth",
        dark=dark,
        revision="life-scatter",
        height=430,
    )
    for group, name in group_labels.items():
        rows = frame[frame["group"] == group]
        if rows.empty:
            continue
        figure.add_scatter(
            x=rows["cycle_life"],
            y=rows["predicted"],
            customdata=customdata(rows["battery"]),
            mode="markers",
            marker={
                "color": GROUP_COLOURS[group],
                "symbol": GROUP_SYMBOLS[group],
                "size": 8,
                "opacity": 0.85,
            },
            name=f"{name} ({len(rows)})",
            hovertemplate="Battery %{customdata[0]}<br>true %{x:,.0f} cycles<br>"
            f"predicted %{{y:,.0f}} cycles<extra>{name}</extra>",
        )
    both = pd.concat([frame["cycle_life"], frame["predicted"]])
    _add_identity(figure, float(both.min()), float(both.max()), dark)
    figure.update_xaxes(title_text="True cycle life (cycles)", tickformat=",d")
    figure.update_yaxes(title_text="Predicted cycle life (cycles)", tickformat=",d")
    return figure


def model_errors(
    scores: pd.DataFrame,
    group_label: str,
    *,
    published: float | None = None,
    dark: bool = False,
) -> go.Figure:
    """RMSE of each model on one group with its interval, the best on top, the floor in grey.

    Parameters
    ----------
    scores: `label, is_floor, rmse, rmse_low, rmse_high` (cycles; no interval where empty).
    published: RMSE in cycles to draw as a reference line.
    """
    rows = scores.sort_values("rmse", ascending=False).astype(
        {"rmse_low": "float64", "rmse_high": "float64"}
    )
    figure = new_figure(
        f"{group_label}: error of predicted life",
        subtitle="Bars: 95 % interval over batteries; lower is better",
        dark=dark,
        revision=f"life-errors:{group_label}",
        height=130 + 46 * len(rows),
    )
    figure.add_scatter(
        x=rows["rmse"],
        y=rows["label"],
        mode="markers",
        marker={
            "color": [FLOOR_COLOUR if floor else MODEL_COLOUR for floor in rows["is_floor"]],
            "size": 10,
        },
        error_x={
            "type": "data",
            "symmetric": False,
            "array": (rows["rmse_high"] - rows["rmse"]).fillna(0.0),
            "arrayminus": (rows["rmse"] - rows["rmse_low"]).fillna(0.0),
            "color": palette(dark).muted,
            "thickness": 1.6,
            "width": 4,
        },
        hovertemplate="%{y}<br>RMSE %{x:,.1f} cycles<extra></extra>",
        showlegend=False,
    )
    ends = rows["rmse_high"].fillna(rows["rmse"])
    figure.add_scatter(
        x=ends,
        y=rows["label"],
        mode="text",
        text=[f"  {significant(round(value, 1))}" for value in rows["rmse"]],
        textposition="middle right",
        showlegend=False,
        hoverinfo="skip",
    )
    if published is not None:
        figure.add_vline(
            x=published,
            line={"color": palette(dark).truth, "width": 1.4, "dash": "dash"},
            annotation={
                "text": f"published best {published:.0f}",
                "font": {"size": 11, "color": palette(dark).muted},
            },
            annotation_position="bottom right",
        )
    reach = 1.3 * max(float(ends.max()), published or 0.0)
    figure.update_xaxes(title_text="RMSE (cycles)", tickformat=",d", range=[0, reach])
    figure.update_yaxes(ticks="", range=[-0.7, len(rows) - 0.4])
    return figure


def feature_weights(weights: pd.DataFrame, label: str, *, dark: bool = False) -> go.Figure:
    """Change of the predicted life for one standard deviation more of each feature.

    Parameters
    ----------
    weights: `feature, effect_percent` of one model.
    """
    size = weights["effect_percent"].abs()
    rows = weights.loc[size.sort_values().index].tail(MOST_WEIGHTS)
    shown = "" if len(rows) == len(weights) else f"; the {len(rows)} largest of {len(weights)}"
    title = f"{label}: what moves the predicted life"
    if rows.empty:
        return empty_figure(title, "This model uses no feature.", dark=dark)
    figure = new_figure(
        title,
        subtitle=f"For one standard deviation more of the feature{shown}",
        dark=dark,
        revision=f"life-weights:{label}",
        height=190 + 30 * len(rows),
    )
    figure.add_bar(
        x=rows["effect_percent"],
        y=[_short(name) for name in rows["feature"]],
        customdata=customdata(rows["feature"]),
        orientation="h",
        marker={"color": MODEL_COLOUR, "line": {"width": 0}},
        hovertemplate="%{customdata[0]}<br>%{x:+.1f} % predicted life<extra></extra>",
    )
    figure.update_xaxes(title_text="Change of predicted cycle life (%)", tickformat="+~g")
    figure.update_yaxes(ticks="", type="category")
    figure.update_layout(showlegend=False, bargap=0.35)
    return figure


def _short(name: str) -> str:
    return name if len(name) <= NAME_CHARACTERS else f"{name[: NAME_CHARACTERS - 1]}…"


def _add_identity(figure: go.Figure, low: float, high: float, dark: bool) -> None:
    figure.add_scatter(
        x=[low, high],
        y=[low, high],
        mode="lines",
        line={"color": palette(dark).truth, "width": 1.4, "dash": "dash"},
        showlegend=False,
        hoverinfo="skip",
    )
