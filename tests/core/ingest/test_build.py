"""A file becomes a dataset: report, warnings, feature schema."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from core.base.errors import BadFile, InvalidInput
from core.ingest.build import build_dataset
from core.ingest.formats.mat import NOTES
from core.ingest.formats.readers import preview
from core.ingest.labels import LabelOrigins
from core.ingest.mapping import ColumnMapping
from tests.core.ingest.files import TIDY, TIDY_CSV, mat_variables, write, write_mat, write_zip


def test_report_and_schema(tmp_path: Path) -> None:
    result = build_dataset(write(tmp_path / "t.csv", TIDY_CSV), "t.csv", TIDY)
    report = result.report
    assert (report["batteries"], report["cycles"], report["censored"]) == (2, 5, 1)
    assert report["labelled"] == {"PCL": 1.0, "RUL": 0.6}
    assert report["split"] == {"train": 1, "val": 1, "test": 0, "none": 0}
    assert report["split_origin"] == "proposed"
    schema = json.loads(json.dumps(result.feature_schema.to_json()))
    assert schema["features"] == [
        {"name": "temperature", "unit": "degC", "source_column": "temp_degc"}
    ]
    assert schema["eol"] == {
        "threshold": 0.8,
        "rule": "first_crossing",
        "consecutive": 1,
        "count_isolated": False,
    }
    assert schema["label_rules"] == 2
    assert schema["labels"]["PCL"]["origin"] == "computed"
    assert schema["labels_version"] == 1
    assert ColumnMapping.from_json(schema["mapping"]) == TIDY
    assert LabelOrigins.of_labels(result.feature_schema.labels).capacity == "file"
    json.dumps(report)


@pytest.mark.parametrize(
    ("text", "change", "words"),
    [
        (TIDY_CSV, {"nominal_capacity_ah": 2.0}, "First capacity over nominal"),
        (TIDY_CSV, {"nominal_capacity_ah": 2.0}, "batteries start below .* first cycle: choose"),
        (TIDY_CSV, {}, "fewer than 10 cycles"),
        (TIDY_CSV, {}, "1 of 2 batteries did not reach end of life"),
        (TIDY_CSV.replace("a,2,", "a,9,").replace("a,3,", "a,11,"), {}, "2 gaps .* leaves out 7"),
        (TIDY_CSV.replace("0.8,", "-5,"), {}, "PCL outside"),
        (TIDY_CSV, {"capacity_column": None}, "no labels"),
        (TIDY_CSV.replace("0.8,32", "0.8,inf"), {"bad_rows": "drop"}, "1 unusable row left out"),
    ],
)
def test_warnings(text: str, change: dict[str, object], words: str, tmp_path: Path) -> None:
    mapping = replace(TIDY, **change)  # type: ignore[arg-type]
    result = build_dataset(write(tmp_path / "t.csv", text), "t.csv", mapping)
    assert any(re.search(words, warning) for warning in result.report["warnings"])


def test_row_order_numbers_cycles_and_dropped_rows_leave_gaps(tmp_path: Path) -> None:
    rows = "".join(f"{1.0 - 0.01 * cycle},0.1\n" for cycle in range(3, 30))
    table = f"capacity,ir\n1.0,0.1\n0.99,inf\n{rows}"
    path = write_zip(tmp_path / "z.zip", {"c1.csv": table, "c2.csv": table})
    mapping = replace(preview(path, "z.zip").mapping, capacity_column="capacity", bad_rows="drop")
    mapping = replace(mapping, soh_column=None, nominal_capacity_ah=1.0)
    result = build_dataset(path, "z.zip", mapping)
    assert result.cycles["cycle_num"].tolist() == 2 * [1, *range(3, 30)]
    assert result.report["dropped_rows"] == 2
    assert any("counting the 2 rows left out" in text for text in result.report["warnings"])
    assert [problem["battery_code"] for problem in result.report["problems"]] == ["c1", "c2"]


def test_stop_is_the_default(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", TIDY_CSV.replace("0.8,32", "0.8,inf"))
    with pytest.raises(BadFile, match="battery a, row 4"):
        build_dataset(path, "t.csv", TIDY)


def test_mapping_is_checked_before_the_file(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="or choose features"):
        build_dataset(
            tmp_path / "absent.csv", "absent.csv", replace(TIDY, features=(), capacity_column=None)
        )


def test_mat_carries_its_notes(tmp_path: Path) -> None:
    path = write_mat(tmp_path / "s.mat", mat_variables())
    result = build_dataset(path, "s.mat", preview(path, "s.mat").mapping)
    assert result.feature_schema.notes == NOTES
    assert result.report["split"] == {"train": 1, "val": 1, "test": 1, "none": 0}
    assert result.feature_schema.labels["RUL"].origin == "file"
    assert result.batteries["cycle_life"].tolist() == [302, 202, 5]


def test_progress_runs_from_start_to_end(tmp_path: Path) -> None:
    seen: list[float] = []
    path = write(tmp_path / "t.csv", TIDY_CSV)
    build_dataset(path, "t.csv", TIDY, on_progress=lambda share, _stage: seen.append(share))
    assert seen == sorted(seen)
    assert seen[-1] == 1.0
