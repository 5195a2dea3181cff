"""Draws the error of forecasts by horizon, beside the floors."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from core.access.actor import CurrentUser
from core.base.database import read_scope
from core.evaluation.horizons import (
    HORIZON_METRICS,
    MODEL,
    Standing,
    Stretch,
    best_methods,
    compare_with_floors,
    horizon_errors,
)
from core.evaluation.results import TestResult
from ui.evaluation.peers import Drawn, choose_drawn
from ui.evaluation.words import Metric, metric
from ui.shared.figures import error_against_horizon
from ui.shared.frame import is_dark
from ui.shared.numbers import styled_metrics
from ui.shared.theme import PLOTLY_CONFIG, algorithm_label
from ui.shared.words import counted, plain

VIEW = "Horizon"


def horizon_view(user: CurrentUser, result: TestResult, target: str) -> None:
    """Figure, finding and table; for an estimate, why there is none."""
    if not result.info.horizon:
        st.info(
            "This model estimates the measured cycle and does not look ahead, so there is no error "
            "by horizon. Train a forecasting model to see how far ahead it can be trusted.",
            icon=":material/update_disabled:",
        )
        return
    own = _errors(user, [result.info.id], target)
    if own.empty:
        st.info(
            "No error by horizon is stored for this test: none of its unseen batteries has "
            f"{target} labels, or it was made before errors by horizon were recorded. In the "
            "latter case test the model again.",
            icon=":material/update_disabled:",
        )
        return
    left, right = st.columns([1, 4])
    with left:
        item = _choose_metric(target)
    with right:
        drawn = choose_drawn(user, result, target, "horizon")
    errors = _errors(user, [test.info.id for test in drawn], target)
    frame = _lines(errors, drawn, item.key)
    own_name = drawn[0].name
    _say_who_wins(own, item, own_name)
    st.plotly_chart(
        error_against_horizon(
            frame,
            item.quantity.label,
            item.quantity.unit,
            factor=item.quantity.factor,
            subtitle=_over(own),
            dark=is_dark(),
        ),
        theme=None,
        config=PLOTLY_CONFIG,
        key=f"horizon_{result.info.id}_{target}_{item.key}",
        alt=f"{item.quantity.label} against how many cycles ahead is forecast, a line per model "
        "and floor.",
    )
    _table(frame, item)


def _errors(user: CurrentUser, test_ids: Sequence[int], target: str) -> pd.DataFrame:
    with read_scope() as session:
        return horizon_errors(session, user, test_ids, target)


def _choose_metric(target: str) -> Metric:
    items = {key: metric(key, target) for key in HORIZON_METRICS}
    key = st.segmented_control(
        "Error",
        list(items),
        format_func=lambda name: items[name].quantity.short,
        default=HORIZON_METRICS[0],
        required=True,
        key=f"horizon_metric_{target}",
    )
    return items[key or HORIZON_METRICS[0]]


def _lines(errors: pd.DataFrame, drawn: Sequence[Drawn], key: str) -> pd.DataFrame:
    """One line per model, the open one first, then one per floor of the open test."""
    models = errors[errors["method"] == MODEL]
    floors = errors[(errors["method"] != MODEL) & (errors["test_id"] == drawn[0].info.id)]
    parts = [
        models[models["test_id"] == test.info.id].assign(
            name=test.name, algorithm=test.info.algorithm
        )
        for test in drawn
    ]
    parts.append(
        floors.assign(name=floors["method"].map(algorithm_label), algorithm=floors["method"])
    )
    frame = pd.concat(parts, ignore_index=True).rename(columns={key: "value"})
    return frame[["name", "algorithm", "horizon", "value", "n_batteries"]]


def _say_who_wins(own: pd.DataFrame, item: Metric, name: str) -> None:
    standings = compare_with_floors(own, item.key)
    if not standings:
        st.markdown("There is no floor to compare with: none could be fitted on these labels.")
        return
    beaten = "; ".join(_standing_text(standing) for standing in standings)
    lines = [f"**{plain(name)} beats** {beaten}."]
    if len(standings) > 1:
        best = "; ".join(
            f"{_called(part.method, name)} {_reach(part)}" for part in best_methods(own, item.key)
        )
        lines.append(f"**Smallest {item.quantity.short} among these:** {best}.")
    st.markdown("  \n".join(lines))


def _standing_text(standing: Standing) -> str:
    floor = f"*{algorithm_label(standing.floor).lower()}*"
    if not standing.lost:
        return f"{floor} at every horizon tested"
    if not standing.won:
        return f"{floor} at no horizon tested"
    return f"{floor} {' and '.join(_reach(part) for part in standing.won)}"


def _called(method: str, name: str) -> str:
    return plain(name) if method == MODEL else f"*{algorithm_label(method).lower()}*"


def _reach(part: Stretch) -> str:
    if part.first == part.last:
        return f"at {counted(part.first, 'cycle')} ahead"
    return f"from {part.first:,} to {part.last:,} cycles ahead"


def _over(own: pd.DataFrame) -> str:
    """Number of batteries; those shorter than a horizon do not count at it."""
    counts = own[own["method"] == MODEL]["n_batteries"]
    fewest, most = int(counts.min()), int(counts.max())
    batteries = counted(most, "unseen battery", "unseen batteries")
    return f"Over {batteries}" + (f", {fewest:,} at the longest" if fewest < most else "")


def _table(frame: pd.DataFrame, item: Metric) -> None:
    wide = frame.assign(value=frame["value"] * item.quantity.factor).pivot(
        index="horizon", columns="name", values="value"
    )
    wide = wide[list(dict.fromkeys(frame["name"]))]
    best = wide.idxmin(axis=1)
    shown = wide.reset_index()
    shown.insert(1, "best", best.to_numpy())
    column = st.column_config
    st.dataframe(
        styled_metrics(shown, dict.fromkeys(wide.columns, "rmse"), missing="none"),
        hide_index=True,
        height="content",
        placeholder="none",
        alt=f"{item.quantity.label} of each model and floor by horizon.",
        column_config={
            "horizon": column.NumberColumn("Cycles ahead", format="localized"),
            **{
                name: column.NumberColumn(
                    f"{name} ({item.quantity.unit})", help=f"{item.quantity.label}. {item.help}"
                )
                for name in wide.columns
            },
            "best": column.TextColumn("Smallest", help="Which of them errs least."),
        },
    )
    st.caption(
        "Errors over all cycles of the unseen batteries at the tested horizons only. A small lead "
        "may be chance: compare the tests battery by battery to know. Floors: *last value* keeps "
        "the last measured loss, *last slope* follows the line through the last 50 cycles, *mean "
        "curve* repeats the training batteries' average."
    )
