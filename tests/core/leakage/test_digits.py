"""True copies are found whatever was done to them; cells that fade alike are never blocked."""

from collections.abc import Callable, Sequence
from itertools import combinations

import numpy as np
import pandas as pd
import pytest

from core.datasets.sketches import CapacityRecord
from core.leakage.digits import compare_digits
from core.leakage.lattice import lattice_step
from tests.core.leakage.cells import capacity_ah, chamber_mates, compared, record, twins

CELLS = [capacity_ah(seed) for seed in range(30)]
RECORDS = [record(cell) for cell in CELLS]

Change = Callable[[np.ndarray], CapacityRecord]


def rows_left_out(capacity: np.ndarray) -> CapacityRecord:
    """Every third row is missing and the others are numbered anew."""
    return record(capacity[np.arange(len(capacity)) % 3 != 1])


def median_of_five(capacity: np.ndarray) -> CapacityRecord:
    rolled = pd.Series(capacity).rolling(5, center=True, min_periods=1)
    return record(rolled.median().to_numpy())


COPIES: dict[str, Change] = {
    "as it is": record,
    "in single precision": lambda c: record(c.astype(np.float32)),
    "in mAh and back": lambda c: record((c * 1000) / 1000),
    "as SOH of 1.1 Ah and back": lambda c: record(1.1 * (1 - (1 - c / 1.1))),
    "as SOH with four decimals": lambda c: record(1.1 * (1 - np.round(1 - c / 1.1, 4))),
    "with other cycle numbers": lambda c: record(c, 5000),
    "with rows left out": rows_left_out,
    "the first quarter": lambda c: record(c[:100]),
    "the last quarter, numbered anew": lambda c: record(c[-100:]),
    "rounded to 5 decimals": lambda c: record(np.round(c, 5)),
    "rounded to 4 decimals": lambda c: record(np.round(c, 4)),
    "rounded to 1 mAh": lambda c: record(np.round(c, 3)),
    "smoothed over 5 cycles": median_of_five,
    "with gaps filled by NaN": lambda c: record(np.where(np.arange(len(c)) % 7 == 0, np.nan, c)),
}
ROUNDED = {
    "fine": lambda c: c,
    "5 decimals": lambda c: np.round(c, 5),
    "4 decimals": lambda c: np.round(c, 4),
    "1 mAh": lambda c: np.round(c, 3),
    "10 mAh": lambda c: np.round(c, 2),
}


def same(found: Sequence[tuple[int, int, object]]) -> set[tuple[int, int]]:
    return {(left, right) for left, right, tie in found if tie.kind == "same"}


@pytest.mark.parametrize("change", COPIES)
def test_a_copy_is_recognised_and_taken_for_no_other(change: str) -> None:
    found = compared(RECORDS, [COPIES[change](cell) for cell in CELLS])
    assert same(found) == {(i, i) for i in range(len(CELLS))}
    assert len(found) == len(CELLS)


@pytest.mark.parametrize("decimals", [7, 5, 4, 3])
def test_different_cells_are_different_at_any_resolution(decimals: int) -> None:
    assert not compared([record(np.round(cell, decimals)) for cell in CELLS])


@pytest.mark.parametrize("cycles", [150, 400, 769])
@pytest.mark.parametrize("rounding", ROUNDED)
def test_no_twin_is_taken_for_the_same_battery(cycles: int, rounding: str) -> None:
    for seed in range(6):
        cells = [record(ROUNDED[rounding](cell)) for cell in twins(seed, 8, cycles)]
        found = compared(cells)
        assert not same(found)
        assert {tie.kind for _, _, tie in found} <= {"alike"}


def test_twins_are_told_with_what_the_hint_rests_on() -> None:
    found = compared([record(cell) for cell in twins(0, 2, 769)])
    assert [tie.kind for _, _, tie in found] == ["alike"]
    tie = found[0][2]
    assert tie.agreement is not None and tie.agreement.equal < 40
    assert tie.basis == (
        "the medians of the same cycles agree within 0.08 %, but only "
        f"{tie.agreement.equal} of 769 capacities are equal"
    )


def test_fifty_five_twins_of_one_batch_are_fifty_five_cells() -> None:
    cells = [record(cell) for cell in twins(3, 55, 769)]
    assert not same(compared(cells))


@pytest.mark.parametrize("shared", [0.5, 0.9])
@pytest.mark.parametrize(
    ("first", "second"),
    [("fine", "fine"), ("fine", "1 mAh"), ("4 decimals", "4 decimals"), ("1 mAh", "1 mAh")],
)
def test_cells_of_one_chamber_that_share_their_noise_are_different(
    shared: float, first: str, second: str
) -> None:
    for seed in range(4):
        for one, two in combinations(chamber_mates(seed, 5, shared), 2):
            left, right = record(ROUNDED[first](one)), record(ROUNDED[second](two))
            assert not compare_digits(left, right).is_same


def test_a_rounded_copy_among_its_twins_is_found_and_the_twins_are_not() -> None:
    for seed in range(4):
        cells = twins(seed, 6, 769)
        found = compared([record(cells[0])], [record(np.round(cell, 3)) for cell in cells])
        assert same(found) == {(0, 0)}


def test_digits_too_few_to_decide_give_a_hint() -> None:
    """Rounded to 10 mAh, one in a hundred capacities could tell a copy from a twin."""
    coarse = [record(np.round(CELLS[0], 2)), record(np.round(CELLS[0], 2))]
    found = compared(coarse)
    assert [tie.kind for _, _, tie in found] == ["alike"]
    assert "400 of 400 capacities are equal, but with so few digits" in found[0][2].basis


@pytest.mark.parametrize(
    ("change", "step"),
    [
        (lambda c: c, 0.0),
        (lambda c: c.astype(np.float32).astype(np.float64), 0.0),
        (lambda c: np.round(c, 7), 0.0),
        (lambda c: np.round(c, 5), 1e-5),
        (lambda c: np.round(c, 4), 1e-4),
        (lambda c: np.round(c, 3).astype(np.float32).astype(np.float64), 1e-3),
        (lambda c: 1.1 * (1 - np.round(1 - c / 1.1, 4)), 1.1e-4),
        (lambda c: np.round(c, 2), 1e-2),
    ],
)
def test_steps_of_rounded_capacities_are_found(change: Callable, step: float) -> None:
    for cell in CELLS[:10]:
        assert lattice_step(change(cell)) == pytest.approx(step, rel=1e-3)


def test_a_constant_or_short_record_proves_nothing() -> None:
    flat, short = record(np.full(400, 1.1)), record(np.linspace(1.1, 1.0, 8))
    assert not compare_digits(flat, flat).is_same
    assert not compare_digits(short, short).is_same
