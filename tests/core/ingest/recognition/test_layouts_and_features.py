"""Wide tables are turned; features are what describes a cycle, and the rest is said."""

import pandas as pd
import pytest

from core.base.errors import BadFile
from core.ingest.formats.preview import make_preview
from core.ingest.limits import DEFAULT_LIMITS
from core.ingest.raw_frame import raw_frame
from core.ingest.recognition.layout import layout_of
from core.ingest.table import table_of
from tests.core.ingest.recognition.fleets import CODES, file_of, fleet, look, read

TALL = fleet()
PIVOT = TALL.pivot(index="cycle", columns="cell", values="discharge_capacity_ah")


def _side_by_side(pattern: str) -> pd.DataFrame:
    parts = [
        TALL[TALL["cell"] == code]
        .drop(columns="cell")
        .rename(columns=lambda name, code=code: pattern.format(name=name, code=code))
        .reset_index(drop=True)
        for code in CODES
    ]
    return pd.concat(parts, axis=1)


WIDE = {
    "cells_in_columns": PIVOT.reset_index(),
    "cells_in_rows": PIVOT.T.reset_index().rename(columns=str),
    "cells_side_by_side": _side_by_side("{name}_{code}"),
}


@pytest.mark.parametrize("layout", list(WIDE))
def test_wide_tables_are_turned_into_rows(layout: str) -> None:
    found = look(WIDE[layout])
    assert found.mapping.layout == layout
    assert any("3 batteries, each read by itself" in guess for guess in found.guesses)
    raw = read(WIDE[layout], found.mapping).frame
    assert list(raw["battery_code"].cat.categories) == list(CODES)
    assert raw["capacity"].tolist() == pytest.approx(TALL["discharge_capacity_ah"].tolist())
    assert raw["cycle"].tolist() == TALL["cycle"].tolist()


@pytest.mark.parametrize("pattern", ["{code} {name}", "{name} ({code})", "{code}.{name}"])
def test_the_battery_may_stand_before_or_behind_the_name(pattern: str) -> None:
    found = look(_side_by_side(pattern))
    assert found.mapping.layout == "cells_side_by_side"
    assert [f.name for f in found.mapping.features] == ["ir"]


@pytest.mark.parametrize(
    "frame",
    [
        TALL,
        TALL.assign(**{"capacity (2)": 1.0}),
        TALL.drop(columns="cell"),
        TALL[["cycle", "discharge_capacity_ah"]],
        TALL[["cycle", "ir"]].assign(v1=3.2, v2=3.3),
    ],
)
def test_usual_tables_are_not_wide(frame: pd.DataFrame) -> None:
    assert layout_of(table_of(frame)) == "rows"


def test_another_layout_can_be_asked_for() -> None:
    found = make_preview(file_of(WIDE["cells_in_columns"]), layout="rows")
    assert found.columns == ("cycle", *CODES)


def test_one_battery_per_sheet_and_sheets_of_another_kind() -> None:
    sheets = [TALL[TALL["cell"] == code].drop(columns="cell") for code in CODES]
    info = pd.DataFrame({"operator": ["x"], "remark": [1.0]})
    file = file_of(*sheets, info, kind="sheets", names=["A", "B", "C", "Info"])
    found = make_preview(file)
    assert found.n_tables == 3
    assert any("sheets Info" in guess for guess in found.guesses)
    raw = raw_frame(file, found.mapping, DEFAULT_LIMITS).frame
    assert raw["battery_code"].value_counts().to_dict() == {"A": 60, "B": 60, "C": 60}


def test_a_file_of_an_archive_without_a_mapped_column_is_named() -> None:
    file = file_of(TALL, TALL.drop(columns="ir"), kind="files", names=["a.csv", "b.csv"])
    found = make_preview(file)
    assert found.mapping.features == ()
    assert dict(found.left_out)["ir"] == "is not in every table of the file"
    lacking = file_of(
        TALL, TALL.drop(columns="discharge_capacity_ah"), kind="files", names=["a.csv", "b.csv"]
    )
    with pytest.raises(BadFile, match=r"b\.csv has no column 'discharge_capacity_ah'"):
        raw_frame(lacking, look(TALL).mapping, DEFAULT_LIMITS)


def test_what_is_no_feature_is_listed_with_its_reason() -> None:
    frame = TALL.assign(
        cap_copy=TALL["discharge_capacity_ah"],
        empty=float("nan"),
        protocol=TALL["cell"].map({"C1": 1.0, "C2": 2.0, "C3": 2.0}),
        note="ok",
        sparse=TALL["ir"].where(TALL["cycle"] % 10 == 0),
    )
    frame["Charge_Capacity(Ah)"] = TALL["discharge_capacity_ah"] + 0.01
    frame.insert(0, "column 1", range(len(frame)))
    found = look(frame)
    assert [f.source_column for f in found.mapping.features] == ["ir"]
    assert found.attributes == ("protocol", "note")
    reasons = dict(found.left_out)
    assert reasons["column 1"] == "is a time or a position in the file"
    assert reasons["cap_copy"] == "is named like a label"
    assert reasons["empty"] == "is empty"
    assert reasons["sparse"] == "162 cells of 180 are blank or infinite"
    assert "charge capacity" in reasons["Charge_Capacity(Ah)"]


def test_a_table_of_capacities_alone_needs_no_features() -> None:
    found = look(TALL[["cell", "cycle", "discharge_capacity_ah"]])
    assert found.mapping.features == ()
    assert len(read(TALL, found.mapping).frame) == 180


def test_no_more_than_eight_features_and_the_others_are_said() -> None:
    frame = TALL.drop(columns="ir").assign(
        **{f"reading {n}": TALL["ir"] * (n + 1) for n in range(9)}
    )
    found = look(frame)
    assert [f.source_column for f in found.mapping.features] == [f"reading {n}" for n in range(8)]
    assert "8 features are taken" in dict(found.left_out)["reading 8"]
