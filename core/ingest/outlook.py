"""What a file would become under a mapping: capacities and lives, before it is read for good."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from core.base.words import counted
from core.ingest.build import numbered_rows, wanted_columns
from core.ingest.checks import apply_checks
from core.ingest.formats.readers import read_tables
from core.ingest.labels import LabelOrigins, label_cycles, relabel
from core.ingest.limits import DEFAULT_LIMITS, Limits
from core.ingest.mapping import EOL_RANGE, ColumnMapping, EolRule
from core.ingest.raw_frame import raw_frame

# A battery that ends so close above the threshold is nearly at its end of life.
NEARLY = 0.005
_PLOT_POINTS = 4_000


@dataclass(frozen=True)
class Outlook:
    """The labelled cycles of a file, before features, split and storing.

    cycles : battery_code, cycle_num, capacity_ah, pcl, rul; sorted by battery and cycle
    nominal_ah : by battery code, None where unknown
    warnings : of reading and labelling
    """

    cycles: pd.DataFrame
    nominal_ah: Mapping[str, float | None]
    origins: LabelOrigins
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class Ends:
    """How the batteries end at a threshold.

    table : battery_code, cycles, first_capacity_ah, nominal_ah, first_soh, lowest_soh, cycle_life;
        one row each
    sentence : how many reach end of life, and what another threshold would change
    """

    table: pd.DataFrame
    sentence: str


def make_outlook(
    path: Path, original_name: str, mapping: ColumnMapping, limits: Limits = DEFAULT_LIMITS
) -> Outlook:
    """Read and label a file by a mapping; its features and split do not matter.

    Raises BadFile and InvalidInput as reading for good would, except that rows that may be left
    out are.
    """
    mapping = replace(mapping, features=(), split_column=None, bad_rows="drop")
    sheets = None if mapping.sheet is None else (mapping.sheet,)
    tables = read_tables(path, original_name, limits, wanted=wanted_columns(mapping), sheets=sheets)
    read = raw_frame(tables, mapping, limits)
    rows, problems = apply_checks(numbered_rows(read.frame), mapping)
    labelled = label_cycles(rows, mapping)
    kept = ["battery_code", "cycle_num", "capacity_ah", "pcl", "rul"]
    nominal = labelled.batteries.set_index("battery_code")["nominal_capacity"]
    return Outlook(
        cycles=labelled.cycles[kept],
        nominal_ah={str(c): None if pd.isna(ah) else float(ah) for c, ah in nominal.items()},
        origins=labelled.origins,
        warnings=(*problems.warnings, *labelled.warnings),
    )


def ends_at(outlook: Outlook, eol: EolRule) -> Ends:
    """Lives under an end-of-life rule, and what is nearly one."""
    _cycles, batteries = relabel(outlook.cycles, outlook.nominal_ah, eol, outlook.origins)
    soh = pd.Series(1.0 - outlook.cycles["pcl"].to_numpy(dtype=np.float64, na_value=np.nan))
    by_battery = soh.groupby(outlook.cycles["battery_code"].astype(str).to_numpy(), sort=False)
    codes = batteries["battery_code"].astype(str)
    table = pd.DataFrame(
        {
            "battery_code": codes,
            "cycles": batteries["total_cycles"],
            "first_capacity_ah": batteries["first_capacity_ah"],
            "nominal_ah": batteries["nominal_capacity"],
            "first_soh": codes.map(by_battery.first()),
            "lowest_soh": codes.map(by_battery.min()),
            "cycle_life": batteries["cycle_life"],
        }
    )
    return Ends(table, _sentence(outlook, table, eol))


def thinned(outlook: Outlook) -> pd.DataFrame:
    """SOH of every battery for a small figure: battery_code, cycle_num, value, life (none)."""
    rows = outlook.cycles[["battery_code", "cycle_num", "pcl"]].dropna()
    counts = rows.groupby("battery_code", observed=True)["pcl"].transform("size")
    place = rows.groupby("battery_code", observed=True).cumcount()
    per_battery = max(20, _PLOT_POINTS // max(1, rows["battery_code"].nunique()))
    step = (counts // per_battery).clip(lower=1)
    kept = rows[(place % step == 0) | (place == counts - 1)]
    return pd.DataFrame(
        {
            "battery_code": kept["battery_code"].astype(str),
            "cycle_num": kept["cycle_num"],
            "value": 1.0 - kept["pcl"].astype(float),
        }
    ).reset_index(drop=True)


def _sentence(outlook: Outlook, table: pd.DataFrame, eol: EolRule) -> str:
    n, reached = len(table), int(table["cycle_life"].notna().sum())
    start = f"{reached:,} of {counted(n, 'battery')} reach end of life at {_percent(eol.threshold)}"
    if reached == n:
        return f"{start}."
    above = table.loc[table["cycle_life"].isna(), "lowest_soh"].dropna()
    near = above[above <= eol.threshold + NEARLY + 1e-9]
    if above.empty:
        return f"{start}."
    if near.empty:
        return f"{start}; the others stop at {_percent(above.min())} or above."
    found = f"{start}. {len(near):,} of {n:,} stop at {_stops(near)}"
    higher = (np.floor(100 * near.max()) + 1) / 100
    if higher > EOL_RANGE[1]:
        return f"{found}."
    rule = replace(eol, threshold=float(higher))
    _rows, then = relabel(outlook.cycles, outlook.nominal_ah, rule, outlook.origins)
    lives = int(then["cycle_life"].notna().sum())
    who = f"all {n:,}" if lives == n else f"{lives:,} of {n:,}"
    return f"{found}: at {_percent(float(higher))} {who} have a life."


def _stops(near: "pd.Series") -> str:
    low, high = f"{100 * near.min():.1f}", f"{100 * near.max():.1f}"
    return f"{low} %" if low == high else f"{low} to {high} %"


def _percent(share: float) -> str:
    return f"{100 * share:.1f}".removesuffix(".0") + " %"
