"""The curves of several models for one battery, over each other."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from core.access.actor import CurrentUser
from core.evaluation.comparison import Comparison
from ui.evaluation.reads import curves_of
from ui.evaluation.words import metric
from ui.shared.figures.differences import overlaid_curves
from ui.shared.frame import is_dark
from ui.shared.theme import PLOTLY_CONFIG, TARGET_INFO


def overlay_view(user: CurrentUser, found: Comparison, names: Sequence[str]) -> None:
    """Choice of a common battery, the one that the models disagree about most first."""
    order = _by_disagreement(found)
    code = st.selectbox(
        "Battery",
        list(order.index),
        format_func=lambda code: _label(found, str(code), order[code]),
        key=f"overlaid_{found.target}",
        width=420,
    )
    parts = [
        curves_of(user, test.info.id, found.target, (str(code),)).assign(
            name=name, algorithm=test.info.algorithm
        )
        for test, name in zip(found.tests, names, strict=True)
    ]
    st.plotly_chart(
        overlaid_curves(
            pd.concat(parts, ignore_index=True), found.target, str(code), dark=is_dark()
        ),
        theme=None,
        config=PLOTLY_CONFIG,
        key=f"overlay_{found.target}_{code}",
        alt=f"True and predicted {TARGET_INFO[found.target].label.lower()} of battery {code} by "
        f"{', '.join(names)}.",
    )


def _by_disagreement(found: Comparison) -> pd.Series:
    """Largest error minus smallest of each battery, the largest difference first."""
    errors = found.batteries.groupby("battery_code")[found.metric]
    return (errors.max() - errors.min()).sort_values(ascending=False)


def _label(found: Comparison, code: str, spread: float) -> str:
    item = metric(found.metric, found.target)
    return f"{code} · {item.quantity.short} differs by {item.text(spread)}"
