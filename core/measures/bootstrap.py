"""Intervals of a mean over batteries, by resampling the batteries (bootstrap).

Whole batteries are resampled, never cycles, because the errors of one battery's cycles are alike.
Batteries are drawn with replacement, with a fixed seed: the same numbers give the same interval.

Sources: Efron and Tibshirani, An Introduction to the Bootstrap, 1993 (percentile interval);
Hesterberg, The American Statistician 69(4), 2015 (the expanded percentile interval, which
corrects that the percentile interval is too narrow with few batteries);
Rao and Wu, JASA 83, 1988 (rescaling of few resamples);
Owen, Annals of Applied Statistics 1(2), 2007 (batteries and seeds drawn independently).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

Floats = npt.NDArray[np.float64]

LEVEL = 0.95
RESAMPLES = 50_000
CHUNK = 10_000
# Five batteries agree in sign by chance in 1 of 16 cases, so five are too few for an interval.
FEWEST_BATTERIES = 6


@dataclass(frozen=True)
class Interval:
    """An interval and its level: 0.95 if it is to contain the true value in 95 % of cases."""

    low: float
    high: float
    level: float

    @property
    def excludes_zero(self) -> bool:
        """Whether all of it lies on one side of 0."""
        return self.low > 0 or self.high < 0


def draw_means(values: Floats, seed: int = 0, resamples: int = RESAMPLES) -> Floats:
    """Return the mean over the drawn batteries, for each resample.

    Parameters
    ----------
    values : (n, k) one row per battery; a resample takes the same batteries in every column

    Returns
    -------
    (resamples, k)
    """
    parts = [weights @ values for weights in _weights(len(values), seed, resamples)]
    return np.concatenate(parts) / len(values)


def interval_of_draws(draws: Floats, n: int, level: float = LEVEL) -> Interval | None:
    """Return the expanded percentile interval from resampled means over `n` batteries.

    None where there are too few batteries, or too few draws for so high a level.
    """
    if n < FEWEST_BATTERIES:
        return None
    return _between(draws, expanded_tail(n, level), level)


def expanded_tail(n: int, level: float) -> float:
    """Return the share of resamples to cut off at each end for an interval of this level."""
    t = stats.t.isf((1 - level) / 2, n - 1)
    return float(stats.norm.sf(np.sqrt(n / (n - 1)) * t))


def p_value(draws: Floats, n: int) -> float:
    """Largest 1 - level at which `interval_of_draws` excludes 0 (1 where no interval is stated).

    It is never smaller than the number of resamples can resolve.
    """
    if n < FEWEST_BATTERIES:
        return 1.0
    beyond = min(int(np.sum(draws <= 0)), int(np.sum(draws >= 0)))
    tail = min((beyond + 1) / (len(draws) + 1), 0.5)
    return float(2 * stats.t.sf(stats.norm.isf(tail) / np.sqrt(n / (n - 1)), n - 1))


def pooled_interval(
    metric: str, n_cycles: Floats, values: Floats, seed: int = 0, level: float = LEVEL
) -> Interval | None:
    """Interval of an error pooled over all cycles.

    Parameters
    ----------
    metric : "rmse" or "mae"
    n_cycles, values : (n,) labelled cycles and error of each battery
    """
    power = 2 if metric == "rmse" else 1
    sums = draw_means(np.column_stack([n_cycles * values**power, n_cycles]), seed)
    return interval_of_draws((sums[:, 0] / sums[:, 1]) ** (1 / power), len(values), level)


def median_over_seeds(
    values: Floats, seed: int = 0, resamples: int = RESAMPLES, level: float = LEVEL
) -> Interval | None:
    """Percentile interval of the median over batteries of the mean over seeds.

    Batteries and seeds are resampled independently. Values are spread about their mean over seeds
    by sqrt(S / (S - 1)), because resampling S seeds varies less than S new seeds would.

    Parameters
    ----------
    values : (S, n) one row per seed, one column per battery
    """
    n_seeds, n = values.shape
    if n < FEWEST_BATTERIES:
        return None
    centre = values.mean(axis=0)
    spread = np.sqrt(n_seeds / (n_seeds - 1)) if n_seeds > 1 else 0.0
    scaled = centre + spread * (values - centre)
    generator = np.random.default_rng(seed)
    draws = []
    for start in range(0, resamples, CHUNK):
        size = min(CHUNK, resamples - start)
        share = generator.multinomial(n_seeds, np.full(n_seeds, 1 / n_seeds), size) / n_seeds
        battery = generator.integers(0, n, (size, n))
        draws.append(np.median(np.take_along_axis(share @ scaled, battery, axis=1), axis=1))
    return _between(np.concatenate(draws), (1 - level) / 2, level)


def _weights(n: int, seed: int, resamples: int) -> list[Floats]:
    """Return how often each battery is drawn, (size, n), in parts of at most CHUNK resamples."""
    generator = np.random.default_rng(seed)
    sizes = [min(CHUNK, resamples - start) for start in range(0, resamples, CHUNK)]
    return [generator.multinomial(n, np.full(n, 1 / n), size).astype(np.float64) for size in sizes]


def _between(draws: Floats, tail: float, level: float) -> Interval | None:
    """Cut `tail` off at both ends; consistent with `p_value`: excludes 0 where that is small."""
    place = int(tail * (len(draws) + 1)) - 1
    if place < 0:
        return None
    ends = np.partition(draws, (place, len(draws) - 1 - place))
    return Interval(float(ends[place]), float(ends[-1 - place]), level)
