"""Unusable rows are found, named by battery and row, and stopped or dropped."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from core.base.errors import BadFile
from core.ingest.checks import MAX_LISTED, UnusableRows, apply_checks, find_problems
from core.ingest.mapping import BadRows
from tests.core.ingest.files import TIDY


def _frame(**columns: object) -> pd.DataFrame:
    data: dict[str, object] = {
        "battery_code": ["a", "a", "a", "b", "b"],
        "cycle": [1.0, 2.0, 3.0, 1.0, 2.0],
        "capacity": [1.1, 1.0, 0.9, 1.1, 1.0],
        "feature_1": [30.0, 30.0, 30.0, 30.0, 30.0],
        **columns,
    }
    frame = pd.DataFrame(data)
    frame.insert(1, "file_row", np.arange(2, len(frame) + 2, dtype=np.int32))
    return frame.astype({"battery_code": "category"})


def test_a_clean_frame_passes_unchanged() -> None:
    frame = _frame()
    kept, problems = apply_checks(frame, TIDY)
    assert kept is frame
    assert (problems.counts, problems.listed, problems.warnings) == ({}, (), ())


@pytest.mark.parametrize(
    ("column", "values", "kind", "bad"),
    [
        ("feature_1", [np.nan, 1, np.inf, 1, -np.inf], "feature_not_finite", [0, 2, 4]),
        ("capacity", [1, np.inf, np.nan, 1, 1], "label_not_finite", [1]),
        ("cycle", [1, -1, 2.5, np.nan, 2], "bad_cycle", [1, 2, 3]),
        ("cycle", [1, np.inf, 1e300, 0, 2], "bad_cycle", [1, 2]),
        ("cycle", [1, 1, 1, 1, 2], "duplicate_cycle", [1, 2]),
        ("rul", [1.5, -3, np.nan, 0, 1e12], "bad_rul", [0, 4]),
        ("battery_code", ["a", "", "a", "b", "b"], "no_battery", [1]),
    ],
)
def test_each_kind(column: str, values: list[float], kind: str, bad: list[int]) -> None:
    problems = find_problems(_frame(**{column: values}))
    assert problems.counts == {kind: len(bad)}
    assert list(np.flatnonzero(problems.bad_rows)) == bad
    assert [problem.file_row for problem in problems.listed] == [row + 2 for row in bad]


def test_stop_names_battery_row_and_the_way_out() -> None:
    with pytest.raises(UnusableRows, match=r"battery b, row 5: feature .*\(temp_degc = inf\)") as e:
        apply_checks(_frame(feature_1=[1, 1, 1, np.inf, 1]), TIDY)
    assert "Leave these rows out" in str(e.value)
    assert isinstance(e.value, BadFile)
    assert e.value.problems.listed[0].to_json()["battery_code"] == "b"


def _long_frame(n_rows: int = 20, **columns: object) -> pd.DataFrame:
    """Battery a with all rows but the last two, which are of battery b."""
    data: dict[str, object] = {
        "battery_code": ["a"] * (n_rows - 2) + ["b"] * 2,
        "file_row": np.arange(2, n_rows + 2, dtype=np.int32),
        "cycle": np.arange(n_rows, dtype=float),
        "capacity": 1.0,
        "feature_1": 30.0,
        **columns,
    }
    return pd.DataFrame(data).astype({"battery_code": "category"})


def test_drop_counts_rows_and_names_batteries_that_vanish() -> None:
    frame = _long_frame(feature_1=[np.inf, *[1.0] * 17, np.nan, np.inf])
    kept, problems = apply_checks(frame, replace(TIDY, bad_rows="drop"))
    assert list(kept["file_row"]) == list(range(3, 20))
    assert "3 unusable rows" in problems.warnings[0]
    assert "1 battery left out for lack of a usable row: b." in problems.warnings[1]


def test_stop_says_by_battery_what_leaving_out_would_take() -> None:
    frame = _long_frame(feature_1=[np.inf, *[1.0] * 17, np.nan, np.inf])
    with pytest.raises(UnusableRows, match=r"Rows by battery: b 2 of 2, a 1 of 18\. Leave these"):
        apply_checks(frame, TIDY)


def test_drop_keeps_the_first_of_duplicates() -> None:
    frame = _long_frame(cycle=[1.0, 1.0, *range(2, 20)])
    kept, _problems = apply_checks(frame, replace(TIDY, bad_rows="drop"))
    assert list(kept["file_row"]) == [2, *range(4, 22)]


@pytest.mark.parametrize("bad_rows", ["stop", "drop"])
def test_more_than_a_fifth_is_never_left_out_nor_offered(bad_rows: BadRows) -> None:
    frame = _long_frame(feature_1=[np.nan] * 5 + [1.0] * 15)
    with pytest.raises(UnusableRows, match="25% of all rows, too many to leave out") as error:
        apply_checks(frame, replace(TIDY, bad_rows=bad_rows))
    assert "Leave these rows out" not in str(error.value)
    assert not error.value.problems.may_drop


def test_half_cycles_are_named_and_nothing_is_offered() -> None:
    frame = _long_frame(cycle=np.arange(20) + 1.5)
    with pytest.raises(BadFile, match=r"'cycle' holds 1\.5, 2\.5, 3\.5 \.\.\.: half") as error:
        apply_checks(frame, replace(TIDY, bad_rows="drop"))
    assert not isinstance(error.value, UnusableRows)


def test_time_series_gets_its_own_advice() -> None:
    frame = _frame(cycle=[1, 1, 1, 1, 1])
    with pytest.raises(BadFile, match="one row per cycle"):
        apply_checks(frame.assign(battery_code=pd.Categorical(["a"] * 5)), TIDY)


def test_falling_cycles_are_a_warning() -> None:
    problems = find_problems(_frame(cycle=[3, 2, 1, 1, 2]))
    assert problems.n_bad_rows == 0
    assert "battery a" in problems.warnings[0]


def test_all_are_counted_and_the_first_listed_in_message_length() -> None:
    n = 3 * MAX_LISTED
    frame = (
        _frame()
        .iloc[np.zeros(n, dtype=int)]
        .assign(cycle=np.arange(n, dtype=float), feature_1=np.nan, file_row=np.arange(n))
    )
    with pytest.raises(UnusableRows) as error:
        apply_checks(frame, TIDY)
    assert error.value.problems.counts == {"feature_not_finite": n}
    assert len(error.value.problems.listed) == MAX_LISTED
    assert len(str(error.value)) < 2000
