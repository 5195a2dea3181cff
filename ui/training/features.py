"""The choice of the features that a training learns from."""

import streamlit as st

from core.datasets.datasets import DatasetSummary
from core.training.features import USUAL_FEATURES, usual_features


def choose_features(summary: DatasetSummary) -> tuple[str, ...]:
    """Names of the chosen features; the first eight of the dataset unless others are chosen."""
    st.subheader("Features", anchor=False)
    labels = {feature.name: feature.label for feature in summary.features}
    return tuple(
        st.multiselect(
            "What the models see of each cycle",
            list(labels),
            default=[feature.name for feature in usual_features(summary.features)],
            format_func=labels.__getitem__,
            key=f"features_{summary.id}",
            help=f"The first {USUAL_FEATURES} features of the dataset unless you choose others. A "
            "model can be tested only on datasets that have all of its features, by the same "
            "names. Floors use none of them, but one must be chosen.",
        )
    )
