"""CSV in the dialects that instruments and spreadsheets write, plain, gzipped and zipped."""

import gzip
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.base.errors import BadFile, InvalidInput
from core.ingest.formats.readers import preview
from core.ingest.mapping import ColumnMapping, FeatureColumn
from tests.core.ingest.files import TIDY, TIDY_CSV, read_table, write, write_zip


def _variants() -> dict[str, bytes]:
    semicolon = TIDY_CSV.replace(",", ";").replace(".", ",")
    return {
        "utf8": TIDY_CSV.encode(),
        "bom": TIDY_CSV.encode("utf-8-sig"),
        "crlf": TIDY_CSV.replace("\n", "\r\n").encode(),
        "old mac": TIDY_CSV.replace("\n", "\r").encode(),
        "semicolon, decimal comma": semicolon.encode(),
        "semicolon, decimal point": TIDY_CSV.replace(",", ";").encode(),
        "tab": TIDY_CSV.replace(",", "\t").encode(),
        "trailing separator": TIDY_CSV.replace("\n", ",\n").encode(),
        "blank lines": TIDY_CSV.replace("\n", "\n\n").encode(),
        "quoted": TIDY_CSV.replace("a,", '"a",').encode(),
        "spaces": TIDY_CSV.replace(",", " , ").encode(),
        "no last line end": TIDY_CSV.rstrip().encode(),
    }


@pytest.mark.parametrize("variant", list(_variants()))
def test_dialects_read_alike(variant: str, tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", _variants()[variant])
    assert preview(path, "t.csv").mapping.nominal_capacity_ah == 1.1
    frame = read_table(path, "t.csv", TIDY)
    assert list(frame["battery_code"]) == ["a", "a", "a", "b", "b"]
    np.testing.assert_array_equal(frame["cycle"], [1, 2, 3, 1, 2])
    np.testing.assert_array_equal(frame["capacity"], [1.1, 0.9, 0.8, 1.05, 1.0])
    np.testing.assert_array_equal(frame["feature_1"], [30, 31, 32, 30, 30.5])


def test_gzip_reads_alike(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv.gz", gzip.compress(TIDY_CSV.encode()))
    assert preview(path, "t.csv.gz").format_label == "CSV table (gzip)"
    assert len(read_table(path, "t.csv.gz", TIDY)) == 5


def test_latin1_unit_in_the_header(tmp_path: Path) -> None:
    text = TIDY_CSV.replace("temp_degc", "temp (°C)")
    path = write(tmp_path / "t.csv", text.encode("latin-1"))
    assert "temp (°C)" in preview(path, "t.csv").columns


def test_only_mapped_columns_are_kept(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", TIDY_CSV)
    frame = read_table(path, "t.csv", replace(TIDY, capacity_column=None))
    assert list(frame.columns) == ["battery_code", "file_row", "cycle", "feature_1"]


def test_rows_are_counted_as_in_the_file(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", "x\n1\n\n3\n")
    mapping = ColumnMapping(features=(FeatureColumn("x", "", "x"),))
    frame = read_table(path, "my cell.csv", mapping)
    assert list(frame["file_row"]) == [2, 4]
    assert set(frame["battery_code"]) == {"my cell"}


def test_codes_keep_their_zeros_and_numbers_may_be_missing(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", "cell,x,rul\n001,1,NA\n002,2,\n")
    mapping = ColumnMapping(
        battery_column="cell", rul_column="rul", features=(FeatureColumn("x", "", "x"),)
    )
    frame = read_table(path, "t.csv", mapping)
    assert list(frame["battery_code"]) == ["001", "002"]
    assert frame["rul"].isna().all()


@pytest.mark.parametrize("value", ["n.a. yet", "1_5", "1.2.3", "0x10", "True"])
def test_text_in_a_number_column_names_column_row_and_value(value: str, tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", TIDY_CSV.replace("0.8,", f"{value},"))
    with pytest.raises(BadFile, match=r"row 4: column 'capacity_ah' holds"):
        read_table(path, "t.csv", TIDY)


def test_decimal_comma_between_commas_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", TIDY_CSV.replace("0.8,", "0,8,"))
    with pytest.raises(BadFile, match="row 4 has 5 cells"):
        read_table(path, "t.csv", TIDY)


def test_mapping_that_does_not_fit_the_file(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", TIDY_CSV)
    with pytest.raises(InvalidInput, match="no column 'cell_name'"):
        read_table(path, "t.csv", replace(TIDY, battery_column="cell_name"))


def test_repeated_and_blank_column_names_stay_apart(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", "x,x,,y\n1,2,3,4\n")
    assert preview(path, "t.csv").columns == ("x", "x (2)", "column 3", "y")


def test_zip_with_one_battery_per_file(tmp_path: Path) -> None:
    table = "capacity,ir\n1.1,0.1\n1.0,0.2\n"
    names = ["cells/c10.csv", "cells/c2.csv", "__MACOSX/._c2.csv", "read me.txt"]
    path = write_zip(tmp_path / "z.zip", dict.fromkeys(names, table))
    look = preview(path, "z.zip")
    assert (look.n_tables, look.one_battery_per_file) == (2, True)
    frame = read_table(path, "z.zip", look.mapping)
    assert list(frame["battery_code"]) == ["c2", "c2", "c10", "c10"]


def test_zip_with_equal_names_in_two_folders(tmp_path: Path) -> None:
    table = "capacity,ir\n1.1,0.1\n1.0,0.2\n"
    path = write_zip(tmp_path / "z.zip", {"a/c.csv": table, "b/c.csv": table})
    frame = read_table(path, "z.zip", preview(path, "z.zip").mapping)
    assert set(frame["battery_code"]) == {"a/c", "b/c"}


def test_zip_with_one_tidy_table(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "z.zip", {"all.csv": TIDY_CSV})
    look = preview(path, "z.zip")
    assert not look.one_battery_per_file
    assert set(read_table(path, "z.zip", look.mapping)["battery_code"]) == {"a", "b"}


def test_zip_with_a_table_that_lacks_a_column(tmp_path: Path) -> None:
    tables = {"a.csv": "capacity,ir\n1.1,0.1\n", "b.csv": "capacity\n1.1\n"}
    path = write_zip(tmp_path / "z.zip", tables)
    mapping = {"capacity_column": "capacity", "features": [{"source_column": "ir"}]}
    mapping |= {"nominal_capacity_ah": 1.1}
    with pytest.raises(BadFile, match=r"b\.csv has no column 'ir'"):
        read_table(path, "z.zip", ColumnMapping.from_json(mapping))


def test_progress_only_grows(tmp_path: Path) -> None:
    rows = "".join(f"a,{cycle},1.0,30\n" for cycle in range(20_000))
    path = write(tmp_path / "t.csv", "cell,cycle,capacity_ah,temp_degc\n" + rows)
    seen: list[float] = []
    read_table(path, "t.csv", TIDY, on_progress=lambda share, _stage: seen.append(share))
    assert seen == sorted(seen)
    assert len(seen) >= 3
    assert seen[-1] == 1.0
