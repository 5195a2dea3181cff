"""The first questions of a training: data, target, estimate or forecast, algorithms."""

from typing import Any

import streamlit as st

from core.access.actor import CurrentUser
from core.base.database import read_scope
from core.datasets.datasets import DatasetSummary, get_dataset_summary
from core.training.algorithm_choice import Offer, offer_algorithms, refusals
from models.settings.resolving import SPECS_BY_NAME
from ui.datasets.pick import pick_dataset_box
from ui.shared.links import address_id, set_address
from ui.shared.words import counted

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
    wanted, current = address_id("dataset"), None
    if wanted is not None:
        with read_scope() as session:
            current = get_dataset_summary(session, user, wanted)
    chosen = pick_dataset_box(
        user,
        current,
        _described,
        key="training_dataset",
        help="Models are trained, validated and tested on its batteries.",
    )
    if chosen is not None:
        set_address(dataset=chosen.id)
    return chosen


def choose_target(summary: DatasetSummary) -> str:
    """PCL, RUL or BOTH, as far as the dataset has labels."""
    missing = [t for t in ("PCL", "RUL") if summary.schema.origin_of(t) == "none"]
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


def choose_algorithms(target: str, max_horizon: int) -> list[str]:
    """Keys of the ticked algorithms; each becomes a run and a model of its own."""
    st.subheader("Algorithms", anchor=False)
    chosen = []
    for group in offer_algorithms(target, max_horizon):
        with st.container(gap="xxsmall"):
            st.markdown(f"**{group.label}** :gray[{group.help}]")
            with st.container(horizontal=True, gap="medium"):
                chosen += [offer.key for offer in group.offers if _ticked(offer)]
            if reasons := refusals(group.offers):
                st.caption(reasons)
    return chosen


def _ticked(offer: Offer) -> bool:
    """Whether it is chosen; one that can be chosen again starts from its default."""
    state = "unavailable" if offer.refusal else "algorithm"
    ticked = st.checkbox(
        offer.label,
        value=offer.usual,
        key=f"{state}_{offer.key}",
        disabled=offer.refusal is not None,
        help=offer.description,
        width="content",
    )
    return ticked and offer.refusal is None


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
            help="The model forecasts from 1 up to so many cycles ahead.",
        )
        history = st.checkbox(
            SPECS_BY_NAME["use_capacity_history"].label,
            # Without it Trees and Linear lost to the last slope on the secondary Severson cells.
            value=True,
            key="use_capacity_history",
            help="The capacity measured so far is an input, too. Switch it off "
            "where later batteries will come without measured capacities.",
        )
    return {"max_horizon": int(horizon), "use_capacity_history": history}


def _described(summary: DatasetSummary) -> str:
    return " · ".join(
        (
            summary.name,
            counted(summary.n_batteries, "battery", "batteries"),
            counted(summary.n_cycles, "cycle"),
        )
    )
