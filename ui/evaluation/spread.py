"""Draws the spread of errors over batteries and cycles, and against value and cycle."""

import pandas as pd
import streamlit as st

from core.access.actor import CurrentUser
from core.evaluation.evaluations import UNSEEN
from core.evaluation.results import TestResult
from ui.evaluation.curves import show_battery
from ui.evaluation.reads import boxes_of, points_of
from ui.evaluation.words import metric, metrics_of
from ui.shared.figures import (
    battery_error_box,
    cycle_error_boxes,
    error_against_cycle,
    scatter_true_predicted,
    selected_batteries,
)
from ui.shared.frame import is_dark
from ui.shared.theme import PLOTLY_CONFIG


def distribution_view(user: CurrentUser, result: TestResult, target: str) -> None:
    """A box over batteries of a metric, and a box of cycle errors per battery."""
    items = {item.key: item for item in metrics_of(target)}
    key = st.segmented_control(
        "Metric",
        list(items),
        format_func=lambda name: items[name].quantity.short,
        default="rmse",
        required=True,
        key=f"metric_{target}",
    )
    item = items[key or "rmse"]
    rows = result.batteries[result.batteries["target"] == target]
    frame = pd.DataFrame(
        {
            "battery_code": rows["battery_code"],
            "exposure": rows["exposure"],
            "value": rows.get(item.key),
        }
    ).astype({"value": "float64"})
    figure = battery_error_box(
        frame,
        item.quantity.label,
        item.quantity.unit,
        factor=item.quantity.factor,
        algorithm=result.info.algorithm,
        dark=is_dark(),
    )
    _clickable(figure, f"box_{result.info.id}_{target}_{item.key}", result, target)
    st.caption("Each point is a battery. Choose one to see its curve.")
    boxes = boxes_of(user, result.info.id, target)
    figure = cycle_error_boxes(boxes, target, algorithm=result.info.algorithm, dark=is_dark())
    _clickable(figure, f"cycles_{result.info.id}_{target}", result, target)


def scatter_view(user: CurrentUser, result: TestResult, target: str) -> None:
    """Predicted against true value, and error against cycle number."""
    frame = points_of(user, result.info.id, target)
    known = frame["exposure"] != UNSEEN
    scored = result.batteries[result.batteries["target"] == target]
    if known.any() and not known.all():
        only_unseen = st.toggle(
            "Unseen batteries only",
            value=True,
            key=f"only_unseen_{result.info.id}",
            help="Batteries that the model knew make it look better than it is.",
        )
        frame = frame[~known] if only_unseen else frame
        if only_unseen:
            scored = scored[scored["exposure"] == UNSEEN]
    name = metric("rmse", target).quantity.label.removeprefix("RMSE of ")
    dark, algorithm = is_dark(), result.info.algorithm
    left, right = st.columns(2)
    with left:
        st.plotly_chart(
            scatter_true_predicted(
                frame, target, algorithm, dark=dark, total=int(scored["n"].sum())
            ),
            theme=None,
            config=PLOTLY_CONFIG,
            key=f"scatter_{result.info.id}_{target}",
            alt=f"Predicted against true {name} of all cycles, with the line of equality.",
        )
    with right:
        figure = error_against_cycle(frame, target, algorithm, dark=dark)
        figure.update_layout(height=480)
        st.plotly_chart(
            figure,
            theme=None,
            config=PLOTLY_CONFIG,
            key=f"error_{result.info.id}_{target}",
            alt=f"Error of {name} against cycle number, with the line of no error.",
        )


def _clickable(figure: object, key: str, result: TestResult, target: str) -> None:
    """A chart whose points are batteries; choosing one opens its curve."""

    def open_chosen() -> None:
        codes = selected_batteries(st.session_state[key])
        if codes:
            show_battery(result.info.id, target, codes[0])

    st.plotly_chart(
        figure,
        theme=None,
        config=PLOTLY_CONFIG,
        key=key,
        on_select=open_chosen,
        selection_mode="points",
        alt=f"Spread of the {target} error over batteries.",
    )
