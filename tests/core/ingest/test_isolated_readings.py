"""Isolated readings: what is one, what is not, and that they are found fast."""

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.ingest.isolated_readings import (
    check_up_rows,
    isolated_mask,
    too_many_isolated,
    usual_step,
)


def fade(n: int = 30, slope: float = 0.002) -> np.ndarray:
    """SOH that falls evenly from 1."""
    return 1.0 - slope * np.arange(n)


def lowered(rows: list[int], to: float = 0.5) -> np.ndarray:
    """The even fade with some rows set low."""
    soh = fade()
    soh[rows] = to
    return soh


@pytest.mark.parametrize("rows", [[0], [12], [12, 13], [12, 13, 14], [0, 1, 2], [5, 20], [29]])
def test_up_to_three_low_rows_in_a_row_are_isolated(rows: list[int]) -> None:
    assert np.flatnonzero(isolated_mask(lowered(rows))).tolist() == rows


@pytest.mark.parametrize("rows", [[28, 29], [26, 27, 28, 29]])
def test_a_battery_that_stays_low_is_not_isolated(rows: list[int]) -> None:
    assert not isolated_mask(lowered(rows)).any()


def test_four_low_rows_in_a_row_are_not_all_caught() -> None:
    # The known limit: the median of five rows after the first holds three low ones.
    assert not isolated_mask(lowered([12, 13, 14, 15]))[12]


@pytest.mark.parametrize(("depth", "isolated"), [(0.049, False), (0.05, False), (0.051, True)])
def test_more_than_five_hundredths_below(depth: float, isolated: bool) -> None:
    soh = np.full(11, 0.9)
    soh[5] -= depth
    assert bool(isolated_mask(soh)[5]) is isolated


def test_zero_and_below_always_and_blanks_never() -> None:
    soh = np.array([0.0, np.nan, -0.1, np.nan, 0.0])
    assert isolated_mask(soh).tolist() == [True, False, True, False, True]
    assert isolated_mask(np.array([])).tolist() == []
    assert isolated_mask(np.array([0.4])).tolist() == [False]


def test_zeros_and_blanks_are_no_neighbours() -> None:
    soh = np.insert(lowered([12]), [12, 12, 13, 13], [0.0, np.nan, 0.0, 0.0])
    assert np.flatnonzero(isolated_mask(soh)).tolist() == [12, 14, 15, 16]


def test_the_last_row_must_fall_far_more_steeply_than_those_before() -> None:
    even = np.array([1.0, 0.99, 0.98, 0.97, 0.96, 0.95, 0.88])
    steep = np.array([1.0, 0.98, 0.96, 0.94, 0.92, 0.90, 0.81])
    assert isolated_mask(even).tolist() == [False] * 6 + [True]
    assert not isolated_mask(steep).any()
    assert not isolated_mask(np.array([1.0, 0.5])).any()


def test_trailing_zeros_do_not_hide_the_last_row_that_was_measured() -> None:
    soh = np.concatenate([fade(20), [0.5, 0.0, 0.0]])
    assert np.flatnonzero(isolated_mask(soh)).tolist() == [20, 21, 22]


@pytest.mark.parametrize(("low", "known", "many"), [(3, 8, False), (4, 16, False), (5, 16, True)])
def test_too_many(low: int, known: int, many: bool) -> None:
    soh = np.concatenate([np.ones(known), [np.nan] * 5])
    isolated = np.arange(len(soh)) < low
    assert too_many_isolated(soh, isolated) is many


def test_usual_step() -> None:
    assert usual_step(np.array([1, 51, 101, 140])) == 50
    assert usual_step(np.array([2, 4, 6, 8])) == 2
    assert usual_step(np.array([1, 5, 20])) is None
    assert usual_step(np.array([7])) is None


def test_check_ups_read_higher_than_both_sides() -> None:
    soh = fade()
    soh[[0, 10, 20]] += 0.3
    assert check_up_rows(soh).tolist() == [0, 10, 20]
    assert check_up_rows(1.0 - 0.06 * np.arange(10)).tolist() == [0]
    assert not len(check_up_rows(np.array([1.0])))


@given(
    st.lists(st.floats(0.0, 0.005), min_size=12, max_size=60),
    st.integers(0, 59),
    st.floats(0.1, 0.6),
)
def test_one_dip_in_a_smooth_fade_is_found_and_nothing_else(
    steps: list[float], where: int, depth: float
) -> None:
    smooth = 1.0 - np.cumsum(steps)
    assert not isolated_mask(smooth).any()
    row = where % (len(smooth) - 1)
    dipped = smooth.copy()
    dipped[row] -= depth
    assert np.flatnonzero(isolated_mask(dipped)).tolist() == [row]


def test_a_fleet_takes_a_fraction_of_a_second() -> None:
    cells = [fade(1000, 2e-4) for _ in range(124)]
    start = time.perf_counter()
    for cell in cells:
        isolated_mask(cell)
    assert time.perf_counter() - start < 2.0  # about 0.1 s on an idle machine
