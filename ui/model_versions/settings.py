"""Draws the settings of a model, and those in which several models differ."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from core.access.actor import CurrentUser
from core.base.database import read_scope
from core.base.words import rounded
from core.model_versions.versions import ModelInfo, compare_configs
from models.settings.resolving import SPECS_BY_NAME, own_settings
from ui.shared.theme import algorithm_label
from ui.training.list import target_text

FACTS = {
    "algorithm": "Algorithm",
    "target": "Target",
    "targets": "Targets",
    "features": "Features",
    "feature_units": "Units of the features",
    "train_batteries": "Training batteries",
    "val_batteries": "Validation batteries",
    "test_batteries": "Test batteries",
    "train_cycles": "Training cycles",
    "best_epoch": "Epoch kept",
    "epochs_run": "Epochs run",
    "stopped_early": "Stopped early",
    "interval_of_PCL": "Interval of PCL",
    "interval_of_RUL": "Interval of RUL",
    "dataset_fingerprint": "Fingerprint of the data",
    "labels_version": "Version of the labels",
    "threads": "Processor threads",
    "fadebench_version": "FadeBench version",
    "algorithm_version": "Version of the algorithm",
    "code_version": "FadeBench version and code",
}


def settings_table(model: ModelInfo) -> None:
    """Draw the settings and circumstances of one model, one row each."""
    hyperparameters = {
        name: _in_words(name, value)
        for name, value in own_settings(model.algorithm, model.config.hyperparameters).items()
    }
    values: Mapping[str, Any] = {**hyperparameters, **model.config.facts()}
    st.dataframe(
        pd.DataFrame(
            {
                "Setting": [setting_label(name) for name in values],
                "Value": [_shown(value) for value in values.values()],
            }
        ),
        hide_index=True,
        height=320,
        alt=f"Settings of {model.title}",
    )


def comparison(user: CurrentUser, models: Sequence[ModelInfo]) -> None:
    """Draw the settings of several models side by side; by default only those that differ."""
    st.subheader("Settings side by side", anchor=False)
    only = st.toggle("Only what differs", value=True, key="compare_differing")
    with read_scope() as session:
        frame = compare_configs(session, user, [model.id for model in models])
    frame = frame[frame["differs"]] if only else frame
    if frame.empty:
        st.caption("These models were made with the same settings from the same data.")
        return
    titles = [column for column in frame.columns if column not in ("setting", "differs")]
    shown = pd.DataFrame({"Setting": frame["setting"].map(setting_label)})
    for title in titles:
        named = zip(frame["setting"], frame[title], strict=True)
        shown[title] = [_shown(_in_words(name, value)) for name, value in named]
    if not only:
        shown["Differs"] = frame["differs"].map({True: "yes", False: ""})
    st.dataframe(shown, hide_index=True, alt="Settings of the chosen models side by side")


def setting_label(name: str) -> str:
    """A stored setting as readers know it, with its unit."""
    spec = SPECS_BY_NAME.get(name)
    if spec is None:
        return FACTS.get(name, name.replace("_", " ").capitalize())
    return spec.title


def _in_words(name: str, value: Any) -> Any:
    """The words of a setting's choices; anything else as it is stored."""
    return SPECS_BY_NAME[name].shown(value) if name in SPECS_BY_NAME else value


def _shown(value: Any) -> str:
    if value is None or (isinstance(value, float) and value != value):
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    if isinstance(value, float):
        return rounded(value)
    text = str(value)
    return target_text(text) if text == "BOTH" else algorithm_label(text)
