"""The published files: known numbers of cells, cycles, lives and end-of-life counts."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from core.base.errors import BadFile
from core.ingest.build import IngestResult, build_dataset
from core.ingest.checks import UnusableRows
from core.ingest.formats.readers import preview
from tests.core.ingest.files import read_table
from tests.paths import SHARED_DATA, needs_shared_data

pytestmark = needs_shared_data
SEVERSON = SHARED_DATA / "severson"


def _build(name: str, **changes: object) -> IngestResult:
    path = SHARED_DATA / name
    mapping = replace(preview(path, path.name).mapping, **changes)  # type: ignore[arg-type]
    return build_dataset(path, path.name, mapping)


def test_severson_mat() -> None:
    result = _build("severson/SeversonBattery.mat")
    assert (result.report["batteries"], result.report["cycles"]) == (124, 99_281)
    assert result.report["split"] == {"train": 41, "val": 43, "test": 40, "none": 0}
    assert result.report["censored"] == 0
    assert result.batteries["battery_code"].tolist()[0] == "001"
    assert result.batteries["battery_code"].tolist()[-1] == "124"
    summary = pd.read_csv(SEVERSON / "severson_cell_summary.csv")
    life = result.batteries["cycle_life"].to_numpy(np.int64)
    assert np.abs(life - summary["cycle_life"].to_numpy()).max() <= 1
    first = result.batteries["first_capacity_ah"].to_numpy()
    np.testing.assert_allclose(first, summary["q_first"], atol=2e-4)
    below = result.cycles.loc[result.cycles["pcl"] > 0.2, "battery_code"].nunique()
    assert below == 13
    assert result.report["isolated_count"] == 10
    assert [reading["battery_code"] for reading in result.report["isolated"]][:2] == ["003", "046"]
    (said,) = (w for w in result.report["warnings"] if "differs from that by capacity" in w)
    assert "In 2 of 13 batteries" in said
    assert "073 535 in the file, 534 by capacity, 082 487 in the file, 486 by capacity" in said


def test_severson_eight_features() -> None:
    result = _build("severson/severson_8_features.csv.gz")
    assert (result.report["batteries"], result.report["cycles"]) == (115, 74_845)
    assert result.report["split"] == {"train": 41, "val": 43, "test": 31, "none": 0}
    assert len(result.feature_schema.features) == 8
    assert any("110 batteries" in warning for warning in result.report["warnings"])
    source = pd.read_csv(SEVERSON / "severson_8_features.csv.gz")
    np.testing.assert_array_equal(result.cycles["rul"].to_numpy(np.int64), source["rul_cycles"])
    np.testing.assert_array_equal(result.cycles["feature_8"], source["cv_charge_time_s"])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("threshold", "labelled"), [(0.80, 1), (0.84, 65), (0.85, 107), (0.9, 122)]
)
def test_mit_cells_reach_end_of_life(threshold: float, labelled: int) -> None:
    result = _build("mit_cells.zip", eol_threshold=threshold)
    assert (result.report["batteries"], result.report["cycles"]) == (125, 85_577)
    assert 125 - result.report["censored"] == labelled
    assert result.feature_schema.nominal_capacity_ah == 1.1


def test_xjtu_cells_hold_151_infinite_values() -> None:
    with pytest.raises(UnusableRows, match="151 rows cannot be used"):
        _build("xjtu_cells.zip")
    result = _build("xjtu_cells.zip", bad_rows="drop")
    assert (result.report["batteries"], result.report["cycles"]) == (55, 23_297 - 151)
    assert result.report["problem_counts"] == {"feature_not_finite": 151}
    assert result.feature_schema.nominal_capacity_ah == 2.0
    assert np.isfinite(result.cycles.filter(like="feature_")).all(axis=None)


def test_batteryarchive_cycle_data() -> None:
    result = _build("cycler/batteryarchive_cycle_data.csv")
    assert result.cycles["cycle_num"].tolist()[0] == 1
    assert [f.name for f in result.feature_schema.features] == ["Max_Current"]
    path = SHARED_DATA / "cycler/batteryarchive_cycle_data.csv"
    described = preview(path, path.name).attributes
    assert described == ("Min_Current (A)", "Min_Voltage (V)", "Max_Voltage (V)")


@pytest.mark.parametrize("name", ["arbin_lfp.csv", "neware_time_bug.bdf.csv"])
def test_time_series_are_refused_with_advice(name: str) -> None:
    with pytest.raises(BadFile, match="one row per cycle"):
        _build(f"cycler/{name}", nominal_capacity_ah=1.1)


@pytest.mark.parametrize("name", ["neware_54_cycles.ndax", "biologic_gcpl.mpr", "maccor.052"])
def test_formats_of_other_instruments_are_refused(name: str) -> None:
    path = SHARED_DATA / "cycler" / name
    with pytest.raises(BadFile, match="cannot be read"):
        preview(path, name)


def test_arbin_workbook_finds_the_summary_by_cycle() -> None:
    path = SHARED_DATA / "cycler" / "arbin_cs2_35_part1.xlsx"
    look = preview(path, path.name)
    assert look.mapping.sheet == "Statistics_1-008"
    assert look.mapping.cycle_column == "Cycle_Index" and look.mapping.cumulative
    frame = read_table(path, path.name, look.mapping)
    assert frame["cycle"].tolist() == list(range(1, 10))
    assert frame["capacity"].between(0.9, 1.1).all()


def test_the_record_in_the_arbin_workbook_is_refused() -> None:
    path = SHARED_DATA / "cycler" / "arbin_cs2_35_part1.xlsx"
    with pytest.raises(BadFile, match=r"time series with about .* rows a cycle"):
        preview(path, path.name, sheet="Channel_1-008")
