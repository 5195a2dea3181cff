"""What a file would become, before it is read: its curves, the line of end of life, and lives."""

import json

import pandas as pd
import streamlit as st

from core.access.actor import CurrentUser
from core.base.database import read_scope
from core.base.errors import FadeBenchError
from core.datasets.uploads import UploadInfo, outlook_of_upload
from core.ingest.mapping import ColumnMapping
from core.ingest.outlook import Ends, Outlook, ends_at, thinned
from ui.shared.figures import fleet_curves
from ui.shared.frame import is_dark
from ui.shared.theme import PLOTLY_CONFIG
from ui.shared.words import plain

# A larger file takes too long to be read at each change of a column.
LARGEST_FILE_BYTES = 60_000_000
FIGURE_HEIGHT_PX = 260
# Parts of a mapping that change no capacity and no life of the outlook.
_WITHOUT_EFFECT = (
    "features",
    "split_column",
    "split_values",
    "bad_rows",
    "eol_threshold",
    "eol_rule",
    "eol_consecutive",
)


def show_outlook(user: CurrentUser, info: UploadInfo, mapping: ColumnMapping) -> None:
    """Draw capacities and lives under a mapping; nothing where it names no label."""
    named = (mapping.capacity_column, mapping.pcl_column, mapping.soh_column)
    if not any(named):
        return
    if info.file_size_bytes > LARGEST_FILE_BYTES:
        st.caption("The file is large: its curves are shown once it has been read.")
        return
    stored = mapping.to_json()
    kept = {key: value for key, value in stored.items() if key not in _WITHOUT_EFFECT}
    try:
        outlook = _outlook(user.id, info.id, json.dumps(kept, sort_keys=True), user)
    except FadeBenchError as error:
        st.error(plain(str(error)), icon=":material/error:")
        return
    ends = ends_at(outlook, mapping.eol)
    st.markdown(f"**{plain(ends.sentence)}**")
    _figure(outlook, mapping)
    _first_capacity(ends)
    with st.expander("Battery by battery"):
        _table(ends)


@st.cache_data(ttl=600, max_entries=16, show_spinner="Reading capacities")
def _outlook(user_id: int, upload_id: int, mapping_text: str, _user: CurrentUser) -> Outlook:
    mapping = ColumnMapping.from_json(mapping_text)
    with read_scope() as session:
        return outlook_of_upload(session, _user, upload_id, mapping)


def _figure(outlook: Outlook, mapping: ColumnMapping) -> None:
    threshold = mapping.eol.threshold
    figure = fleet_curves(
        thinned(outlook),
        "State of health (SOH)",
        "%",
        factor=100.0,
        eol_value=threshold,
        eol_label=f"End of life, {100 * threshold:.4g} %",
        dark=is_dark(),
    )
    figure.update_traces(mode="lines", selector={"mode": "lines+markers"})
    figure.update_layout(height=FIGURE_HEIGHT_PX)
    st.plotly_chart(
        figure,
        theme=None,
        config=PLOTLY_CONFIG,
        key="outlook",
        alt="State of health of every battery of the file against cycle number.",
    )


def _first_capacity(ends: Ends) -> None:
    first, share = ends.table["first_capacity_ah"].median(), ends.table["first_soh"].median()
    if pd.notna(first) and pd.notna(share):
        st.caption(
            f"First capacity {first:.4g} Ah, over nominal capacity: **{share:.3f}** (usually 0.9 "
            "to 1.1)"
        )


def _table(ends: Ends) -> None:
    table = ends.table
    frame = pd.DataFrame(
        {
            "Battery": table["battery_code"],
            "Cycles": table["cycles"],
            "First capacity (Ah)": table["first_capacity_ah"],
            "Over nominal": table["first_soh"],
            "Lowest SOH (%)": 100 * table["lowest_soh"],
            "End of life (cycle)": table["cycle_life"].astype("Float64"),
        }
    )
    number = st.column_config.NumberColumn
    st.dataframe(
        frame,
        hide_index=True,
        height=min(320, 38 + 35 * len(frame)),
        placeholder="not reached",
        alt="Batteries with first capacity, lowest state of health and end of life.",
        column_config={
            "First capacity (Ah)": number(format="%.4g"),
            "Over nominal": number(format="%.3f"),
            "Lowest SOH (%)": number(format="%.1f"),
            "End of life (cycle)": number(format="localized"),
        },
    )
