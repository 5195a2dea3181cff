"""One battery predicted twice: by a model that saw its neighbouring cycles, and by one that
saw other batteries only."""

import pandas as pd
import plotly.graph_objects as go

from ui.shared.figures.canvas import new_figure
from ui.shared.theme import TARGET_INFO, palette

WAY_COLOURS = {"rows": "#B28500", "batteries": "#0F6B7C"}
WAY_TITLES = {"rows": "Random rows", "batteries": "Whole batteries"}
WAY_NOTES = {
    "rows": "Neighbouring cycles of this battery were trained on",
    "batteries": "No cycle of this battery was trained on",
}


def battery_both_ways(
    frame: pd.DataFrame, target: str, code: str, way: str, *, dark: bool = False
) -> go.Figure:
    """Predicted against true value of one battery's cycles; both ways share their axes' ranges.

    Parameters
    ----------
    frame: `cycle_num, y_true, rows, batteries` of one target, stored units.
    way: "rows" or "batteries".
    """
    quantity = TARGET_INFO[target]
    known = frame.dropna(subset=["y_true", "rows", "batteries"])
    values = known[["y_true", "rows", "batteries"]] * quantity.factor
    low, high = float(values.to_numpy().min()), float(values.to_numpy().max())
    margin = 0.04 * (high - low or 1.0)
    figure = new_figure(
        f"{WAY_TITLES[way]}: {quantity.short} of battery {code}",
        subtitle=WAY_NOTES[way],
        dark=dark,
        revision=f"row-split:{target}",
        height=360,
    )
    figure.add_scatter(
        x=values["y_true"],
        y=values[way],
        customdata=known[["cycle_num"]].to_numpy(),
        mode="markers",
        marker={"color": WAY_COLOURS[way], "size": 5, "opacity": 0.7},
        showlegend=False,
        hovertemplate=f"Battery {code}<br>cycle %{{customdata[0]:,d}}<br>"
        f"true %{{x:,.4~r}}{quantity.suffix}<br>predicted %{{y:,.4~r}}{quantity.suffix}"
        "<extra></extra>",
    )
    figure.add_scatter(
        x=[low, high],
        y=[low, high],
        mode="lines",
        line={"color": palette(dark).truth, "width": 1.4, "dash": "dash"},
        showlegend=False,
        hoverinfo="skip",
    )
    reach = [low - margin, high + margin]
    unit = f"{quantity.short} ({quantity.unit})"
    figure.update_xaxes(title_text=f"True {unit}", tickformat=",~g", range=reach)
    figure.update_yaxes(title_text=f"Predicted {unit}", tickformat=",~g", range=reach)
    return figure
