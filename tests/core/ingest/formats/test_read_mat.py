"""The Severson .mat layout: widened integers, cut flat arrays, refused damage."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.base.errors import BadFile
from core.ingest.formats.readers import preview
from tests.core.ingest.files import mat_variables, read_table, write_mat


@pytest.mark.parametrize(("n_features", "compress"), [(3, True), (8, False)])
def test_small_integers_do_not_overflow(n_features: int, compress: bool, tmp_path: Path) -> None:
    path = write_mat(tmp_path / "s.mat", mat_variables(n_features), compress)
    look = preview(path, "s.mat")
    assert look.mapping.nominal_capacity_ah == 1.1
    assert len(look.mapping.features) == n_features
    assert look.mapping.features[0].name == "slope"
    frame = read_table(path, "s.mat", look.mapping)
    assert frame["battery_code"].value_counts(sort=False).to_dict() == {
        "001": 300,
        "002": 200,
        "003": 3,
    }
    split = frame.groupby("battery_code", observed=True)["split"].first()
    assert list(split) == ["val", "train", "test"]
    np.testing.assert_array_equal((frame["cycle"] + frame["rul"])[:300], 302)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"Num_Cycles_Flt": np.array([[300], [200]], np.uint16)}, "adds up to 500"),
        ({"Num_Cycles_Flt": np.array([[503], [0]], np.uint16)}, "at least 1"),
        # A sum that wraps around to 0 must not pass for few cycles: the process would die.
        ({"Num_Cycles_Flt": np.array([[2**62]] * 4, np.int64)}, "at least 1"),
        ({"train_ind": np.array([[np.nan]])}, "positions from 1 to 3"),
        ({"Features_mov_Flt": np.zeros((503, 5))}, "5 columns; 3 or 8"),
        ({"Features_mov_Flt": None}, "no variable 'Features_mov_Flt'"),
        ({"train_ind": np.array([[4]], np.uint8)}, "positions from 1 to 3"),
        ({"train_ind": np.array([[1]], np.uint8)}, "another split"),
        ({"PCL_Flt": "text"}, "not a table of numbers"),
        ({"Cycles_Flt": np.zeros((2, 3))}, "single row or column"),
    ],
)
def test_inconsistent_variables(change: dict[str, Any], words: str, tmp_path: Path) -> None:
    variables = {**mat_variables(), **change}
    path = write_mat(tmp_path / "s.mat", {k: v for k, v in variables.items() if v is not None})
    with pytest.raises(BadFile, match=words):
        preview(path, "s.mat")


def test_labels_and_split_may_be_missing(tmp_path: Path) -> None:
    kept = ("Features_mov_Flt", "Num_Cycles_Flt", "Cycles_Flt")
    variables = {name: value for name, value in mat_variables().items() if name in kept}
    mapping = preview(write_mat(tmp_path / "s.mat", variables), "s.mat").mapping
    assert (mapping.pcl_column, mapping.rul_column, mapping.split_column) == (None, None, None)


@pytest.mark.parametrize("compress", [True, False])
def test_truncated_anywhere(compress: bool, tmp_path: Path) -> None:
    whole = write_mat(tmp_path / "s.mat", mat_variables(), compress).read_bytes()
    for end in (20, 130, 200, len(whole) // 2, len(whole) - 1):
        path = tmp_path / "cut.mat"
        path.write_bytes(whole[:end])
        with pytest.raises(BadFile):
            preview(path, "cut.mat")


def test_damaged_bytes_never_escape_as_another_error(tmp_path: Path) -> None:
    whole = bytearray(write_mat(tmp_path / "s.mat", mat_variables(), False).read_bytes())
    generator = np.random.default_rng(0)
    for _trial in range(60):
        damaged = whole.copy()
        for position in generator.integers(128, 700, 4):
            damaged[position] = generator.integers(256)
        path = tmp_path / "bad.mat"
        path.write_bytes(damaged)
        try:
            preview(path, "bad.mat")
        except BadFile:
            continue
