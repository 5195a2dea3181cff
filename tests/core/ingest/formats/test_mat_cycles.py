"""Nested structs of NASA and Oxford: per-cycle tables of what the file holds."""

from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from core.base.errors import BadFile
from core.ingest.formats.readers import read_tables
from tests.paths import SHARED_DATA, needs_shared_data

FIELD = SHARED_DATA / "field"


@needs_shared_data
def test_nasa_gives_its_discharges() -> None:
    file = read_tables(FIELD / "B0005.mat", "B0005.mat")
    (table,) = file.tables
    assert (file.kind, table.battery_code, table.n_rows) == ("structure", "B0005", 15)
    assert table.column("capacity_ah").numbers[:3] == pytest.approx([1.855, 1.845, 1.835])
    assert table.column("cycle").numbers.tolist() == list(range(1, 16))
    assert set(table.column("ambient_temperature_c").numbers) == {24.0}
    assert set(table.column("nominal_capacity_ah").numbers) == {2.0}
    assert table.file_rows[:3].tolist() == [2, 4, 6]
    assert table.skipped == ("15 records of B0005 that are no discharge.",)


@needs_shared_data
def test_oxford_gives_a_table_for_each_cell() -> None:
    file = read_tables(FIELD / "Oxford_like.mat", "Oxford_like.mat")
    assert [table.battery_code for table in file.tables] == ["Cell1", "Cell2"]
    first = file.tables[0]
    assert first.column("cycle").numbers.tolist() == [0, 100, 200, 300, 400, 500, 600, 700]
    assert first.column("capacity_mah").numbers[:2] == pytest.approx([740, 739])


@pytest.mark.parametrize("packed", [False, True])
def test_a_discharge_without_capacity_stays_blank(packed: bool, tmp_path: Path) -> None:
    path = tmp_path / "B1.mat"
    kinds = ("charge", "discharge", "discharge", "impedance")
    data = ({"Time": [1.0]}, {"Capacity": 1.9, "Time": [1.0, 9.0]}, {"Capacity": []}, {"Re": 1.0})
    records = np.empty(4, dtype=[("type", "O"), ("ambient_temperature", "O"), ("data", "O")])
    for place in range(4):
        records[place] = (kinds[place], 24.0, data[place])
    savemat(path, {"B1": {"cycle": records}}, do_compression=packed)
    (table,) = read_tables(path, "B1.mat").tables
    assert table.column("capacity_ah").numbers.tolist() == pytest.approx([1.9, np.nan], nan_ok=True)


def test_other_structs_are_refused_by_what_is_known(tmp_path: Path) -> None:
    path = tmp_path / "a.mat"
    savemat(path, {"cell": {"name": "A", "values": {"x": [1.0, 2.0]}}})
    with pytest.raises(BadFile, match="only the layouts of NASA and Oxford are known"):
        read_tables(path, "a.mat")


def test_structs_nested_without_end_are_refused(tmp_path: Path) -> None:
    value: object = {"x": 1.0}
    for _level in range(12):
        value = {"cycle": value}
    path = tmp_path / "a.mat"
    savemat(path, {"cell": value})
    with pytest.raises(BadFile, match="damaged"):
        read_tables(path, "a.mat")
