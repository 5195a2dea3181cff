"""The choice of batteries for a test: a preset, then single batteries."""

from collections.abc import Mapping

import pandas as pd
import streamlit as st

from core.evaluation.evaluations import UNSEEN
from core.evaluation.material import TestMaterial, default_batteries
from ui.evaluation.words import battery_label
from ui.shared.theme import EXPOSURE_LABELS
from ui.shared.words import counted

DEFAULT, ALL_UNSEEN, ALL = "Test batteries", "All unseen", "All"


def choose_batteries(material: TestMaterial) -> list[str]:
    """Codes of the chosen batteries; says how many of them the model knew."""
    frame, codes = material.dataset.batteries, material.dataset.codes
    exposure = {codes[battery_id]: known for battery_id, known in material.exposure.items()}
    presets = _presets(frame, exposure, default_batteries(material))
    place = f"{material.model.id}_{material.dataset.summary.id}"
    preset = st.radio(
        "Start from",
        list(presets),
        captions=[counted(len(codes), "battery", "batteries") for codes in presets.values()],
        horizontal=True,
        key=f"preset_{place}",
        help="Test batteries are those with the role Test in the dataset's split that the model "
        "never saw. A test on another dataset than that of the training starts with all unseen.",
    )
    summary = st.container()
    with st.expander("Choose single batteries", icon=":material/tune:"):
        chosen: list[str] = st.multiselect(
            "Batteries",
            list(exposure),
            default=presets[preset],
            format_func=lambda code: battery_label(code, exposure[code]),
            key=f"tested_{place}_{preset}",
            help="Batteries that the model knew are marked.",
        )
    with summary:
        _summarise([exposure[code] for code in chosen])
    return chosen


def _presets(
    frame: pd.DataFrame, exposure: Mapping[str, str], default: list[str]
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
