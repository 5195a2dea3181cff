"""Draws one battery with all its features."""

import pandas as pd
import streamlit as st

from core.access.actor import CurrentUser
from core.base.database import read_scope
from core.base.words import rounded
from core.datasets import explore
from core.datasets.datasets import DatasetSummary
from ui.datasets.words import role_label
from ui.shared.figures import battery_features
from ui.shared.frame import is_dark, shown_errors
from ui.shared.theme import PLOTLY_CONFIG
from ui.shared.words import plain

NOT_REACHED = "not reached"
MOST_NAMED = 20


def battery_panel(
    user: CurrentUser, summary: DatasetSummary, batteries: pd.DataFrame, code: str
) -> None:
    """Draw numbers and strip charts of a battery of the dataset."""
    row = batteries[batteries["battery_code"] == code].iloc[0]
    st.subheader(f"Battery {plain(code)}", anchor=False)
    _numbers(row)
    with shown_errors():
        with read_scope() as session:
            frame = explore.battery_cycles(session, user, summary.id, code)
        figure = battery_features(
            frame,
            [(item.column, item.name, item.unit) for item in summary.features],
            battery_code=code,
            isolated=frame["isolated"].to_numpy(),
            dark=is_dark(),
        )
        if frame["isolated"].any():
            cycles = [f"{n:,}" for n in frame.loc[frame["isolated"], "cycle_num"]]
            more = f" and {len(cycles) - MOST_NAMED:,} more" if len(cycles) > MOST_NAMED else ""
            st.caption(
                "Hollow: isolated low readings, which end no life unless asked to. Cycles "
                f"{', '.join(cycles[:MOST_NAMED])}{more}."
            )
        st.plotly_chart(
            figure,
            theme=None,
            config=PLOTLY_CONFIG,
            key=f"battery_{summary.id}_{code}",
            alt=f"Labels and features of battery {code} against cycle number.",
        )


def _numbers(row: pd.Series) -> None:
    life = NOT_REACHED if pd.isna(row["cycle_life"]) else f"{int(row['cycle_life']):,} cycles"
    parts = [
        f"{int(row['total_cycles']):,} cycles on file",
        f"cycle life {life}",
        f"first capacity {_ah(row['first_capacity_ah'])}",
        f"last capacity {_ah(row['last_capacity_ah'])}",
        f"nominal {_ah(row['nominal_capacity'])}",
        f"split role {role_label(row['group_tag']).lower()}",
    ]
    st.caption(" · ".join(parts))


def _ah(value: float) -> str:
    return "unknown" if pd.isna(value) else f"{rounded(value)} Ah"
