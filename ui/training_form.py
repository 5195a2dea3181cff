"""The first questions of a training: data, target, algorithms, estimate or forecast."""

from typing import Any

import streamlit as st

from core.database import read_scope
from core.datasets import DatasetSummary, list_datasets
from core.errors import NotFound
from core.users import CurrentUser
from models.config import ALGORITHMS
from models.specs import SPECS_BY_NAME
from ui.links import address_id, set_address

TARGETS = {
    "BOTH": ("Both", "One model for PCL and RUL"),
    "PCL": ("Capacity loss (PCL)", "Share of capacity lost, in %"),
    "RUL": ("Remaining life (RUL)", "Cycles to the end of life"),
}
KINDS = {
    "Estimate": "The state at the measured cycle",
    "Forecast": "The state some cycles ahead",
}
USUAL_HORIZON_CYCLES = 50


def choose_dataset(user: CurrentUser) -> DatasetSummary | None:
    """The dataset of the address, or the first; None where there is none.

    Raises NotFound if the address names one that the user cannot see.
    """
    with read_scope() as session:
        found = {summary.id: summary for summary in list_datasets(session, user)}
    if not found:
        return None
    wanted = address_id("dataset")
    if wanted is not None and wanted not in found:
        raise NotFound("dataset")
    ids = list(found)
    chosen = st.selectbox(
        "Dataset",
        ids,
        index=ids.index(wanted) if wanted in found else 0,
        format_func=lambda dataset_id: _described(found[dataset_id]),
        key="training_dataset",
        help="Its batteries are trained, validated and tested on.",
    )
    set_address(dataset=chosen)
    return found[chosen]


def choose_target(summary: DatasetSummary) -> str:
    """PCL, RUL or BOTH, as far as the dataset has labels."""
    labels = summary.schema.get("labels", {})
    missing = [t for t in ("PCL", "RUL") if labels.get(t, {}).get("origin") == "none"]
    options = [name for name in TARGETS if name not in missing and not (name == "BOTH" and missing)]
    options = options or list(TARGETS)
    target: str = st.radio(
        "Target",
        options,
        horizontal=True,
        format_func=lambda name: TARGETS[name][0],
        captions=[TARGETS[name][1] for name in options],
        key=f"target_{'_'.join(options)}",
    )
    if missing:
        st.caption(f"This dataset has no {' and no '.join(missing)} labels.")
    return target


def choose_algorithms() -> list[str]:
    """Keys of the ticked algorithms; each becomes a run and a model of its own."""
    st.markdown("Algorithms")
    chosen = []
    for column, info in zip(st.columns(len(ALGORITHMS)), ALGORITHMS.values(), strict=True):
        with column, st.container(gap="xxsmall"):
            if st.checkbox(info.label, value=True, key=f"algorithm_{info.key}"):
                chosen.append(info.key)
            st.caption(info.description)
    return chosen


def choose_kind() -> dict[str, Any]:
    """Settings that make the models estimators (none) or forecasters."""
    kind = st.radio(
        "What the models answer",
        list(KINDS),
        horizontal=True,
        captions=list(KINDS.values()),
        key="kind",
    )
    if kind == "Estimate":
        return {}
    spec = SPECS_BY_NAME["max_horizon"]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        horizon = st.number_input(
            f"{spec.label} ({spec.unit})",
            min_value=1,
            max_value=int(spec.maximum or 1),
            value=USUAL_HORIZON_CYCLES,
            key="max_horizon",
            width=240,
            help="The model is trained to look from 1 up to this many cycles ahead.",
        )
        history = st.checkbox(
            SPECS_BY_NAME["use_capacity_history"].label,
            key="use_capacity_history",
            help="The capacity measured up to the present cycle is an input too.",
        )
    return {"max_horizon": int(horizon), "use_capacity_history": history}


def _described(summary: DatasetSummary) -> str:
    return f"{summary.name} · {summary.n_batteries} batteries · {summary.n_cycles:,} cycles"
