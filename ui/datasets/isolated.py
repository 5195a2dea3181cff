"""The isolated low readings of a dataset, by battery and cycle."""

import pandas as pd
import streamlit as st

from core.access.actor import CurrentUser
from core.datasets.datasets import DatasetSummary
from ui.datasets.reads import isolated_of
from ui.shared.frame import shown_errors
from ui.shared.words import counted


def isolated_table(user: CurrentUser, summary: DatasetSummary) -> None:
    """Draw the list, folded; nothing where there are none."""
    with shown_errors():
        found = isolated_of(user, summary)
        if found.empty:
            return
        batteries = counted(found["battery_code"].nunique(), "battery", "batteries")
        with st.expander(f"{counted(len(found), 'isolated low reading')} in {batteries}"):
            st.caption(
                "Rows that read far lower than the rows around them. They are kept, and end no "
                "life unless they are asked to count."
            )
            frame = pd.DataFrame(
                {
                    "Battery": found["battery_code"],
                    "Cycle": found["cycle_num"],
                    "SOH (%)": 100.0 * found["soh"],
                }
            )
            st.dataframe(
                frame,
                hide_index=True,
                alt="Isolated low readings by battery and cycle, with their state of health.",
                column_config={
                    "Cycle": st.column_config.NumberColumn(format="localized"),
                    "SOH (%)": st.column_config.NumberColumn(format="%.1f"),
                },
            )
