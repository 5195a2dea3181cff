"""115 cells of two public files and of SeversonBattery.mat are the same ones: all are found."""

import zipfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import pandas as pd

from core.datasets.sketches import CapacityRecord, known_record, sketch
from core.ingest.formats.mat import NOMINAL_CAPACITY_AH, read_columns
from core.ingest.limits import DEFAULT_LIMITS
from core.leakage.copies import find_continuations
from tests.core.leakage.cells import compared, record
from tests.paths import SHARED_DATA, needs_shared_data

pytestmark = needs_shared_data

SEVERSON = SHARED_DATA / "severson"
Records = Mapping[str, CapacityRecord]


@cache
def zipped(name: str) -> Records:
    """Cells of a ZIP, numbered by the order of their rows."""
    found = {}
    with zipfile.ZipFile(SHARED_DATA / name) as archive:
        for path in archive.namelist():
            if path.endswith(".csv"):
                capacity = pd.read_csv(archive.open(path), usecols=["capacity"])["capacity"]
                found[Path(path).stem] = record(capacity.to_numpy())
    return found


@cache
def matlab() -> Records:
    columns = read_columns(SEVERSON / "SeversonBattery.mat", DEFAULT_LIMITS)
    frame = pd.DataFrame({"code": columns["battery"], "cycle": columns["Cycles_Flt"]})
    frame["capacity"] = NOMINAL_CAPACITY_AH * (1 - columns["PCL_Flt"])
    return records_of(frame)


@cache
def eight_features() -> Records:
    names = {"battery_code": "code", "cycle": "cycle", "discharge_capacity_ah": "capacity"}
    frame = pd.read_csv(SEVERSON / "severson_8_features.csv.gz", usecols=list(names))
    return records_of(frame.rename(columns=names))


def records_of(frame: pd.DataFrame) -> Records:
    return {
        str(code): known_record(part["capacity"].to_numpy(), part["cycle"].to_numpy())
        for code, part in frame.groupby("code")
    }


def pairs(left: Records, right: Records, kind: str) -> set[tuple[str, str]]:
    """Codes of the pairs of one kind, those of a cell with itself left out."""
    names = list(left), list(right)
    others = None if left is right else list(right.values())
    found = compared(list(left.values()), others)
    return {(names[0][i], names[1][j]) for i, j, tie in found if tie.kind == kind}


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
        listed = [sketch(cell.capacity_ah, cell.cycle_num) for cell in cells.values()]
        assert not find_continuations(listed, listed, [None] * len(listed))
    assert not pairs(zipped("xjtu_cells.zip"), zipped("mit_cells.zip"), "same")


def test_a_file_with_cycles_of_two_cells_is_told() -> None:
    """The last 167 rows of battery-5 (the cell 005) were measured on the cell 004."""
    assert pairs(zipped("mit_cells.zip"), matlab(), "overlap") == {("2017-05-12_battery-5", "004")}
