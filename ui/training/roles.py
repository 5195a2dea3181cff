"""The choice of each battery's role in a training."""

from collections import Counter

import pandas as pd
import streamlit as st

from core.datasets.datasets import LoadedDataset
from core.ingest.splits import propose_split
from ui.shared.theme import ROLE_LABELS

UNUSED = "Not used"
ROLE_MEANINGS = {
    "train": "fitted on",
    "val": "decides when to stop",
    "test": "reported, used for nothing",
}
DATASET_SPLIT, PROPOSED_SPLIT = "The dataset's split", "A proposed split"


def choose_roles(dataset: LoadedDataset) -> dict[str, str]:
    """Draw counts and editor; returns the role (train, val, test) by battery code."""
    batteries, dataset_id = dataset.batteries, dataset.summary.id
    summary = st.container()
    with st.expander("Change the role of single batteries", icon=":material/tune:"):
        roles = _edited(batteries, dataset_id, _starting_roles(batteries, dataset_id))
    with summary:
        _summarise(roles, len(batteries))
    return roles


def _starting_roles(batteries: pd.DataFrame, dataset_id: int) -> dict[str, str]:
    tagged = batteries[batteries["group_tag"].isin(ROLE_LABELS)]
    stored = dict(zip(tagged["battery_code"], tagged["group_tag"], strict=True))
    options = [DATASET_SPLIT, PROPOSED_SPLIT] if stored else [PROPOSED_SPLIT]
    origin = st.radio(
        "Start from",
        options,
        horizontal=True,
        key=f"roles_from_{dataset_id}",
        help="A proposed split gives 60 % of the batteries to training and 20 % each to "
        "validation and test, so that each has short and long lives.",
    )
    return stored if origin == DATASET_SPLIT else propose_split(batteries)


def _edited(batteries: pd.DataFrame, dataset_id: int, start: dict[str, str]) -> dict[str, str]:
    """The table with a role to choose for each battery."""
    frame = pd.DataFrame(
        {
            "battery": batteries["battery_code"],
            "role": [ROLE_LABELS.get(start.get(c, ""), UNUSED) for c in batteries["battery_code"]],
            "cycles": batteries["total_cycles"],
            "life": batteries["cycle_life"],
        }
    )
    edited = st.data_editor(
        frame,
        hide_index=True,
        height=280,
        disabled=["battery", "cycles", "life"],
        # Another start is another table: edits of the old one must not be laid over it.
        key=f"roles_{dataset_id}_{hash(tuple(sorted(start.items())))}",
        alt="Role of each battery in this training",
        column_config={
            "battery": st.column_config.TextColumn("Battery"),
            "role": st.column_config.SelectboxColumn(
                "Role", options=[*ROLE_LABELS.values(), UNUSED], required=True
            ),
            "cycles": st.column_config.NumberColumn("Recorded cycles", format="localized"),
            "life": st.column_config.NumberColumn(
                "Cycle life (cycles)",
                format="localized",
                help="Empty where the battery never reached its end of life.",
            ),
        },
    )
    keys = {label: role for role, label in ROLE_LABELS.items()}
    return {
        code: keys[label]
        for code, label in zip(edited["battery"], edited["role"], strict=True)
        if label in keys
    }


def _summarise(roles: dict[str, str], n_batteries: int) -> None:
    counts = Counter(roles.values())
    parts = [
        f"**{counts[role]}** {label.lower()} ({ROLE_MEANINGS[role]})"
        for role, label in ROLE_LABELS.items()
    ]
    if unused := n_batteries - len(roles):
        parts.append(f"**{unused}** not used")
    st.markdown(" · ".join(parts))
