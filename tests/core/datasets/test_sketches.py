"""Batteries are recognised by their capacities, and by nothing that two of them may share."""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from core.datasets.sketches import is_current, sketch
from core.leakage.copies import find_continuations, find_copies
from tests.core.leakage.cells import capacity_ah, compared, record

CELLS = [capacity_ah(seed) for seed in range(30)]
RECORDS = [record(cell) for cell in CELLS]


def sketched(capacity: np.ndarray, first_cycle: int = 1) -> list:
    return sketch(capacity, np.arange(first_cycle, first_cycle + len(capacity)))


def same_battery(first: Sequence[Any], second: Sequence[Any]) -> bool:
    return any(pair.kind == "same" for pair in find_copies([first], [second]))


def test_some_cycles_in_common_are_an_overlap() -> None:
    mixed = record(np.concatenate([CELLS[0][:300], CELLS[1][-60:]]))
    found = {(right, tie.kind) for _, right, tie in compared([mixed], RECORDS)}
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
