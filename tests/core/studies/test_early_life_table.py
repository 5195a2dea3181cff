"""Tables with one row per battery: recognised, checked, refused with a reason."""

from io import BytesIO

import pandas as pd
import pytest

from core.base.errors import BadFile, InvalidInput
from core.studies.early_life_table import (
    TableColumns,
    make_table,
    propose_columns,
    propose_groups,
    read_battery_table,
)
from tests.core.studies.early_tables import fading_table


def fleet_frame() -> pd.DataFrame:
    table = fading_table()
    names = {"train": "Train", "primary": "test1"}
    return pd.DataFrame(
        {
            "Cell ID": table.codes,
            "Set": [names[group] for group in table.groups],
            "Cycle life": table.cycle_life.astype(int),
            "Variance dQ": table.features[:, 0],
            "First capacity": table.features[:, 1],
        }
    )


def csv(frame: pd.DataFrame, **options: str) -> bytes:
    return frame.to_csv(index=False, **options).encode()


def test_a_csv_is_recognised() -> None:
    raw = read_battery_table("fleet.csv", csv(fleet_frame()))
    columns = propose_columns(raw)
    features = ("Variance dQ", "First capacity")
    assert columns == TableColumns("Cell ID", "Cycle life", "Set", features, "Variance dQ")
    assert propose_groups(raw, "Set") == {"Train": "train", "test1": "primary"}
    table, left_out = make_table(raw, columns)
    assert table.counts() == {"train": 24, "primary": 16}
    assert left_out == []
    assert table.codes[0] == "c00"


@pytest.mark.parametrize("kind", ["semicolon", "xlsx"])
def test_other_ways_to_write_it_give_the_same_table(kind: str) -> None:
    plain = read_battery_table("fleet.csv", csv(fleet_frame()))
    if kind == "xlsx":
        stream = BytesIO()
        fleet_frame().to_excel(stream, index=False)
        other = read_battery_table("fleet.xlsx", stream.getvalue())
    else:
        other = read_battery_table("fleet.csv", csv(fleet_frame(), sep=";", decimal=","))
    expected, _ = make_table(plain, propose_columns(plain))
    found, _ = make_table(other, propose_columns(other))
    assert found.codes == expected.codes
    assert found.features == pytest.approx(expected.features)


def test_rows_that_cannot_be_used_are_left_out_with_the_reason() -> None:
    frame = fleet_frame().astype({"Cycle life": object})
    frame.loc[0, "Cycle life"] = ""
    frame.loc[1, "First capacity"] = float("nan")
    frame.loc[2, "Set"] = "unknown"
    raw = read_battery_table("fleet.csv", csv(frame))
    table, left_out = make_table(raw, propose_columns(raw))
    assert len(table.codes) == 37
    assert left_out == [
        ("c00", "no cycle life"),
        ("c01", "no First capacity"),
        ("c02", "no group in the split column"),
    ]


def test_the_reader_decides_what_split_values_mean() -> None:
    raw = read_battery_table("fleet.csv", csv(fleet_frame()))
    table, _ = make_table(raw, propose_columns(raw), {"test1": "secondary"})
    assert table.counts() == {"train": 24, "secondary": 16}


def test_without_a_split_most_batteries_are_for_training() -> None:
    raw = read_battery_table("fleet.csv", csv(fleet_frame().drop(columns="Set")))
    table, _ = make_table(raw, propose_columns(raw))
    assert table.counts() == {"train": 24, "primary": 16}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: pd.concat([f, f.head(1)]), "more than one row"),
        (lambda f: f.assign(**{"Cell ID": ""}), "has no battery"),
        (lambda f: f.drop(columns="Cycle life"), "holds the cycle life"),
        (lambda f: f[["Cell ID", "Set", "Cycle life"]], "at least one feature"),
        (lambda f: f.head(24), "nothing is left to test on"),
        (lambda f: f.tail(20), "at least 10"),
    ],
)
def test_tables_that_cannot_be_used_say_why(change: object, message: str) -> None:
    frame = change(fleet_frame())  # type: ignore[operator]
    with pytest.raises(InvalidInput, match=message):
        raw = read_battery_table("fleet.csv", csv(frame))
        make_table(raw, propose_columns(raw))


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (TableColumns("Cell ID", "Cycle life", None, ("Set",)), "holds text"),
        (TableColumns("Cell ID", "Cycle life", None, ("Cycle life",)), "cannot be a feature"),
        (TableColumns("Cell ID", "Cycle life", "Cell ID", ("Variance dQ",)), "different values"),
        (TableColumns("Cell ID", "Nothing", None, ("Variance dQ",)), "no column 'Nothing'"),
    ],
)
def test_columns_that_cannot_mean_that_say_why(column: TableColumns, message: str) -> None:
    raw = read_battery_table("fleet.csv", csv(fleet_frame()))
    with pytest.raises(InvalidInput, match=message):
        make_table(raw, column)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"", "empty"),
        ("a.csv", b"a,b\n", "no rows"),
        ("a.csv", b"1,2\n3,4\n", "holds numbers"),
        ("a.csv", b"a,b\n" + b"1,2\n" * 2001, "one row per battery"),
        ("a.csv", b"x" * 5_000_001, "larger than 5 MB"),
        ("a.xlsx", b"PK\x03\x04broken", "damaged"),
        ("a.mat", b"MATLAB 5.0 MAT-file" + b" " * 200, "Choose a CSV file"),
    ],
)
def test_files_that_are_no_such_table_are_refused(name: str, content: bytes, message: str) -> None:
    with pytest.raises(BadFile, match=message):
        read_battery_table(name, content)
