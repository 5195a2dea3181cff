"""Draws the distributions of cycle lives, features and targets of a dataset."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from core.access.actor import CurrentUser
from core.datasets.datasets import DatasetSummary
from core.datasets.explore import Quantity
from ui.datasets.explore_fleet import QUANTITY, quantity_label
from ui.datasets.reads import correlations_of, values_of
from ui.shared.figures import correlation_heatmap, cycle_life_histogram, feature_boxes
from ui.shared.frame import is_dark
from ui.shared.theme import PLOTLY_CONFIG


def lives_view(summary: DatasetSummary, batteries: pd.DataFrame) -> None:
    """Draw how many batteries live how long."""
    frame = batteries.astype({"cycle_life": "float64"})
    st.plotly_chart(
        cycle_life_histogram(frame, dark=is_dark()),
        theme=None,
        config=PLOTLY_CONFIG,
        key=f"lives_{summary.id}",
        alt=f"Number of batteries of {summary.name} by cycle life.",
    )


def boxes_view(
    user: CurrentUser,
    summary: DatasetSummary,
    quantities: Sequence[Quantity],
    batteries: pd.DataFrame,
) -> None:
    """Draw one quantity by split role; one point a cycle, thinned evenly."""
    by_label = {quantity_label(quantity): quantity for quantity in quantities}
    label = st.selectbox("Quantity", list(by_label), key=QUANTITY, bind="query-params", width=320)
    quantity = by_label[label]
    roles = batteries.set_index("battery_code")["group_tag"]
    frame = values_of(user, summary, quantity.column)
    frame["group_tag"] = frame["battery_code"].map(roles)
    st.plotly_chart(
        feature_boxes(frame, quantity.label, quantity.unit, factor=quantity.factor, dark=is_dark()),
        theme=None,
        config=PLOTLY_CONFIG,
        key=f"boxes_{summary.id}_{quantity.column}",
        alt=f"{quantity.label} of {summary.name} by split role.",
    )
    st.caption("The box holds every cycle; of many cycles only a sample is drawn as points.")


def correlation_view(user: CurrentUser, summary: DatasetSummary) -> None:
    """Draw the rank correlation of features and targets."""
    st.plotly_chart(
        correlation_heatmap(correlations_of(user, summary), dark=is_dark()),
        theme=None,
        config=PLOTLY_CONFIG,
        key=f"correlation_{summary.id}",
        alt=f"Rank correlation of features and targets of {summary.name}.",
    )
    st.caption(
        "Spearman rank correlation over all cycles: 1 means that both rise together, -1 that one "
        "falls as the other rises."
    )
