"""The table of all datasets; choosing a row opens it."""

from collections.abc import Sequence
from typing import Literal

import pandas as pd
import streamlit as st

from core.datasets import DatasetSummary
from ui.dataset_words import kind_of, split_line
from ui.links import go

# What opens a table's object: a click anywhere in its row, or its row marker by keyboard.
OPENS_BY: tuple[Literal["single-row"], Literal["single-cell"]] = ("single-row", "single-cell")


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
    event = st.dataframe(
        frame,
        hide_index=True,
        key="dataset_table",
        on_select="rerun",
        selection_mode=OPENS_BY,
        alt="Datasets with their size, split and origin. Choose a row to open the dataset.",
        column_config={
            "name": column.TextColumn("Dataset", width="large"),
            "batteries": column.NumberColumn("Batteries", format="localized"),
            "cycles": column.NumberColumn("Cycles", format="localized"),
            "split": column.TextColumn("Split (batteries)"),
            "features": column.NumberColumn("Features"),
            "created": column.DatetimeColumn(
                f"Added ({zone})", format="YYYY-MM-DD HH:mm", timezone=zone
            ),
            "kind": column.TextColumn("Kind"),
        },
    )
    st.caption("Choose a row to open the dataset.")
    row = chosen_row(event)
    if row is not None:
        go("datasets", dataset=summaries[row].id)


def chosen_row(event: object) -> int | None:
    """Position of the row that a table's selection means; None without one."""
    selection = getattr(event, "selection", None) or {}
    rows = [*selection.get("rows", ()), *(cell[0] for cell in selection.get("cells", ()))]
    return int(rows[0]) if rows else None
