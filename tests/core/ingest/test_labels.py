"""PCL, RUL, cycle life and censoring by the binding definitions."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from core.base.errors import BadFile
from core.ingest.end_of_life import eol_cycle
from core.ingest.file_rul import life_from_rul
from core.ingest.label_origins import LabelOrigins
from core.ingest.labels import label_cycles, relabel
from core.ingest.mapping import ColumnMapping, EolRule
from tests.core.ingest.files import TIDY


def _raw(**columns: object) -> pd.DataFrame:
    data: dict[str, object] = {
        "battery_code": pd.Categorical(["a"] * 4 + ["b"] * 2),
        "file_row": np.arange(2, 8),
        "cycle": [1.0, 2.0, 4.0, 5.0, 1.0, 2.0],
        "feature_1": np.arange(6.0),
        **columns,
    }
    return pd.DataFrame(data)


CAPACITY = [1.1, 0.99, 0.87, 0.86, 1.1, 1.0]


def test_capacity_becomes_pcl_and_rul() -> None:
    data = label_cycles(_raw(capacity=CAPACITY), TIDY)
    np.testing.assert_allclose(data.cycles["pcl"], 1 - np.array(CAPACITY) / 1.1)
    assert data.cycles["rul"].tolist()[:2] == [3, 2]
    assert data.cycles["rul"].tolist()[2] == 0
    assert data.cycles["rul"].isna().tolist() == [False, False, False, True, True, True]
    assert data.batteries["cycle_life"].tolist()[0] == 4
    assert data.batteries["censored"].tolist() == [False, True]
    assert data.batteries["cycle_life"].isna().tolist() == [False, True]
    assert (data.origins.pcl, data.origins.rul, data.origins.capacity) == (
        "computed",
        "computed",
        "file",
    )


def test_frame_has_the_agreed_columns() -> None:
    data = label_cycles(_raw(capacity=CAPACITY), TIDY)
    features = [f"feature_{i}" for i in range(1, 9)]
    assert list(data.cycles.columns) == [
        "battery_code",
        "cycle_num",
        *features,
        "pcl",
        "rul",
        "capacity_ah",
    ]
    assert (data.cycles[features[1:]] == 0.0).all(axis=None)
    assert list(data.batteries.columns) == [
        "battery_code",
        "group_tag",
        "total_cycles",
        "nominal_capacity",
        "cycle_life",
        "first_capacity_ah",
        "last_capacity_ah",
        "censored",
    ]
    assert data.cycles["rul"].dtype == "Int64"
    assert data.batteries["cycle_life"].dtype == "Int64"


def test_units() -> None:
    in_mah = label_cycles(
        _raw(capacity=np.array(CAPACITY) * 1000), replace(TIDY, capacity_unit="mAh")
    )
    np.testing.assert_allclose(in_mah.cycles["capacity_ah"], CAPACITY)
    base = replace(TIDY, capacity_column=None)
    soh = label_cycles(
        _raw(soh=[98.0] * 6), replace(base, soh_column="soh", soh_unit="percent")
    ).cycles
    np.testing.assert_allclose(soh["pcl"], 0.02)
    np.testing.assert_allclose(soh["capacity_ah"], 0.98 * 1.1)
    pcl = label_cycles(_raw(pcl=[2.0] * 6), replace(base, pcl_column="pcl", pcl_unit="percent"))
    np.testing.assert_allclose(pcl.cycles["pcl"], 0.02)
    assert pcl.origins.capacity == "computed"


def test_rul_of_the_file_is_kept_and_gives_the_life() -> None:
    rul = [10.0, 9.0, 7.0, -1.0, np.nan, np.nan]
    data = label_cycles(_raw(capacity=CAPACITY, rul=rul), replace(TIDY, rul_column="rul"))
    assert data.cycles["rul"].tolist()[:3] == [10, 9, 7]
    assert data.cycles["rul"].isna().tolist()[3:] == [True] * 3
    assert data.batteries["cycle_life"].tolist()[0] == 11
    assert data.batteries["censored"].tolist() == [False, True]
    assert data.origins.file_rul_batteries == {"a"}
    assert any("no RUL above 0 in the file" in warning for warning in data.warnings)


def test_rul_that_contradicts_itself_is_kept_with_a_warning() -> None:
    rul = [10.0, 9.0, 3.0, 6.0, 5.0, 4.0]
    data = label_cycles(_raw(rul=rul), replace(TIDY, capacity_column=None, rul_column="rul"))
    assert data.cycles["rul"].tolist() == rul
    assert data.batteries["cycle_life"].tolist() == [11, 6]
    assert "a by up to 4 cycles in 1 row" in data.warnings[0]


def test_rul_that_agrees_with_itself_is_no_warning() -> None:
    rul = [10.0, 9.0, 7.0, 6.0, 5.0, 4.0]
    data = label_cycles(_raw(rul=rul), replace(TIDY, capacity_column=None, rul_column="rul"))
    assert data.warnings == ()


def test_no_labels_at_all() -> None:
    data = label_cycles(_raw(), replace(TIDY, capacity_column=None))
    assert data.cycles[["pcl", "rul", "capacity_ah"]].isna().all(axis=None)
    assert (data.origins.pcl, data.origins.rul) == ("none", "none")
    assert data.batteries["censored"].all()


def test_blank_capacity_gives_no_label_and_no_end_of_life() -> None:
    data = label_cycles(_raw(capacity=[1.1, np.nan, 0.95, 0.5, np.nan, np.nan]), TIDY)
    assert data.cycles["pcl"].isna().tolist() == [False, True, False, False, True, True]
    assert data.batteries["cycle_life"].tolist()[0] == 5
    assert np.isnan(data.batteries["first_capacity_ah"].iloc[1])


def test_rows_are_sorted_by_battery_and_cycle() -> None:
    raw = _raw(capacity=CAPACITY).iloc[[3, 0, 5, 1, 4, 2]]
    data = label_cycles(raw, TIDY)
    assert data.cycles["cycle_num"].tolist() == [1, 2, 4, 5, 1, 2]
    assert data.cycles["feature_1"].tolist() == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("soh", "eol", "expected"),
    [
        ([0.9, 0.79, 0.85, 0.79, 0.78], EolRule(), 2),
        ([0.9, 0.79, 0.85, 0.79, 0.78], EolRule(0.80, "consecutive", 2), 4),
        ([0.9, 0.79, 0.85, 0.79, 0.78], EolRule(0.80, "consecutive", 3), None),
        # With 0.85 after it, the second 0.79 would be an isolated reading.
        ([0.9, 0.79, np.nan, 0.79, 0.83], EolRule(0.80, "consecutive", 2), 2),
        ([0.9, 0.80, 0.80], EolRule(), None),
        ([], EolRule(), None),
        ([np.nan], EolRule(), None),
        ([0.7], EolRule(0.80, "consecutive", 2), None),
    ],
)
def test_end_of_life(soh: list[float], eol: EolRule, expected: int | None) -> None:
    assert eol_cycle(np.arange(1, len(soh) + 1), np.array(soh, dtype=float), eol) == expected


def test_life_from_rul() -> None:
    assert life_from_rul(np.array([2, 3]), np.array([1850.0, 1849.0])) == 1852
    assert life_from_rul(np.array([2, 3]), np.array([np.nan, np.nan])) is None


def test_split_of_the_file() -> None:
    mapping = replace(TIDY, split_column="split")
    split = pd.Categorical(["TRAIN"] * 4 + ["test1"] * 2)
    assert label_cycles(_raw(capacity=CAPACITY, split=split), mapping).batteries[
        "group_tag"
    ].tolist() == ["train", "val"]
    with pytest.raises(BadFile, match="two splits"):
        mixed = pd.Categorical(["train", "val"] * 3)
        label_cycles(_raw(capacity=CAPACITY, split=mixed), mapping)
    with pytest.raises(BadFile, match="'later', which is none of"):
        label_cycles(_raw(capacity=CAPACITY, split=pd.Categorical(["later"] * 6)), mapping)
    partly = pd.Categorical(["train"] * 4 + [""] * 2)
    data = label_cycles(_raw(capacity=CAPACITY, split=partly), mapping)
    assert data.batteries["group_tag"].tolist()[0] == "train"
    assert data.batteries["group_tag"].isna().tolist() == [False, True]


def test_relabel_changes_computed_labels_only() -> None:
    mapping = replace(TIDY, rul_column="rul")
    rul = [10.0, 9.0, 7.0, 6.0, np.nan, np.nan]
    data = label_cycles(_raw(capacity=CAPACITY, rul=rul), mapping)
    origins = LabelOrigins.of_labels(data.origins.describe(mapping.eol))
    assert origins == data.origins
    nominal = {"a": 1.1, "b": 1.2}
    cycles, batteries = relabel(data.cycles, nominal, EolRule(0.85), origins)
    assert cycles["rul"].tolist()[:4] == [10, 9, 7, 6]
    assert cycles["rul"].isna().tolist()[4] is False
    assert cycles["pcl"].tolist()[5] == pytest.approx(1 - 1.0 / 1.2)
    assert batteries["cycle_life"].tolist() == [11, 2]
    assert batteries["nominal_capacity"].tolist() == [1.1, 1.2]
    np.testing.assert_array_equal(cycles["capacity_ah"], CAPACITY)


def test_relabel_keeps_pcl_of_the_file() -> None:
    mapping = replace(TIDY, capacity_column=None, pcl_column="pcl")
    pcl = [0.0, 0.1, 0.21, 0.22, 0.0, 0.1]
    data = label_cycles(_raw(pcl=pcl), mapping)
    cycles, batteries = relabel(data.cycles, {"a": 2.0, "b": None}, EolRule(0.95), data.origins)
    np.testing.assert_array_equal(cycles["pcl"], pcl)
    assert batteries["cycle_life"].tolist() == [2, 2]
    np.testing.assert_allclose(cycles["capacity_ah"][:4], 2.0 * (1 - np.array(pcl[:4])))
    assert cycles["capacity_ah"][4:].isna().all()


def test_origins_in_words() -> None:
    labels = LabelOrigins("computed", "computed", "file").describe(ColumnMapping().eol)
    assert labels["PCL"].rule == "1 - capacity / nominal capacity"
    assert "SOH < 0.80" in labels["RUL"].rule


def test_overflow_gives_no_label() -> None:
    capacity = [1.1, 1e308, -1e308, 1.0, 1.1, 1.0]
    data = label_cycles(_raw(capacity=capacity), replace(TIDY, nominal_capacity_ah=0.1))
    assert data.cycles["pcl"].isna().tolist() == [False, True, True, False, False, False]
