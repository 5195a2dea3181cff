"""Batteries are recognised by their capacities, and by nothing that two of them may share."""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest

from core.datasets.sketches import is_current, sketch
from core.leakage.copies import find_continuations, find_copies
from tests.core.leakage.cells import capacity_ah, cycles_of

CELLS = [capacity_ah(seed) for seed in range(30)]
SKETCHES = [sketch(cell, cycles_of(cell)) for cell in CELLS]


def sketched(capacity: np.ndarray, first_cycle: int = 1) -> list:
    return sketch(capacity, np.arange(first_cycle, first_cycle + len(capacity)))


def rows_left_out(capacity: np.ndarray) -> list:
    """Every third row is missing and the others are numbered anew."""
    kept = capacity[np.arange(len(capacity)) % 3 != 1]
    return sketched(kept)


COPIES = {
    "as it is": lambda c: sketched(c),
    "in single precision": lambda c: sketched(c.astype(np.float32)),
    "with other cycle numbers": lambda c: sketched(c, 5000),
    "with rows left out": rows_left_out,
    "the first quarter": lambda c: sketched(c[:100]),
    "the last quarter, numbered anew": lambda c: sketched(c[-100:]),
    "rounded to 1 mAh": lambda c: sketched(np.round(c, 3)),
    "smoothed over 5 cycles": lambda c: sketched(
        pd.Series(c).rolling(5, center=True, min_periods=1).median().to_numpy()
    ),
    "with gaps filled by NaN": lambda c: sketched(np.where(np.arange(len(c)) % 7 == 0, np.nan, c)),
}


def same_battery(first: Sequence[Any], second: Sequence[Any]) -> bool:
    return any(pair.kind == "same" for pair in find_copies([first], [second]))


@pytest.mark.parametrize("change", COPIES, ids=str)
def test_a_copy_is_recognised_and_taken_for_no_other(change: str) -> None:
    copies = [COPIES[change](cell) for cell in CELLS]
    pairs = find_copies(SKETCHES, copies)
    assert {(pair.left, pair.right) for pair in pairs} == {(i, i) for i in range(len(CELLS))}
    assert {pair.kind for pair in pairs} == {"same"}


@pytest.mark.parametrize("decimals", [7, 5, 4, 3])
def test_different_cells_are_different_at_any_resolution(decimals: int) -> None:
    coarse = [sketched(np.round(cell, decimals)) for cell in CELLS]
    assert all(pair.left == pair.right for pair in find_copies(coarse, coarse))


def test_some_cycles_in_common_are_an_overlap() -> None:
    mixed = sketched(np.concatenate([CELLS[0][:300], CELLS[1][-60:]]))
    found = {(pair.right, pair.kind) for pair in find_copies([mixed], SKETCHES)}
    assert found == {(0, "same"), (1, "overlap")}


@pytest.mark.parametrize(
    "capacity",
    [
        np.full(400, 1.1),
        np.linspace(1.1, 1.0, 5),
        np.full(400, np.nan),
        np.zeros(400),
        np.array([]),
    ],
    ids=["constant", "five cycles", "unknown", "zero", "no rows"],
)
def test_what_says_nothing_matches_nothing(capacity: np.ndarray) -> None:
    empty = sketched(capacity)
    assert not same_battery(empty, empty)
    assert not find_continuations([empty], [empty], [1.1])
    assert is_current(empty)


def test_a_sketch_survives_json_and_is_small() -> None:
    long = capacity_ah(1, cycles=2000)
    text = json.dumps(sketched(long))
    assert len(text) < 6000
    assert same_battery(json.loads(text), sketched(long[:700]))
    assert not is_current(None)


def test_a_record_that_goes_on_is_found_by_its_first_capacity() -> None:
    ends = [330 + seed for seed in range(len(CELLS))]
    first = [sketched(cell[:end]) for cell, end in zip(CELLS, ends, strict=True)]
    nominal = [1.1] * len(CELLS)
    expected = {(i, i) for i in range(len(CELLS))}
    going_on = [sketched(cell[end:], end + 1) for cell, end in zip(CELLS, ends, strict=True)]
    found = {(pair.left, pair.right) for pair in find_continuations(first, going_on, nominal)}
    assert found == expected
    repeated = [sketched(cell[end - 1 :]) for cell, end in zip(CELLS, ends, strict=True)]
    found = {(pair.left, pair.right) for pair in find_continuations(first, repeated, nominal)}
    assert found == expected


def test_fresh_cells_continue_nothing() -> None:
    """Capacities near the nominal one are alike by chance."""
    aged = sketched(np.linspace(1.2, 1.08, 100))
    fresh = sketched(np.linspace(1.08, 1.0, 100))
    assert not find_continuations([aged], [fresh], [1.1])
    assert find_continuations([aged], [fresh], [1.3])
