"""How the losses fall while a job trains."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from ui.shared.figures.canvas import empty_figure, new_figure
from ui.shared.theme import algorithm_colour, algorithm_label

TITLE = "Training and validation loss"
NOTE = "Validation solid, training dashed"
# Up to here every epoch gets its own tick; Plotly would put ticks between them.
FEW_EPOCHS = 8


def loss_curves(frame: pd.DataFrame, dark: bool = False, *, over: bool = False) -> go.Figure:
    """Loss against epoch on a log axis: training dashed, validation solid, a colour per algorithm.

    Parameters
    ----------
    frame: `algorithm, epoch, train_loss, val_loss`; losses without unit, gaps as NaN.
    over: nothing trains any more, so an empty figure stays empty.
    """
    if frame.empty or frame[["train_loss", "val_loss"]].isna().all(axis=None):
        message = "Stopped before the first epoch." if over else "No epoch has finished yet."
        return empty_figure(TITLE, message, dark=dark, height=360)
    figure = new_figure(
        TITLE, dark=dark, revision="loss", subtitle=NOTE, hovermode="x unified", height=360
    )
    for algorithm, rows in frame.groupby("algorithm", sort=False):
        _add_pair(figure, str(algorithm), rows.sort_values("epoch"))
    few = frame["epoch"].max() <= FEW_EPOCHS
    figure.update_xaxes(
        title_text="Epoch", tickformat=",d", rangemode="tozero", dtick=1 if few else None
    )
    figure.update_yaxes(title_text="Loss (log scale)", type="log", tickformat="~g")
    losses = frame[["train_loss", "val_loss"]].to_numpy(np.float64)
    positive = losses[losses > 0]
    if positive.size and positive.max() > 10 * positive.min():
        # Only 1, 2 and 5 of each decade: with every digit the labels would overlap.
        figure.update_yaxes(dtick="D2")
    return figure


def _add_pair(figure: go.Figure, algorithm: str, rows: pd.DataFrame) -> None:
    label, colour = algorithm_label(algorithm), algorithm_colour(algorithm)
    for column, part, dash in (
        ("train_loss", "training", "dash"),
        ("val_loss", "validation", "solid"),
    ):
        figure.add_scatter(
            x=rows["epoch"],
            y=rows[column].where(rows[column] > 0),
            name=label,
            showlegend=column == "val_loss",
            mode="lines" if len(rows) > 1 else "markers",
            line={"color": colour, "dash": dash, "width": 1.4 if dash == "dash" else 2},
            legendgroup=label,
            hovertemplate=f"%{{y:,.4~r}}<extra>{label}, {part}</extra>",
        )
