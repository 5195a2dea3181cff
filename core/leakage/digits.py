"""Compares the capacities of two records digit by digit: one battery, or two that age alike?

Two cells of one batch may fade so alike that their medians agree within 0.1 %, and cells that rest
and warm up together share most of their noise. But the last digits of their capacities differ. So
the digits decide, against a *twin*: a cell with the same fade that shares 90 % of the noise of one
record and takes the rest from other rows of it.

- **By value**, wherever it stands: far more capacities of one record occur in the other than would
  in that of a twin. This decides whenever digits are fine.
- **By row**, where digits are few: the capacities of one record, rounded as the other is, equal
  those in the same rows. A twin would differ in 12 rows or more, and these two records differ in
  less than a twentieth of that.

Error rates: docs/decisions/015.
"""

from dataclasses import dataclass

import numpy as np

from core.datasets.sketches import CapacityRecord
from core.leakage.lattice import EQUAL, lattice_step, without_noise

MIN_VALUES = 12
# The two of the most alike pair of 55 real cells of one batch share 95 % of their noise, others
# less; see docs/decisions/015.
SHARED_NOISE = 0.9
NOISE_MOVES = (-5, -4, -3, -2, -1, 1, 2, 3, 4, 5)
NEIGHBOURS = 4
# By value: the share in common lies this far up from that of a twin to all; records of one real
# cell share at least 0.87 (docs/decisions/009). And chance, at most, that a twin shares so many.
SAME_SHARE = 0.6
BY_CHANCE = 1e-9
SHIFTS = (3, 4, 5, 7, 9)
# By row.
MIN_EXPECTED = 12
# More, because the stretch was chosen for its equal rows.
MIN_EXPECTED_OF_RUNS = 36
FEWER = 20
SAME_STEP = 0.98
STRAYS_BY = 0.75
# A twin that shares 90 % of the noise differs in so many of the rows in which a cell with noise of
# its own would.
OWN_NOISE = 0.3
RUN_LENGTH = 8


@dataclass(frozen=True)
class Agreement:
    """What the digits of two records say.

    is_same : the digits prove one battery
    equal, compared : how many capacities are equal, of how many that were compared
    is_coarse : digits are too few to decide by value
    """

    is_same: bool
    equal: int
    compared: int
    is_coarse: bool = False

    @property
    def share(self) -> float:
        """Share of the compared capacities that are equal, 0 to 1."""
        return self.equal / self.compared if self.compared else 0.0


def compare_digits(first: CapacityRecord, second: CapacityRecord) -> Agreement:
    """Decide by value where digits are fine, else by row: by cycle number, then by rows alone."""
    if min(len(first.capacity_ah), len(second.capacity_ah)) < MIN_VALUES:
        return Agreement(False, 0, 0)
    steps = lattice_step(first.capacity_ah), lattice_step(second.capacity_ah)
    by_value = _by_value(first.capacity_ah, second.capacity_ah, max(steps))
    if by_value.is_same or not by_value.is_coarse:
        return by_value
    by_row = _by_row(*_rows_by_cycle(first, second), steps)
    if by_row.is_same:
        return by_row
    by_run = _by_row(*_rows_by_run(first, second, max(steps)), steps, MIN_EXPECTED_OF_RUNS)
    return by_run if by_run.is_same else by_row


def _by_value(first: np.ndarray, second: np.ndarray, step: float) -> Agreement:
    """Count capacities of the record with fewer different ones that the other has, too."""
    one, two = sorted((first, second), key=lambda values: len(np.unique(values)))
    few, many = np.unique(one), np.unique(two)
    width = max(EQUAL * float(np.median(many)), step / 4)
    equal = int(_found(few, many, width).sum())
    expected = max(0.01, _twin_share(two, many, width, step))
    share = equal / len(few)
    same = (
        len(few) >= MIN_VALUES
        and share >= expected + SAME_SHARE * (1 - expected)
        and _log_chance(share, expected, len(few)) <= np.log(BY_CHANCE)
    )
    return Agreement(bool(same), equal, len(few), is_coarse=step > width)


def _twin_share(record: np.ndarray, values: np.ndarray, width: float, step: float) -> float:
    """Share of its capacities that a twin would have in common with a record, at most."""
    moves = [sign * shift * max(width, step) for shift in SHIFTS for sign in (1, -1)]
    shares = [_found(values + move, values, width).mean() for move in moves]
    for twin in _twins(record):
        rounded = values[0] + np.round((twin - values[0]) / step) * step if step else twin
        shares.append(_found(np.unique(rounded), values, width).mean())
    return float(max(shares))


def _twins(record: np.ndarray) -> list[np.ndarray]:
    """Records of the same fade whose noise is 90 % that of the record, the rest of other rows."""
    trend = without_noise(record, NEIGHBOURS)
    noise = record - trend
    own = np.sqrt(1 - SHARED_NOISE**2)
    return [trend + SHARED_NOISE * noise + own * np.roll(noise, move) for move in NOISE_MOVES]


def _log_chance(share: float, expected: float, n: int) -> float:
    """Upper bound (Chernoff) of ln P(at least `share` of n) where each comes with `expected`."""
    if share <= expected:
        return 0.0
    rest = (1 - share) * np.log((1 - share) / (1 - expected)) if share < 1 else 0.0
    return float(-n * (share * np.log(share / expected) + rest))


def _found(values: np.ndarray, others: np.ndarray, width: float) -> np.ndarray:
    """Which values have one of the sorted `others` within `width`."""
    place = np.searchsorted(others, values)
    after = np.abs(others[np.minimum(place, len(others) - 1)] - values)
    before = np.abs(others[np.maximum(place - 1, 0)] - values)
    found: np.ndarray = np.minimum(before, after) <= width
    return found


def _rows_by_cycle(first: CapacityRecord, second: CapacityRecord) -> tuple[np.ndarray, np.ndarray]:
    """Capacities of the cycles that both records have."""
    _, left, right = np.intersect1d(first.cycle_num, second.cycle_num, return_indices=True)
    return first.capacity_ah[left], second.capacity_ah[right]


def _rows_by_run(
    first: CapacityRecord, second: CapacityRecord, step: float
) -> tuple[np.ndarray, np.ndarray]:
    """Capacities of the stretch whose rows fit best when one record is moved along the other.

    The move is that of most runs of eight rounded capacities in common; the stretch reaches from
    the first of them to the last.
    """
    places: dict[bytes, int] = {}
    for place, run in _runs(first.capacity_ah, step):
        places.setdefault(run, place)
    shared = [(places[run], at) for at, run in _runs(second.capacity_ah, step) if run in places]
    if not shared:
        return np.array([]), np.array([])
    moves, counts = np.unique([at - place for place, at in shared], return_counts=True)
    move = int(moves[counts.argmax()])
    starts = [place for place, at in shared if at - place == move]
    start, stop = min(starts), max(starts) + RUN_LENGTH
    return first.capacity_ah[start:stop], second.capacity_ah[start + move : stop + move]


def _runs(capacity_ah: np.ndarray, step: float) -> list[tuple[int, bytes]]:
    steps = np.round(capacity_ah / step).astype(np.int64)
    return [
        (place, steps[place : place + RUN_LENGTH].tobytes())
        for place in range(len(steps) - RUN_LENGTH + 1)
    ]


def _by_row(
    one: np.ndarray,
    two: np.ndarray,
    steps: tuple[float, float],
    least_expected: int = MIN_EXPECTED,
) -> Agreement:
    """Compare capacities of the same rows, the finer ones as if rounded like the others."""
    step = max(steps)
    if len(one) <= 2 * NEIGHBOURS:
        return Agreement(False, 0, len(one), True)
    fine, coarse = (two, one) if steps[0] == step else (one, two)
    if min(steps) > SAME_STEP * step:
        different, expected = np.abs(fine - coarse) > step / 4, _expected_by_strays(coarse, step)
    else:
        # Rounding moves a capacity by half a step of each record at most.
        width = 0.51 * sum(steps)
        different = np.abs(fine - coarse) > width
        twins = [(np.abs(twin - coarse) > width).sum() for twin in _twins(fine)]
        expected = float(np.mean(twins))
    n_different = int(different.sum())
    same = expected >= least_expected and n_different <= expected / FEWER
    return Agreement(same, len(one) - n_different, len(one), True)


def _expected_by_strays(coarse: np.ndarray, step: float) -> float:
    """Rows in which a twin would differ, where all that shows of the noise is in rounded rows.

    Those are the rows that stray to another step than their neighbours. A cell with noise of its
    own differs where it strays and where this one does.
    """
    strays = np.abs(coarse - without_noise(coarse, NEIGHBOURS)) >= STRAYS_BY * step
    return float(OWN_NOISE * 2 * strays.sum() * (1 - strays.mean()))
