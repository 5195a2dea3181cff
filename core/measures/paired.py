"""Compares methods on the same batteries: paired differences, and which are beyond chance.

A difference is taken battery by battery and averaged over batteries. Whether two methods differ is
said by the 95 % interval of their own difference, whatever else is compared beside them.

Ranks compare many pairs at once, so Holm's step-down rule decides which of them count there
(Scandinavian Journal of Statistics 6, 1979): the pair with the k-th smallest p-value out of m
counts if p is at most 0.05 / (m - k + 1); from the first pair for which it is not, no further pair
counts. The possible ranks are those of Mogstad, Romano, Shaikh and Wilhelm (Review of Economic
Studies 91, 2024).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

import numpy as np
from scipy import stats

from core.measures.bootstrap import (
    FEWEST_BATTERIES,
    LEVEL,
    RESAMPLES,
    Floats,
    Interval,
    draw_means,
    interval_of_draws,
    median_over_seeds,
    p_value,
)

# Resamples of so many pairs are held at once.
PAIRS_AT_ONCE = 32
# More batteries than any study has.
MOST_NEEDED = 10_000


@dataclass(frozen=True)
class Difference:
    """Errors of one method minus those of another; below 0 the first method is better.

    estimate : mean (or median, see the function) over batteries
    interval : at 95 %; None where there are too few batteries
    first_better, second_better, equal : numbers of batteries
    """

    n_batteries: int
    estimate: float
    interval: Interval | None
    first_better: int
    second_better: int
    equal: int

    @property
    def differs(self) -> bool:
        """Whether the interval excludes 0."""
        return self.interval is not None and self.interval.excludes_zero


@dataclass(frozen=True)
class Pair:
    """The difference between two methods, given by their columns."""

    first: int
    second: int
    difference: Difference


@dataclass(frozen=True)
class Separation:
    """Whether the ranks of two methods can be told apart, with all pairs compared at once.

    estimate : mean over batteries of the first one's error minus the second one's
    needed : about how many batteries like these would tell them apart; None where they are told
        apart already, or where more than `MOST_NEEDED` would not do
    """

    first: int
    second: int
    estimate: float
    is_certain: bool
    needed: int | None = None


@dataclass(frozen=True)
class Means:
    """Mean over batteries of each method, its interval, and the possible ranks.

    ranks : (best possible, worst possible) rank of each method; 1 is the lowest error
    """

    means: Floats
    intervals: tuple[Interval | None, ...]
    separations: tuple[Separation, ...]
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
    separations = tuple(
        Separation(
            i,
            j,
            float(np.mean(values[:, i] - values[:, j])),
            certain,
            None if certain else batteries_needed(values[:, i] - values[:, j], level),
        )
        for (i, j), certain, level in zip(places, *holm(p), strict=True)
    )
    intervals = tuple(interval_of_draws(draws[:, i], n) for i in range(k))
    return Means(values.mean(axis=0), intervals, separations, possible_ranks(k, separations))


def mean_differences(
    values: Sequence[Floats], seed: int = 0, resamples: int = RESAMPLES
) -> tuple[Difference, ...]:
    """The mean of each row of differences with its own interval, whatever stands beside it.

    Parameters
    ----------
    values : (n,) each, the difference of two errors by battery; their lengths may differ
    """
    contents = tuple(np.asarray(part, np.float64).tobytes() for part in values)
    return _mean_differences(contents, seed, resamples)


@lru_cache(maxsize=32)
def _mean_differences(
    contents: tuple[bytes, ...], seed: int, resamples: int
) -> tuple[Difference, ...]:
    values = [np.frombuffer(content) for content in contents]
    found: dict[int, Difference] = {}
    for n in {len(part) for part in values}:
        places = [place for place, part in enumerate(values) if len(part) == n]
        for start in range(0, len(places), PAIRS_AT_ONCE):
            some = places[start : start + PAIRS_AT_ONCE]
            draws = draw_means(np.column_stack([values[place] for place in some]), seed, resamples)
            for column, place in enumerate(some):
                interval = interval_of_draws(draws[:, column], n)
                mean = float(values[place].mean())
                found[place] = Difference(n, mean, interval, *_signs(values[place]))
    return tuple(found[place] for place in range(len(values)))


def batteries_needed(differences: Floats, level: float) -> int | None:
    """About how many batteries would show a mean difference like this one at a level.

    It takes the mean and the spread of the differences seen as those of all batteries, so it is
    a rough guide; None where `MOST_NEEDED` batteries would not do.

    Parameters
    ----------
    differences : (n,) by battery
    level : largest p-value that counts, such as 0.05 / number of pairs
    """
    if len(differences) < 2:
        return None
    mean, spread = abs(float(differences.mean())), float(differences.std(ddof=1))
    sizes = np.arange(max(len(differences) + 1, FEWEST_BATTERIES), MOST_NEEDED + 1)
    enough = stats.t.isf(level / 2, sizes - 1) * spread / np.sqrt(sizes) < mean
    return int(sizes[np.argmax(enough)]) if enough.any() else None


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


def possible_ranks(k: int, pairs: Sequence[Separation]) -> tuple[tuple[int, int], ...]:
    """Ranks that each of k methods may have, given which pairs are told apart."""
    better, worse = [0] * k, [0] * k
    for pair in pairs:
        if pair.is_certain:
            first_wins = pair.estimate < 0
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
    return Difference(len(each), float(np.median(each)), interval, *_signs(each))


def _signs(values: Floats) -> tuple[int, int, int]:
    """Number of values below, above and at 0."""
    return int(np.sum(values < 0)), int(np.sum(values > 0)), int(np.sum(values == 0))
