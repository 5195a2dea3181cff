"""Whatever bytes come in, either a dataset comes out or an error that can be shown."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.base.errors import InvalidInput
from core.ingest.build import build_dataset
from core.ingest.formats.readers import preview

CELL = st.one_of(
    st.sampled_from(["", "1", "2", "1.5", "-3", "inf", "NaN", "1e999", "1,5", '"', "a", "001"]),
    st.integers(-5, 2**70).map(str),
    st.floats().map(str),
    st.text(max_size=6),
)
NAME = st.one_of(
    st.sampled_from(["cell", "cycle", "capacity", "rul", "pcl", "soh", "split", "ir", "x"]),
    st.text(max_size=8),
)
COMMON = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def _build_or_refuse(path: Path, name: str) -> None:
    try:
        mapping = preview(path, name).mapping
        result = build_dataset(path, name, replace(mapping, bad_rows="drop"))
    except InvalidInput as error:
        assert 20 < len(str(error)) < 2000
        return
    cycles = result.cycles
    assert np.isfinite(cycles.filter(like="feature_").to_numpy()).all()
    for label in ("pcl", "capacity_ah"):
        assert not np.isinf(cycles[label].to_numpy()).any()
    assert (cycles["rul"].dropna() >= 0).all()
    assert not cycles.duplicated(["battery_code", "cycle_num"]).any()
    assert result.report["cycles"] == len(cycles) > 0


@COMMON
@given(
    header=st.lists(NAME, min_size=1, max_size=5),
    rows=st.lists(st.lists(CELL, max_size=6), max_size=8),
    separator=st.sampled_from([",", ";", "\t"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_wild_tables(
    header: list[str], rows: list[list[str]], separator: str, encoding: str, tmp_path: Path
) -> None:
    text = "\n".join(separator.join(line) for line in [header, *rows])
    path = tmp_path / "wild.csv"
    path.write_bytes(text.encode(encoding, "replace"))
    _build_or_refuse(path, "wild.csv")


@COMMON
@given(
    content=st.binary(max_size=400),
    start=st.sampled_from(
        [b"", b"PK\x03\x04", b"\x1f\x8b\x08", b"MATLAB 5.0 MAT-file" + bytes(109)]
    ),
    name=st.sampled_from(["w.csv", "w.zip", "w.csv.gz", "w.mat", "w.xlsx"]),
)
def test_wild_bytes(content: bytes, start: bytes, name: str, tmp_path: Path) -> None:
    path = tmp_path / "wild"
    path.write_bytes(start + content)
    _build_or_refuse(path, name)


@pytest.mark.parametrize("value", ["1e308", "-1e308", "5e-324"])
def test_extreme_numbers_give_no_infinite_label(value: str, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(f"cycle,capacity (mAh),ir\n1,1000,1\n2,{value},1\n3,900,1\n")
    _build_or_refuse(path, "t.csv")
