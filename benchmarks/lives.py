"""Cycle lives of real files by the first rules of labels and by the present ones.

    python -m benchmarks.lives ../shared/data/severson/SeversonBattery.mat
    python -m benchmarks.lives ../shared/data/xjtu_cells.zip --nominal 2.0 --capacity-alone

The first rules compared SOH with the threshold without tolerance, let single low readings end a
life, and took the median of cycle + RUL.
"""

import argparse
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from core.ingest.battery_rows import stretches
from core.ingest.build import build_dataset
from core.ingest.formats.readers import preview
from core.ingest.isolated_readings import isolated_rows
from core.ingest.label_origins import LabelOrigins
from core.ingest.labels import relabel
from core.ingest.mapping import EolRule

Lives = dict[str, int | None]


def lives_by_first_rules(cycles: pd.DataFrame, eol: EolRule, from_file: frozenset[str]) -> Lives:
    """Cycle life of each battery by code, None where censored."""
    cycle_num = cycles["cycle_num"].to_numpy(np.int64)
    soh = 1.0 - cycles["pcl"].to_numpy(np.float64, na_value=np.nan)
    rul = cycles["rul"].to_numpy(np.float64, na_value=np.nan)
    lives: Lives = {}
    for code, rows in stretches(cycles["battery_code"]):
        if code in from_file:
            lives[code] = round(float(np.nanmedian(cycle_num[rows] + rul[rows])))
        else:
            below = np.flatnonzero(soh[rows] < eol.threshold)
            lives[code] = int(cycle_num[rows][below[0]]) if len(below) else None
    return lives


def compare(path: Path, nominal_ah: float | None, threshold: float, capacity_alone: bool) -> None:
    """Print the lives that differ, and how many readings are isolated."""
    mapping = replace(preview(path, path.name).mapping, bad_rows="drop", eol_threshold=threshold)
    if nominal_ah is not None:
        mapping = replace(mapping, nominal_capacity_ah=nominal_ah)
    result = build_dataset(path, path.name, mapping)
    origins = LabelOrigins.of_labels(result.feature_schema.labels)
    if capacity_alone:
        origins = replace(origins, rul="computed", file_rul_batteries=frozenset())
    nominal = dict(
        result.batteries[["battery_code", "nominal_capacity"]].itertuples(index=False, name=None)
    )
    before = lives_by_first_rules(result.cycles, mapping.eol, origins.file_rul_batteries)
    start = time.perf_counter()
    _, batteries = relabel(result.cycles, nominal, mapping.eol, origins)
    seconds = time.perf_counter() - start
    after = {
        str(code): None if pd.isna(life) else int(life)
        for code, life in zip(batteries["battery_code"], batteries["cycle_life"], strict=True)
    }
    isolated = isolated_rows(result.cycles)
    told = [
        f"{path.name}, {'capacity alone' if capacity_alone else 'as read'}, SOH < {threshold:.2f}",
        f"  batteries {len(after)}, with a life {_known(before)} before and {_known(after)} now, "
        f"{seconds:.2f} s for {len(result.cycles):,} rows",
        f"  isolated readings: {int(isolated.sum())} in "
        f"{result.cycles.loc[isolated, 'battery_code'].nunique()} batteries",
        *(
            f"  {code}: {before[code]} before, {life} now"
            for code, life in after.items()
            if life != before[code]
        ),
        *(f"  said: {warning}" for warning in result.report["warnings"]),
    ]
    sys.stdout.write("\n".join(told) + "\n")


def _known(lives: Lives) -> int:
    return sum(life is not None for life in lives.values())


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("path", type=Path)
    parser.add_argument("--nominal", type=float, help="nominal capacity, Ah")
    parser.add_argument("--threshold", type=float, default=0.80)
    parser.add_argument("--capacity-alone", action="store_true", help="leave the file's RUL aside")
    chosen = parser.parse_args()
    compare(chosen.path, chosen.nominal, chosen.threshold, chosen.capacity_alone)


if __name__ == "__main__":
    main()
