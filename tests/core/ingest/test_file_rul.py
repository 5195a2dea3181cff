"""Cycle life from the RUL of a file, and RUL that does not count cycles."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.base.errors import BadFile
from core.ingest.file_rul import life_from_rul, refuse_rul_shares, with_life_column
from core.ingest.mapping import ColumnMapping

CYCLE = np.arange(1, 301)


def raw(**columns: object) -> pd.DataFrame:
    """A raw frame of one battery with 300 cycles."""
    code = pd.Categorical(["a"] * len(CYCLE))
    return pd.DataFrame({"battery_code": code, "cycle": CYCLE.astype(float), **columns})


@pytest.mark.parametrize(
    ("rul", "life"),
    [
        (201.0 - CYCLE, 201),
        (np.minimum(201.0 - CYCLE, 125), 201),
        (np.maximum(151.0 - CYCLE, 0), 151),
        (np.where(CYCLE <= 201, 201.0 - CYCLE, np.nan), 201),
        (-CYCLE.astype(float), None),
        (np.zeros(300), None),
        (np.full(300, np.nan), None),
        (np.full(300, 7.0), None),
        (200.5 - CYCLE, None),
    ],
    ids=["plain", "clipped", "tail", "blank tail", "below 0", "zeros", "blank", "held", "halves"],
)
def test_life_from_rul(rul: np.ndarray, life: int | None) -> None:
    assert life_from_rul(CYCLE, rul) == life


def test_the_larger_of_two_and_all_where_there_are_few() -> None:
    cycle = np.arange(1, 7)
    assert life_from_rul(cycle, np.array([9, 8, 7, 7, 6, 5.0])) == 11
    assert life_from_rul(cycle[:2], np.array([9.0, 8.0])) == 10
    assert life_from_rul(cycle[:2], np.array([9.0, 9.0])) is None
    assert life_from_rul(cycle[:1], np.array([9.0])) == 10


@given(st.integers(20, 250), st.permutations(range(300)))
def test_the_order_of_rows_does_not_matter(life: int, order: list[int]) -> None:
    rul = np.maximum(np.minimum(life - CYCLE, 125), 0).astype(float)
    assert life_from_rul(CYCLE[order], rul[order]) == life_from_rul(CYCLE, rul) == life


@pytest.mark.parametrize(
    ("column", "rul", "named"),
    [
        ("RUL", (300 - CYCLE) / 299, "share of life"),
        ("RUL", np.round((300 - CYCLE) / 299 * 100), "in percent"),
        ("RUL", (300 - CYCLE) / 299 * 100, "in percent"),
        ("RUL (%)", np.round((300 - CYCLE) / 400 * 100), "in percent"),
    ],
)
def test_shares_and_percent_are_refused(column: str, rul: np.ndarray, named: str) -> None:
    with pytest.raises(BadFile, match=named):
        refuse_rul_shares(raw(rul=rul), ColumnMapping(rul_column=column))


@pytest.mark.parametrize(
    "rul", [np.minimum(300.0 - CYCLE, 100), np.maximum(101.0 - CYCLE, 0), np.full(300, np.nan)]
)
def test_cycles_that_begin_at_100_are_not_percent(rul: np.ndarray) -> None:
    refuse_rul_shares(raw(rul=rul), ColumnMapping(rul_column="RUL"))


def test_a_column_of_lives_fills_what_rul_does_not_tell() -> None:
    mapping = ColumnMapping(life_column="life")
    filled, codes = with_life_column(raw(life=np.full(300, 201.0)), mapping)
    assert codes == {"a"}
    assert filled["rul"].tolist()[:2] == [200, 199]
    assert filled["rul"].isna().sum() == 99
    told = raw(life=np.full(300, 250.0), rul=201.0 - CYCLE)
    kept, codes = with_life_column(told, replace(mapping, rul_column="rul"))
    assert codes == set()
    np.testing.assert_array_equal(kept["rul"], told["rul"])


@pytest.mark.parametrize("life", [0.0, -3.0, 10.5, np.inf])
def test_impossible_lives_are_refused(life: float) -> None:
    with pytest.raises(BadFile, match="whole number above 0"):
        with_life_column(raw(life=np.full(300, life)), ColumnMapping(life_column="life"))


def test_two_lives_of_a_battery_are_refused() -> None:
    with pytest.raises(BadFile, match="Battery a has two values in column 'life'"):
        with_life_column(raw(life=CYCLE.astype(float)), ColumnMapping(life_column="life"))
