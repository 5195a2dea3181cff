"""The table of datasets, a page at a time; choosing a row opens it."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import pandas as pd
import streamlit as st

from core.access.actor import CurrentUser
from core.base.database import read_scope
from core.datasets.datasets import DatasetSummary, list_datasets
from core.datasets.filters import DATASET_ORDERS, DatasetFilter
from ui.datasets.words import kind_of, split_line
from ui.shared.links import go
from ui.shared.list_boxes import is_beyond, list_boxes, no_match, page_buttons

# What opens a table's object: a click anywhere in its row, or its row marker by keyboard.
OPENS_BY: tuple[Literal["single-row"], Literal["single-cell"]] = ("single-row", "single-cell")


def show_datasets(user: CurrentUser) -> None:
    """Draw the boxes and a page of datasets."""
    boxes = list_boxes("dataset", list(DATASET_ORDERS))
    with read_scope() as session:
        wanted = DatasetFilter(name=boxes.name, since=boxes.since)
        summaries = list_datasets(session, user, wanted, boxes.page())
    if is_beyond(summaries):
        st.rerun()
    if not summaries:
        no_match("dataset")
        return
    dataset_table(summaries)
    page_buttons(summaries)


def dataset_table(summaries: Sequence[DatasetSummary]) -> None:
    """Draw the table and leave for the dataset whose row is chosen."""
    zone = st.context.timezone or "UTC"
    created = pd.DatetimeIndex([item.created_at for item in summaries]).tz_localize("UTC")
    frame = pd.DataFrame(
        {
            "name": [item.name for item in summaries],
            "batteries": [item.n_batteries for item in summaries],
            "cycles": [item.n_cycles for item in summaries],
            "split": [split_line(item.split) for item in summaries],
            "features": [len(item.features) for item in summaries],
            "created": created,
            "kind": [kind_of(item) for item in summaries],
        }
    )
    column = st.column_config
    row = opening_table(
        frame,
        "dataset_table",
        alt="Datasets with their size, split and origin. Choose a row to open the dataset.",
        column_config={
            "name": column.TextColumn("Dataset"),
            "batteries": column.NumberColumn("Batteries", format="localized"),
            "cycles": column.NumberColumn("Cycles", format="localized"),
            "split": column.TextColumn("Split (batteries)"),
            "features": column.NumberColumn("Features"),
            "created": column.DatetimeColumn("Added", format="YYYY-MM-DD", timezone=zone),
            "kind": column.TextColumn("Kind"),
        },
    )
    st.caption("Choose a row to open the dataset.")
    if row is not None:
        go("datasets", dataset=summaries[row].id)


def opening_table(
    frame: pd.DataFrame,
    name: str,
    alt: str,
    column_config: Mapping[str, Any],
    height: int | Literal["auto"] = "auto",
    placeholder: str | None = None,
) -> int | None:
    """Draw a table whose rows open something; returns the position of the row just chosen."""
    turn = st.session_state.setdefault(f"{name}_turn", 0)
    event = st.dataframe(
        frame,
        hide_index=True,
        height=height,
        key=f"{name}_{turn}",
        on_select="rerun",
        selection_mode=OPENS_BY,
        placeholder=placeholder,
        alt=alt,
        column_config=column_config,
    )
    selection = event.selection
    rows = [*selection.rows, *(cell[0] for cell in selection.cells)]
    if not rows:
        return None
    # The browser keeps a selection by key; with the old one the Back button would open it again.
    st.session_state[f"{name}_turn"] = turn + 1
    return int(rows[0])
