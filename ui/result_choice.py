"""The choice of batteries for a test: a preset, then single batteries."""

import pandas as pd
import streamlit as st

from core.database import read_scope
from core.datasets import list_batteries
from core.registry import ModelInfo
from core.testing import UNSEEN, default_batteries, exposures
from core.users import CurrentUser
from ui.result_words import battery_label
from ui.theme import EXPOSURE_LABELS
from ui.words import counted

DEFAULT, ALL_UNSEEN, ALL = "Test batteries", "All unseen", "All"


def choose_batteries(user: CurrentUser, model: ModelInfo, dataset_id: int) -> list[str]:
    """Codes of the chosen batteries; says how many of them the model knew."""
    with read_scope() as session:
        frame = list_batteries(session, user, dataset_id)
        by_id = exposures(session, user, model, dataset_id)
        default = default_batteries(session, user, model, dataset_id, by_id)
    exposure = {
        str(code): by_id[battery_id]
        for code, battery_id in zip(frame["battery_code"], frame["battery_id"], strict=True)
    }
    presets = _presets(frame, exposure, default)
    preset = st.radio(
        "Start from",
        list(presets),
        captions=[counted(len(codes), "battery", "batteries") for codes in presets.values()],
        horizontal=True,
        key=f"preset_{model.id}_{dataset_id}",
        help="Test batteries are those with the role Test in the dataset's split that the model "
        "never saw.",
    )
    summary = st.container()
    with st.expander("Choose single batteries", icon=":material/tune:"):
        chosen: list[str] = st.multiselect(
            "Batteries",
            list(exposure),
            default=presets[preset],
            format_func=lambda code: battery_label(code, exposure[code]),
            key=f"tested_{model.id}_{dataset_id}_{preset}",
            help="Batteries that the model knew are marked.",
        )
    with summary:
        _summarise([exposure[code] for code in chosen])
    return chosen


def _presets(
    frame: pd.DataFrame, exposure: dict[str, str], default: list[str]
) -> dict[str, list[str]]:
    """Codes by the name of the preset, the default first; empty and repeated ones left out."""
    everything = list(exposure)
    unseen = [code for code in everything if exposure[code] == UNSEEN]
    tags = dict(zip(frame["battery_code"], frame["group_tag"], strict=True))
    tagged = [code for code in unseen if tags[code] == "test"]
    named = {DEFAULT: tagged, ALL_UNSEEN: unseen, ALL: everything}
    kept = {name: codes for name, codes in named.items() if codes}
    return dict(sorted(kept.items(), key=lambda item: item[1] != default))


def _summarise(kinds: list[str]) -> None:
    counts = pd.Series(kinds, dtype="object").value_counts()
    parts = [
        f"**{counts[kind]:,}** {label.lower()}"
        for kind, label in EXPOSURE_LABELS.items()
        if kind in counts
    ]
    if parts:
        st.markdown(" · ".join(parts))
    known = len(kinds) - int(counts.get(UNSEEN, 0))
    if kinds and known == len(kinds):
        st.warning(
            "The model knew all of these batteries, so there will be no headline numbers.",
            icon=":material/visibility:",
        )
    elif known:
        st.caption("Batteries that the model knew are kept out of the headline numbers.")
