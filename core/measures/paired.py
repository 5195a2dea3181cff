"""Compares methods on the same batteries: paired differences, and which are beyond chance.

A difference is taken battery by battery and averaged over batteries, so the differences agree with
the order of the methods by their mean. With many pairs, Holm's step-down rule decides (Scandinavian
Journal of Statistics 6, 1979): the pair with the k-th smallest p-value out of m differs if p is at
most 0.05 / (m - k + 1); from the first pair for which it is not, no further pair differs. The
corrected interval of a pair has that level, so "the interval excludes 0 after Holm's correction"
and "p is small enough" mean the same. The possible ranks are those of Mogstad, Romano, Shaikh and
Wilhelm (Review of Economic Studies 91, 2024).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

import numpy as np

from core.measures.bootstrap import (
    LEVEL,
    RESAMPLES,
    Floats,
    Interval,
    draw_means,
    interval_of_draws,
    median_over_seeds,
    p_value,
)


@dataclass(frozen=True)
class Difference:
    """Errors of one method minus those of another; below 0 the first method is better.

    estimate : mean (or median, see the function) over batteries
    interval : at 95 %, for this pair alone; None where there are too few batteries
    adjusted : at the level of Holm's correction; None where the resamples are too few for it
    first_better, second_better, equal : numbers of batteries
    """

    n_batteries: int
    estimate: float
    interval: Interval | None
    adjusted: Interval | None
    p: float
    differs: bool
    first_better: int
    second_better: int
    equal: int


@dataclass(frozen=True)
class Pair:
    """The difference between two methods, given by their columns."""

    first: int
    second: int
    difference: Difference


@dataclass(frozen=True)
class Means:
    """Mean over batteries of each method, its interval, all pairs and the possible ranks.

    ranks : (best possible, worst possible) rank of each method; 1 is the lowest error
    """

    means: Floats
    intervals: tuple[Interval | None, ...]
    pairs: tuple[Pair, ...]
    ranks: tuple[tuple[int, int], ...]


def compare_means(values: Floats, seed: int = 0, resamples: int = RESAMPLES) -> Means:
    """Compare the methods (columns) over the batteries (rows) of `values`; lower is better.

    Parameters
    ----------
    values : (n, k) an error of each battery under each method, all finite
    """
    return _compare(np.asarray(values, np.float64).tobytes(), values.shape, seed, resamples)


# A page asks for the same comparison again whenever a control changes.
@lru_cache(maxsize=32)
def _compare(content: bytes, shape: tuple[int, int], seed: int, resamples: int) -> Means:
    values = np.frombuffer(content).reshape(shape)
    n, k = shape
    draws = draw_means(values, seed, resamples)
    places = list(combinations(range(k), 2))
    p = [p_value(draws[:, i] - draws[:, j], n) for i, j in places]
    differs, alphas = holm(p)
    pairs = tuple(
        Pair(i, j, _difference(values[:, i] - values[:, j], draws[:, i] - draws[:, j], *judged))
        for (i, j), judged in zip(places, zip(p, differs, alphas, strict=True), strict=True)
    )
    intervals = tuple(interval_of_draws(draws[:, i], n) for i in range(k))
    return Means(values.mean(axis=0), intervals, pairs, possible_ranks(k, pairs))


def holm(p: Sequence[float], alpha: float = 1 - LEVEL) -> tuple[list[bool], list[float]]:
    """Apply Holm's rule: which p-values are small enough, and the threshold of each.

    All p-values from the first that is too large on get the threshold that it exceeded.
    """
    rejected, thresholds = [False] * len(p), [alpha] * len(p)
    failed: float | None = None
    for step, place in enumerate(sorted(range(len(p)), key=p.__getitem__)):
        threshold = alpha / (len(p) - step) if failed is None else failed
        if failed is None and p[place] > threshold:
            failed = threshold
        rejected[place], thresholds[place] = failed is None, threshold
    return rejected, thresholds


def possible_ranks(k: int, pairs: Sequence[Pair]) -> tuple[tuple[int, int], ...]:
    """Ranks that each of k methods may have, given which pairs differ."""
    better, worse = [0] * k, [0] * k
    for pair in pairs:
        if pair.difference.differs:
            first_wins = pair.difference.estimate < 0
            winner, loser = (pair.first, pair.second)[:: 1 if first_wins else -1]
            worse[winner] += 1
            better[loser] += 1
    return tuple((1 + better[i], k - worse[i]) for i in range(k))


def twin_difference(first: Floats, second: Floats, seed: int = 0) -> Difference:
    """Median over batteries of the difference averaged over seeds.

    Parameters
    ----------
    first, second : (S, n) error of each battery (column) under each seed (row)
    """
    values = first - second
    each = values.mean(axis=0)
    interval = median_over_seeds(values, seed)
    differs = interval is not None and interval.excludes_zero
    counts = _signs(each)
    return Difference(
        len(each), float(np.median(each)), interval, interval, float("nan"), differs, *counts
    )


def _difference(values: Floats, draws: Floats, p: float, differs: bool, alpha: float) -> Difference:
    n = len(values)
    return Difference(
        n,
        float(values.mean()),
        interval_of_draws(draws, n),
        interval_of_draws(draws, n, 1 - alpha),
        p,
        differs,
        *_signs(values),
    )


def _signs(values: Floats) -> tuple[int, int, int]:
    """Number of values below, above and at 0."""
    return int(np.sum(values < 0)), int(np.sum(values > 0)), int(np.sum(values == 0))
