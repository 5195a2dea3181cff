"""End of life by capacity: the tolerance, runs, isolated readings and recovery."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.ingest.end_of_life import eol_cycle, recovers
from core.ingest.mapping import EolRule


def cycles(soh: np.ndarray) -> np.ndarray:
    return np.arange(1, len(soh) + 1)


@pytest.mark.parametrize(
    "at_threshold",
    [0.80, 1.0 - (1.0 - 0.88 / 1.1), float(np.float32(0.88)) / float(np.float32(1.1)), 0.8 - 9e-8],
)
def test_at_the_threshold_is_not_below_it(at_threshold: float) -> None:
    soh = np.array([0.84, 0.83, 0.82, 0.81, at_threshold, 0.799])
    assert eol_cycle(cycles(soh), soh, EolRule()) == 6


def test_a_dip_neither_counts_for_a_run_nor_ends_it() -> None:
    soh = np.array([0.84, 0.83, 0.82, 0.81, 0.79, 0.3, np.nan, 0.785, 0.78, 0.775, 0.77, 0.765])
    assert eol_cycle(cycles(soh), soh, EolRule(0.80, "consecutive", 3)) == 5


def test_isolated_readings_count_when_asked() -> None:
    soh = 1.0 - 0.001 * np.arange(40)
    soh[[10, 20]] = [0.5, 0.0]
    assert eol_cycle(cycles(soh), soh, EolRule()) is None
    assert eol_cycle(cycles(soh), soh, EolRule(count_isolated=True)) == 11


def test_no_life_where_every_other_row_is_halved() -> None:
    soh = 1.0 - 0.01 * np.arange(40)
    soh[1::2] /= 2.0
    assert eol_cycle(cycles(soh), soh, EolRule()) is None
    assert eol_cycle(cycles(soh), soh, EolRule(count_isolated=True)) == 2


def test_recovery() -> None:
    soh = np.array([0.83, 0.82, 0.79, 0.81, 0.79, 0.78])
    assert recovers(cycles(soh), soh, EolRule(), 3)
    assert not recovers(cycles(soh), soh, EolRule(), 5)


smooth_steps = st.lists(st.integers(0, 40), min_size=20, max_size=80)


@given(smooth_steps, st.data())
def test_a_dip_in_a_smooth_fade_never_changes_the_life(
    steps: list[int], data: st.DataObject
) -> None:
    soh = 1.0 - np.cumsum(steps) / 10_000  # to four decimals, so often exactly at the threshold
    row = data.draw(st.integers(0, len(soh) - 2))
    dipped = soh.copy()
    dipped[row] = 0.0 if data.draw(st.booleans()) else soh[row] - 0.3
    rule = EolRule(data.draw(st.sampled_from([0.95, 0.98])))
    life = eol_cycle(cycles(soh), soh, rule)
    now = eol_cycle(cycles(soh), dipped, rule)
    # Where the dip is laid on the row that ended the life, the next one ends it.
    if life != row + 1:
        assert now == life
    else:
        assert now is not None and now > life


@given(smooth_steps, st.sampled_from([1.1, 2.0, 4.84, 280.0]))
def test_capacity_and_nominal_in_another_size_give_the_same_life(
    steps: list[int], nominal_ah: float
) -> None:
    soh = 1.0 - np.cumsum(steps) / 10_000
    capacity = soh * nominal_ah
    for dtype in (np.float64, np.float32):
        again = capacity.astype(dtype).astype(np.float64) / nominal_ah
        assert eol_cycle(cycles(soh), again, EolRule(0.95)) == eol_cycle(
            cycles(soh), soh, EolRule(0.95)
        )


@given(smooth_steps, st.data())
def test_blank_rows_change_nothing(steps: list[int], data: st.DataObject) -> None:
    soh = 1.0 - np.cumsum(steps) / 10_000
    where = data.draw(st.lists(st.integers(0, len(soh)), max_size=5))
    numbered = np.insert(cycles(soh).astype(float), where, 0)
    assert eol_cycle(numbered, np.insert(soh, where, np.nan), EolRule(0.95)) == eol_cycle(
        cycles(soh), soh, EolRule(0.95)
    )
