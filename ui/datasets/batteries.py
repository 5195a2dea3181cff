"""The batteries of a dataset, and the editor of their split roles."""

import pandas as pd
import streamlit as st

from core.access.actor import CurrentUser
from core.base.database import session_scope
from core.datasets.datasets import DatasetDetail, set_split
from core.ingest.splits import propose_split
from ui.datasets.list import opening_table
from ui.datasets.words import NO_ROLE, role_label, role_of_label
from ui.shared.frame import shown_errors
from ui.shared.links import go
from ui.shared.theme import ROLE_LABELS

PROPOSALS = 5
LABELS = {
    "battery_code": "Battery",
    "total_cycles": "Cycles",
    "cycle_life": "Cycle life (cycles)",
    "first_capacity_ah": "First capacity (Ah)",
    "last_capacity_ah": "Last capacity (Ah)",
    "last_soh": "Last SOH (%)",
    "nominal_capacity": "Nominal (Ah)",
    "role": "Split role",
}


def battery_table(detail: DatasetDetail) -> None:
    """Every battery with cycles, life and capacities; choosing a row opens it in Explore."""
    frame = _battery_frame(detail.batteries)
    number = st.column_config.NumberColumn
    row = opening_table(
        frame,
        f"batteries_{detail.summary.id}",
        height=min(560, 38 + 35 * len(frame)),
        placeholder="not reached",
        alt="Batteries with cycles, cycle life, capacities and split role.",
        column_config={
            LABELS["total_cycles"]: number(format="localized"),
            LABELS["cycle_life"]: number(
                format="localized",
                help="Number of the cycle at end of life; a battery that never gets there has none",
            ),
            LABELS["first_capacity_ah"]: number(format="%.4g"),
            LABELS["last_capacity_ah"]: number(format="%.4g"),
            LABELS["last_soh"]: number(format="%.1f", help="Last capacity over nominal capacity"),
            LABELS["nominal_capacity"]: number(format="%.4g"),
        },
    )
    st.caption("Choose a row to see the battery with all its features.")
    if row is not None:
        go("explore", dataset=detail.summary.id, battery=detail.batteries["battery_code"].iloc[row])


def _battery_frame(batteries: pd.DataFrame) -> pd.DataFrame:
    """The table as readers see it; columns without any value are left out."""
    frame = batteries.assign(
        last_soh=100.0 * batteries["last_capacity_ah"] / batteries["nominal_capacity"],
        role=batteries["group_tag"].map(role_label),
    )
    return frame[list(LABELS)].dropna(axis=1, how="all").rename(columns=LABELS)


def split_editor(user: CurrentUser, detail: DatasetDetail) -> None:
    """Draw the roles of the batteries; only the owner can change them."""
    st.markdown(
        "Models are fitted on **Train**, stopped and tuned by **Validation** and reported on "
        "**Test**. New trainings start from this split; earlier ones keep theirs."
    )
    summary = detail.summary
    if summary.is_builtin:
        st.info("Built-in datasets are the same for everybody, so their split cannot be changed.")
        st.dataframe(_role_frame(detail.batteries, {}), hide_index=True)
        return
    turn = st.session_state.setdefault(f"{_draft_key(summary.id)}_turn", 0)
    if st.button("Propose a split", icon=":material/shuffle:", help="60 % / 20 % / 20 %, by life"):
        _propose(detail, turn)
    editor_key = f"split_{summary.id}_{turn}"
    edited = st.data_editor(
        _role_frame(detail.batteries, _first_roles(summary.id, editor_key)),
        hide_index=True,
        height=min(460, 38 + 35 * len(detail.batteries)),
        key=editor_key,
        disabled=["Battery", "Cycles", "Cycle life (cycles)"],
        placeholder="not reached",
        alt="Batteries and their split roles; the role can be changed.",
        column_config={
            "Split role": st.column_config.SelectboxColumn(
                options=[*ROLE_LABELS.values(), NO_ROLE], required=True
            )
        },
    )
    _save_split(user, detail, edited)


def _save_split(user: CurrentUser, detail: DatasetDetail, edited: pd.DataFrame) -> None:
    roles = {
        str(code): role_of_label(label)
        for code, label in zip(edited["Battery"], edited["Split role"], strict=True)
    }
    stored = dict(zip(detail.batteries["battery_code"], detail.batteries["group_tag"], strict=True))
    changed = {
        code: role for code, role in roles.items() if role_label(stored[code]) != role_label(role)
    }
    st.session_state[_draft_key(detail.summary.id)] = changed
    counts = edited["Split role"].value_counts()
    words = [
        f"{counts.get(label, 0)} {label.lower()}" for label in (*ROLE_LABELS.values(), NO_ROLE)
    ]
    with st.container(horizontal=True, vertical_alignment="center"):
        pressed = st.button("Save split", type="primary", disabled=not changed)
        st.caption(f"{' · '.join(words)} · {len(changed)} changed")
    if not pressed:
        return
    with shown_errors():
        with session_scope() as session:
            set_split(session, user, detail.summary.id, changed)
        _forget_draft(detail.summary.id)
        st.toast("Split saved.", icon=":material/check:")
        st.rerun()


def _first_roles(dataset_id: int, editor_key: str) -> dict[str, str | None]:
    """Roles that the editor starts from, with changes not saved when it was last shown.

    They stay the same while the editor is shown, because its edits are relative to them.
    """
    key = f"{_draft_key(dataset_id)}_start"
    if editor_key not in st.session_state:
        st.session_state[key] = dict(st.session_state.get(_draft_key(dataset_id), {}))
    roles: dict[str, str | None] = st.session_state.get(key, {})
    return roles


def _role_frame(batteries: pd.DataFrame, draft: dict[str, str | None]) -> pd.DataFrame:
    roles = [
        draft.get(code, tag)
        for code, tag in zip(batteries["battery_code"], batteries["group_tag"], strict=True)
    ]
    return pd.DataFrame(
        {
            "Battery": batteries["battery_code"],
            "Split role": [role_label(role) for role in roles],
            "Cycles": batteries["total_cycles"],
            "Cycle life (cycles)": batteries["cycle_life"],
        }
    )


def _propose(detail: DatasetDetail, turn: int) -> None:
    key = _draft_key(detail.summary.id)
    stored = dict(zip(detail.batteries["battery_code"], detail.batteries["group_tag"], strict=True))
    seeds = range(turn + 1, turn + 1 + PROPOSALS)
    proposals = [propose_split(detail.batteries, seed=seed) for seed in seeds]
    # With few batteries there may be no other split than the stored one.
    st.session_state[key] = next((p for p in proposals if p != stored), proposals[0])
    # Another key makes the editor start from the proposal.
    st.session_state[f"{key}_turn"] = turn + 1
    st.rerun()


def _forget_draft(dataset_id: int) -> None:
    key = _draft_key(dataset_id)
    st.session_state[key] = {}
    st.session_state[f"{key}_turn"] += 1


def _draft_key(dataset_id: int) -> str:
    return f"split_draft_{dataset_id}"
