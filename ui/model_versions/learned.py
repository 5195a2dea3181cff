"""Draws what a model learned in readable form: a law of fade, or an ensemble's weights."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from core.base.words import rounded
from core.model_versions.learned import LawTerm, Share, ensemble_shares, law_terms
from core.model_versions.versions import ModelInfo


def learned_tables(model: ModelInfo) -> None:
    """Draw the law or the weights of a model; nothing for models without them."""
    if terms := law_terms(model.config):
        _law(terms)
    if shares := ensemble_shares(model.config):
        _shares(shares)


def _law(terms: Sequence[LawTerm]) -> None:
    st.subheader("Learned law of fade", anchor=False)
    rising = any(term.target == "PCL" for term in terms)
    falling = any(term.target == "RUL" for term in terms)
    ways = ["PCL rises from C towards K"] * rising + ["RUL falls from K towards C"] * falling
    st.caption(
        "Logistic: the rate of change is r (u - C) (1 - (u - C) / (K - C)). "
        f"{' and '.join(ways)}. One law for all batteries: it forecasts no single one."
    )
    st.dataframe(
        pd.DataFrame(
            {
                "Target": [term.target for term in terms],
                "Parameter": [term.name for term in terms],
                "Value": [rounded(term.value) for term in terms],
                "Unit": [term.unit for term in terms],
                "What it is": [term.meaning for term in terms],
            }
        ),
        hide_index=True,
        height="content",
        alt="Parameters of the learned law",
    )


def _shares(shares: Sequence[Share]) -> None:
    st.subheader("Weights", anchor=False)
    st.caption(
        "The prediction is the mean of these models, weighted as follows. The weights are those "
        "with the smallest error on the validation batteries and, where these are few, on training "
        "batteries as predicted by models that had not seen them; every battery counts the same."
    )
    frame = pd.DataFrame(
        {
            "member": [share.member for share in shares],
            "target": [share.target for share in shares],
            "weight": [100.0 * share.weight for share in shares],
        }
    )
    wide = frame.pivot(index="member", columns="target", values="weight")
    wide = wide.loc[list(dict.fromkeys(frame["member"]))].reset_index()
    st.dataframe(
        wide,
        hide_index=True,
        height="content",
        alt="Weights of the ensemble's members",
        column_config={
            "member": st.column_config.TextColumn("Model"),
            **{
                target: st.column_config.NumberColumn(f"Weight for {target} (%)", format="%.1f")
                for target in wide.columns[1:]
            },
        },
    )
