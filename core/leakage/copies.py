"""Finds pairs of records of one battery, and records that continue another one, by sketches.

Where the digits are fine, the sketches decide. Otherwise a pair is a candidate: the capacities
themselves decide whether it is one battery or two that age alike (core.leakage.digits).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from core.datasets.sketches import KEPT_RUNS, KEPT_VALUES, MEDIAN_GRID, STRETCH_EDGES

PairKind = Literal["same", "candidate", "overlap", "continues", "follows"]

# Share of sampled capacities in common, beyond the share that repeats within one record. Records
# of the same real cell share at least 0.87 (docs/decisions/009).
SAME_SHARE = 0.6
MAX_REPEATED_VALUES = 0.25
# With three decimals all records go through the same values, even through the same runs of eight.
COARSE = 0.75
# Records of eight digits repeat at most 7 % of their capacities.
FINE = 0.1
MIN_VALUES = 6
SAME_RUN_SHARE = 0.25
OVERLAP_RUN_SHARE = 0.03
MAX_REPEATED_RUNS = 0.02
MIN_RUNS = 5
# Medians of the same cycles, rounded to three decimals, differ by 0.0005; those of different
# cells of one batch may agree as well, so they make candidates only.
MEDIAN_TOLERANCE = 8e-4
MIN_STRETCHES = 8
MIN_FADE = 0.02
# A continuing record must start below this share of the nominal capacity, because fresh cells
# have nearly equal capacities.
AGED_BELOW = 0.95
EQUAL = 2e-6
NEXT_STEP = 3e-3
RESTARTS_AT = 2


@dataclass(frozen=True)
class Pair:
    """Two records, given by their positions in the compared lists.

    kind : "same" battery; "candidate": perhaps the same; "overlap": some cycles are in both;
        "continues": the right record starts where the left one ends; "follows": the left one
        starts where the right one ends
    share : of the shorter record's capacities that the other one has, 0 to 1
    medians_agree : the medians over the same cycles are equal within 0.08 %
    """

    left: int
    right: int
    kind: PairKind
    share: float
    medians_agree: bool = False


def find_copies(left: Sequence[Sequence[Any]], right: Sequence[Sequence[Any]]) -> list[Pair]:
    """Find pairs of the same battery, candidates for it, then pairs that share some cycles."""
    values = _shared(left, right, 1, MAX_REPEATED_VALUES, MIN_VALUES)
    runs = _shared(left, right, 2, MAX_REPEATED_RUNS, MIN_RUNS)
    alike = {
        pair: share
        for pair, share in values.items()
        if share >= SAME_SHARE + max(left[pair[0]][1][1], right[pair[1]][1][1])
    }
    alike |= {
        pair: max(share, alike.get(pair, 0.0))
        for pair, share in runs.items()
        if share >= SAME_RUN_SHARE
    }
    same = {
        pair: share
        for pair, share in alike.items()
        if _is_fine(left[pair[0]]) and _is_fine(right[pair[1]])
    }
    medians_agree = set(_alike(left, right))
    candidates = sorted((alike.keys() | medians_agree) - same.keys())
    overlap = {
        pair: share
        for pair, share in runs.items()
        if pair not in alike
        and pair not in medians_agree
        and share >= OVERLAP_RUN_SHARE
        and max(left[pair[0]][1][1], right[pair[1]][1][1]) <= MAX_REPEATED_VALUES
    }
    return [
        *(Pair(*pair, "same", share) for pair, share in sorted(same.items())),
        *(Pair(*pair, "candidate", 0.0, pair in medians_agree) for pair in candidates),
        *(Pair(*pair, "overlap", share) for pair, share in sorted(overlap.items())),
    ]


def _is_fine(item: Sequence[Any]) -> bool:
    """Whether capacities hardly repeat and are not rounded to four decimals."""
    ends = np.exp(np.array(item[4]))
    rounded = np.abs(ends - np.round(ends, 4)) <= EQUAL / 10 * ends
    return bool(item[1][1] <= FINE and not rounded.all())


def find_continuations(
    left: Sequence[Sequence[Any]],
    right: Sequence[Sequence[Any]],
    nominal_ah: Sequence[float | None],
) -> list[Pair]:
    """Find pairs whose right record starts aged, at the capacity where the left one ends.

    Either the two capacities agree to the sixth digit, or the cycle number goes on by one and the
    capacities differ by less than 0.3 %.

    Parameters
    ----------
    nominal_ah : nominal capacity of each right battery; where unknown, the median first capacity
        of the left batteries is used
    """
    known = [place for place, item in enumerate(left) if item]
    if not known:
        return []
    ends = np.array([left[place][4] for place in known])
    last_cycles = np.array([left[place][5][1] for place in known])
    fine = np.array([left[place][1][1] <= MAX_REPEATED_VALUES for place in known])
    usual_ah = float(np.exp(np.median(ends[:, 0])))
    pairs = []
    for place, item in enumerate(right):
        if not item or np.exp(item[4][0]) > AGED_BELOW * (nominal_ah[place] or usual_ah):
            continue
        gap = np.abs(ends[:, 1] - item[4][0])
        equal = (gap <= EQUAL) & fine & (item[1][1] <= MAX_REPEATED_VALUES)
        goes_on = (last_cycles + 1 == item[5][0]) & (gap <= NEXT_STEP)
        ordered = (item[5][0] >= last_cycles) | (item[5][0] <= RESTARTS_AT)
        followed = (equal & ordered | goes_on) & (ends[:, 1] < ends[:, 0])
        pairs += [
            Pair(known[found], place, "continues", 0.0)
            for found in np.flatnonzero(followed)
            if left[known[found]] is not item
        ]
    return pairs


def _shared(
    left: Sequence[Sequence[Any]],
    right: Sequence[Sequence[Any]],
    part: int,
    max_repeated: float,
    min_tokens: int,
) -> dict[tuple[int, int], float]:
    """Share of sampled tokens in common, by pair, for pairs that share enough of them.

    Only tokens up to the end of the shorter sampled range are counted, on both sides.
    """
    first, second = _samples(left, part, max_repeated), _samples(right, part, max_repeated)
    found = _tokens(first).merge(_tokens(second), on="token", suffixes=("_left", "_right"))
    counts = found.groupby(["place_left", "place_right"]).size()
    kept = {1: KEPT_VALUES, 2: KEPT_RUNS}[part]
    shares = {}
    for i, j, count in counts[counts >= min_tokens].reset_index().itertuples(index=False):
        ends = [tokens[-1] if len(tokens) >= kept else np.inf for tokens in (first[i], second[j])]
        size = min(tokens.searchsorted(min(ends), "right") for tokens in (first[i], second[j]))
        shares[int(i), int(j)] = float(count) / max(int(size), 1)
    return shares


def _samples(
    sketches: Sequence[Sequence[Any]], part: int, max_repeated: float
) -> dict[int, np.ndarray]:
    """Sorted tokens by position in the list, of the sketches whose tokens rarely repeat."""
    return {
        place: np.array(item[part][0], dtype=np.int64)
        for place, item in enumerate(sketches)
        if item and item[part][1] <= max_repeated and item[1][1] <= COARSE
    }


def _tokens(samples: dict[int, np.ndarray]) -> pd.DataFrame:
    none = np.array([], dtype=np.int64)
    places = [np.full(len(tokens), place) for place, tokens in samples.items()]
    return pd.DataFrame(
        {
            "token": np.concatenate([*samples.values(), none]),
            "place": np.concatenate([*places, none]),
        }
    )


def _alike(left: Sequence[Sequence[Any]], right: Sequence[Sequence[Any]]) -> list[tuple[int, int]]:
    """Pairs whose medians over the same cycles agree while the capacity fades by 2 % or more."""
    second = _median_rows(right)
    pairs = []
    for place, row in enumerate(_median_rows(left)):
        both = np.isfinite(row) & np.isfinite(second)
        apart = np.where(both, np.abs(second - row), 0.0).max(axis=1, initial=0.0)
        fade = np.where(both, row, -np.inf).max(axis=1) - np.where(both, row, np.inf).min(axis=1)
        alike = (both.sum(axis=1) >= MIN_STRETCHES) & (apart <= MEDIAN_TOLERANCE)
        pairs += [(place, int(j)) for j in np.flatnonzero(alike & (fade >= MIN_FADE))]
    return pairs


def _median_rows(sketches: Sequence[Sequence[Any]]) -> np.ndarray:
    """Medians of ln(capacity), (n, stretches); NaN where a record does not cover a stretch."""
    rows = np.full((len(sketches), len(STRETCH_EDGES) - 1), np.nan)
    for place, item in enumerate(sketches):
        if item:
            numbers = [np.nan if value is None else value for value in item[3]]
            rows[place, : len(numbers)] = np.array(numbers, dtype=np.float64) * MEDIAN_GRID
    return rows
