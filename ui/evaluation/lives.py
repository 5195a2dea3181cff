"""The table of predicted lives of batteries without a label."""

import pandas as pd
import streamlit as st

from core.access.actor import CurrentUser
from core.base.database import read_scope
from core.base.spreadsheets import harmless
from core.evaluation.predicted_lives import predicted_lives
from core.evaluation.results import TestResult
from ui.shared.theme import EXPOSURE_LABELS
from ui.shared.words import counted

UNSCROLLED_ROWS = 15


def lives_table(user: CurrentUser, result: TestResult) -> None:
    """Draw the predicted life of each battery without RUL labels; nothing where all have them."""
    if "RUL" not in result.targets:
        return
    with read_scope() as session:
        lives = predicted_lives(session, user, result.info.id)
    if lives.empty:
        return
    st.subheader("Predicted life per cell", anchor=False)
    st.caption(
        f"{counted(len(lives), 'battery', 'batteries')} without RUL labels. Predicted life = cycle "
        "+ predicted remaining life at the last predicted cycle; the ends are those of the "
        "prediction interval there."
    )
    column = st.column_config
    st.dataframe(
        lives_frame(lives),
        hide_index=True,
        height="content" if len(lives) <= UNSCROLLED_ROWS else 560,
        placeholder="none",
        alt="Predicted cycle life of each battery without labels, with its interval.",
        column_config={
            "battery": column.TextColumn("Battery"),
            "life": column.NumberColumn("Predicted life (cycles)", format="%.0f"),
            "low": column.NumberColumn("90 % interval from (cycles)", format="%.0f"),
            "high": column.NumberColumn("to (cycles)", format="%.0f"),
            "cycle": column.NumberColumn("At cycle", format="localized"),
            "rul": column.NumberColumn("Predicted RUL there (cycles)", format="%.0f"),
            "exposure": column.TextColumn("Exposure"),
        },
    )
    st.download_button(
        "Predicted lives (CSV)",
        data=lives.map(harmless).to_csv(index=False),
        file_name=f"predicted_lives_test{result.info.id}.csv",
        mime="text/csv",
        on_click="ignore",
        icon=":material/download:",
    )


def lives_frame(lives: pd.DataFrame) -> pd.DataFrame:
    """The table as readers see it, the shortest life first."""
    ordered = lives.sort_values("predicted_life", kind="stable")
    return pd.DataFrame(
        {
            "battery": ordered["battery_code"],
            "life": ordered["predicted_life"],
            "low": ordered["life_low"],
            "high": ordered["life_high"],
            "cycle": ordered["at_cycle"],
            "rul": ordered["predicted_rul"],
            "exposure": ordered["exposure"].map(EXPOSURE_LABELS),
        }
    )
