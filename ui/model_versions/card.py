"""Draws a model card: errors with intervals, floors, worst batteries, limits, data."""

import pandas as pd
import streamlit as st

from core.access.actor import CurrentUser
from core.base.database import read_scope
from core.measures.bootstrap import Interval
from core.model_versions.card import CardNumber, ModelCard, model_card
from core.model_versions.card_text import coverage_line
from core.model_versions.versions import ModelInfo
from ui.shared.links import link
from ui.shared.numbers import fixed_digits
from ui.shared.theme import ROLE_LABELS, Quantity, algorithm_label, metric_quantity
from ui.shared.words import counted, plain


def card_view(user: CurrentUser, model: ModelInfo) -> None:
    """Draw the card of a model."""
    with st.spinner("Reading the card"), read_scope() as session:
        card = model_card(session, user, model.id)
    st.markdown(plain(card.algorithm))
    left, right = st.columns([3, 2], gap="large")
    with left:
        _numbers(card)
        _floors(card)
        for target, found in card.coverage.items():
            st.caption(plain(f"Intervals, {coverage_line(target, found)}."))
        _worst(card)
    with right:
        _lines("Known limits", card.limits)
        _lines("Where it applies", card.applicability)
        _data(card)
    st.caption("The download of this model holds this card as MODEL_CARD.md beside the weights.")


def _numbers(card: ModelCard) -> None:
    st.subheader("How well it does", anchor=False)
    if not card.numbers:
        st.caption("None of its validation and test batteries has labels.")
        return
    st.dataframe(
        pd.DataFrame([_number(item) for item in card.numbers]),
        hide_index=True,
        alt="Errors of the model with 95 % intervals over batteries.",
        column_config={
            "95 % interval": st.column_config.TextColumn(
                help="From resampling the batteries: how the error would be on other such "
                "batteries. Not stated for fewer than six."
            )
        },
    )


def _number(item: CardNumber) -> dict[str, object]:
    quantity = metric_quantity(item.metric, item.target)
    return {
        "Error": quantity.label,
        "Batteries": f"{item.n_batteries} {ROLE_LABELS[item.role].lower()}",
        "Value": _with_unit(item.value, quantity),
        "95 % interval": _range(item.interval, quantity),
        "Cycles": f"{item.n_cycles:,}",
    }


def _floors(card: ModelCard) -> None:
    st.subheader("Against the floors", anchor=False)
    if not card.floors:
        st.caption(
            "Not known: no floor was kept with this model. The leaderboard compares it with floors "
            "that were tested."
        )
        return
    rows = []
    for item in card.floors:
        quantity = metric_quantity("rmse", item.target)
        rows.append(
            {
                "Floor": algorithm_label(item.floor),
                "Error": f"{quantity.label}, {ROLE_LABELS[item.role].lower()}",
                "Of the floor": _with_unit(item.floor_rmse, quantity),
                "Of this model": _with_unit(item.model_rmse, quantity),
                "Beaten": "yes" if item.is_beaten else "no",
            }
        )
    st.dataframe(pd.DataFrame(rows), hide_index=True, alt="Floors beside the model.")
    if not all(item.is_beaten for item in card.floors):
        st.warning("It does not beat every floor.", icon=":material/vertical_align_bottom:")


def _worst(card: ModelCard) -> None:
    if not card.worst:
        return
    st.subheader("Worst batteries", anchor=False)
    with st.container(horizontal=True):
        for item in card.worst:
            quantity = metric_quantity("rmse", item.target)
            label = f"{item.code}: {item.target} RMSE {_with_unit(item.rmse, quantity)}"
            if item.test_id is not None:
                address = {"test": item.test_id, "battery": item.code, "target": item.target}
                link(label, "results", icon=":material/show_chart:", **address)
            else:
                address = {"dataset": card.model.dataset_id, "battery": item.code}
                link(label, "explore", icon=":material/show_chart:", **address)


def _lines(title: str, lines: tuple[str, ...]) -> None:
    st.subheader(title, anchor=False)
    st.markdown("\n".join(f"- {plain(line)}" for line in lines))


def _data(card: ModelCard) -> None:
    st.subheader("Made from", anchor=False)
    config = card.model.config
    roles = ", ".join(
        f"{len(codes)} {ROLE_LABELS[role].lower()}" for role, codes in card.roles.items()
    )
    features = ", ".join(f"{name} ({unit})" if unit else name for name, unit in card.features)
    lines = (
        f"{card.dataset.name}: {counted(card.dataset.n_batteries, 'battery', 'batteries')}, "
        f"{counted(card.dataset.n_cycles, 'cycle')}; fingerprint "
        f"{config.dataset_fingerprint or 'not kept'}",
        f"Split by battery: {roles}",
        f"Features: {features or 'none'}",
        f"FadeBench {config.made_by}",
    )
    st.markdown("\n".join(f"- {plain(line)}" for line in lines))
    with st.expander("Batteries by role"):
        for role, codes in card.roles.items():
            st.caption(plain(f"{ROLE_LABELS[role]}: {', '.join(codes) or 'none'}"))


def _with_unit(value: float, quantity: Quantity) -> str:
    return f"{fixed_digits(value * quantity.factor)}{quantity.suffix}"


def _range(interval: Interval | None, quantity: Quantity) -> str:
    if interval is None:
        return "not stated"
    low, high = (fixed_digits(end * quantity.factor) for end in (interval.low, interval.high))
    return f"{low} to {high}{quantity.suffix}"
