"""Finds batteries that start below the end-of-life threshold: their life ends as it begins."""

import pandas as pd

from core.ingest.label_origins import LabelOrigins

REMEDY = "choose a lower threshold, another nominal capacity or several cycles in a row."


def starting_below(
    cycles: pd.DataFrame, batteries: pd.DataFrame, origins: LabelOrigins
) -> list[str]:
    """Codes of the batteries whose computed cycle life is their first cycle.

    The frames are those of `core.ingest.labels.relabel`. Batteries with RUL in the file are
    left out.
    """
    first_cycle = cycles.groupby("battery_code", observed=True)["cycle_num"].min()
    first_cycle.index = first_cycle.index.astype(str)
    codes = batteries["battery_code"].astype(str)
    ends = batteries["cycle_life"].eq(codes.map(first_cycle)).fillna(False).astype(bool)
    return [code for code in codes[ends] if code not in origins.file_rul_batteries]


def early_end_text(n_batteries: int) -> str:
    """Warning about batteries that start below the threshold, and what to do."""
    if n_batteries == 1:
        found = "1 battery starts below the end-of-life threshold, so its cycle life is its"
    else:
        found = (
            f"{n_batteries:,} batteries start below the end-of-life threshold, so their cycle "
            "life is their"
        )
    return f"{found} first cycle: {REMEDY}"
