"""115 cells of two public files and of SeversonBattery.mat are the same ones: all are found."""

import zipfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from core.datasets.sketches import sketch
from core.ingest.formats.mat import NOMINAL_CAPACITY_AH, read_columns
from core.ingest.limits import DEFAULT_LIMITS
from core.leakage.copies import find_continuations, find_copies
from tests.paths import SHARED_DATA, needs_shared_data

pytestmark = needs_shared_data

SEVERSON = SHARED_DATA / "severson"
Sketches = Mapping[str, list]


@cache
def zipped(name: str) -> Sketches:
    """Cells of a ZIP, numbered by the order of their rows."""
    found = {}
    with zipfile.ZipFile(SHARED_DATA / name) as archive:
        for path in archive.namelist():
            if path.endswith(".csv"):
                capacity = pd.read_csv(archive.open(path), usecols=["capacity"])["capacity"]
                found[Path(path).stem] = sketch(
                    capacity.to_numpy(), np.arange(1, len(capacity) + 1)
                )
    return found


@cache
def matlab() -> Sketches:
    columns = read_columns(SEVERSON / "SeversonBattery.mat", DEFAULT_LIMITS)
    frame = pd.DataFrame({"code": columns["battery"], "cycle": columns["Cycles_Flt"]})
    frame["capacity"] = NOMINAL_CAPACITY_AH * (1 - columns["PCL_Flt"])
    return sketches_of(frame)


@cache
def eight_features() -> Sketches:
    names = {"battery_code": "code", "cycle": "cycle", "discharge_capacity_ah": "capacity"}
    frame = pd.read_csv(SEVERSON / "severson_8_features.csv.gz", usecols=list(names))
    return sketches_of(frame.rename(columns=names))


def sketches_of(frame: pd.DataFrame) -> Sketches:
    return {
        str(code): sketch(part["capacity"].to_numpy(), part["cycle"].to_numpy())
        for code, part in frame.groupby("code")
    }


def pairs(left: Sketches, right: Sketches, kind: str) -> set[tuple[str, str]]:
    """Codes of the pairs of one kind, those of a cell with itself left out."""
    names = list(left), list(right)
    found = find_copies(list(left.values()), list(right.values()))
    codes = {(names[0][pair.left], names[1][pair.right]) for pair in found if pair.kind == kind}
    return {(a, b) for a, b in codes if left is not right or a != b}


def true_pairs(left: str, right: str) -> set[tuple[str, str]]:
    """Which cell is which, by the summary of the study; columns cell_id, cell, pinn4soh_file."""
    summary = pd.read_csv(SEVERSON / "severson_cell_summary.csv").dropna(subset=["pinn4soh_file"])
    summary["cell"] = summary["cell"].map("{:03d}".format)
    return set(zip(summary[left], summary[right], strict=True))


def test_all_115_cells_are_found_in_every_pair_of_files_and_no_other() -> None:
    mit = zipped("mit_cells.zip")
    assert len(true_pairs("cell_id", "cell")) == 115
    assert pairs(mit, matlab(), "same") == true_pairs("pinn4soh_file", "cell")
    assert pairs(eight_features(), matlab(), "same") == true_pairs("cell_id", "cell")
    assert pairs(mit, eight_features(), "same") == true_pairs("pinn4soh_file", "cell_id")


def test_cells_of_one_file_are_all_different() -> None:
    for cells in (zipped("mit_cells.zip"), matlab(), eight_features(), zipped("xjtu_cells.zip")):
        assert not pairs(cells, cells, "same")
        listed = list(cells.values())
        assert not find_continuations(listed, listed, [None] * len(listed))
    assert not pairs(zipped("xjtu_cells.zip"), zipped("mit_cells.zip"), "same")


def test_a_file_with_cycles_of_two_cells_is_told() -> None:
    """The last 167 rows of battery-5 (the cell 005) were measured on the cell 004."""
    assert pairs(zipped("mit_cells.zip"), matlab(), "overlap") == {("2017-05-12_battery-5", "004")}
