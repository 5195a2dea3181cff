"""Paired differences: known answers, and how often the intervals are right."""

import numpy as np
import pytest

from core.measures.bootstrap import (
    Interval,
    draw_means,
    expanded_tail,
    interval_of_draws,
    median_over_seeds,
    p_value,
    pooled_interval,
)
from core.measures.paired import (
    MOST_NEEDED,
    batteries_needed,
    compare_means,
    holm,
    mean_differences,
    possible_ranks,
    twin_difference,
)


def test_holm_by_hand() -> None:
    # Sorted: 0.005 <= 0.05/4, 0.01 <= 0.05/3, 0.03 > 0.05/2: the last two stay.
    rejected, thresholds = holm([0.01, 0.04, 0.03, 0.005])
    assert rejected == [True, False, False, True]
    assert thresholds == pytest.approx([0.05 / 3, 0.05 / 2, 0.05 / 2, 0.05 / 4])


def test_holm_stops_at_the_first_failure() -> None:
    # 0.03 > 0.05/2 fails, so 0.04 stays although it is below 0.05/1.
    assert holm([0.03, 0.04])[0] == [False, False]
    assert holm([0.02, 0.04])[0] == [True, True]
    assert holm([]) == ([], [])


def test_the_expanded_tail_is_that_of_hesterberg() -> None:
    # t(0.975, 9 df) = 2.2622; sqrt(10/9) * 2.2622 = 2.3846; P(Z > 2.3846) = 0.00855.
    assert expanded_tail(10, 0.95) == pytest.approx(0.00855, abs=2e-5)
    assert expanded_tail(100_000, 0.95) == pytest.approx(0.025, abs=1e-4)


def test_interval_and_p_value_say_the_same() -> None:
    generator = np.random.default_rng(4)
    seen = set()
    for shift in np.linspace(-1, 1, 41):
        draws = draw_means(generator.normal(shift, 1, (12, 1)), resamples=4000)[:, 0]
        interval = interval_of_draws(draws, 12)
        assert interval is not None
        assert interval.excludes_zero == (p_value(draws, 12) <= 0.05)
        seen.add(interval.excludes_zero)
    assert seen == {True, False}


@pytest.mark.parametrize("n", [8, 40])
def test_intervals_cover_as_often_as_they_say(n: int) -> None:
    generator = np.random.default_rng(n)
    # A difference of two skewed errors is about symmetric, with long tails.
    values = generator.exponential(1, (n, 600)) - generator.exponential(1, (n, 600))
    draws = draw_means(values, resamples=2000)
    intervals = [interval_of_draws(draws[:, i], n) for i in range(600)]
    covered = np.mean([i is not None and i.low <= 0 <= i.high for i in intervals])
    # 600 repetitions leave a standard error of 0.9 points.
    assert 0.92 <= covered <= 0.975


def test_ranks_that_do_not_differ_are_rarely_told_apart() -> None:
    generator = np.random.default_rng(7)
    wrong = 0
    for _ in range(100):
        values = 2 * generator.normal(size=(12, 1)) + generator.normal(size=(12, 5))
        found = compare_means(values, resamples=4000)
        wrong += any(pair.is_certain for pair in found.separations)
    # 5 expected; without the correction it would be about 25.
    assert wrong <= 11


def test_the_same_numbers_give_the_same_interval() -> None:
    values = np.random.default_rng(0).normal(size=(20, 3))
    assert compare_means(values).intervals == compare_means(values).intervals
    assert compare_means(values).intervals != compare_means(values, seed=1).intervals
    (first,) = mean_differences([values[:, 0] - values[:, 1]])
    (turned,) = mean_differences([values[:, 1] - values[:, 0]])
    assert first.interval is not None and turned.interval is not None
    assert (first.interval.low, first.interval.high) == (
        -turned.interval.high,
        -turned.interval.low,
    )
    assert median_over_seeds(values.T) == median_over_seeds(values.T)


def test_clear_and_unclear_ranks() -> None:
    generator = np.random.default_rng(1)
    battery = generator.uniform(5, 10, (40, 1))
    noise = generator.normal(0, 0.5, (40, 4))
    found = compare_means(battery + np.array([[3.0, 0.0, 0.0, 6.0]]) + noise)
    assert found.ranks == ((3, 3), (1, 2), (1, 2), (4, 4))
    pair = found.separations[0]
    assert (pair.first, pair.second, pair.is_certain, pair.needed) == (0, 1, True, None)
    assert pair.estimate == pytest.approx(found.means[0] - found.means[1])
    shared = next(p for p in found.separations if (p.first, p.second) == (1, 2))
    assert not shared.is_certain
    (difference,) = mean_differences([noise[:, 0] + 3 - noise[:, 1]])
    assert difference.first_better + difference.second_better + difference.equal == 40
    assert difference.second_better > 35
    assert difference.interval is not None
    assert 0 < difference.interval.low < difference.estimate < difference.interval.high
    assert difference.differs


def test_a_pair_is_judged_alike_whatever_stands_beside_it() -> None:
    generator = np.random.default_rng(9)
    values = [generator.normal(0.3, 1, n) for n in (8, 20, 8, 31, 20, 8)]
    together = mean_differences(values)
    for part, found in zip(values, together, strict=True):
        (alone,) = mean_differences([part])
        assert alone.differs == found.differs
        assert alone.interval is not None and found.interval is not None
        assert alone.interval.low == pytest.approx(found.interval.low, rel=1e-12)
        assert found.n_batteries == len(part)


def test_the_number_of_batteries_needed() -> None:
    # Mean 1 and spread 2: t(0.975, n - 1) * 2 / sqrt(n) falls below 1 at 18, not at 17.
    values = np.array([1 - np.sqrt(8 / 3), 1, 1, 1, 1, 1, 1 + np.sqrt(8 / 3)]) * 1.0
    values = 1 + (values - 1) * 2 / values.std(ddof=1)
    assert batteries_needed(values, 0.05) == 18
    assert batteries_needed(values, 0.01) > 18
    assert batteries_needed(values - 1, 0.05) is None
    assert batteries_needed(values[:1], 0.05) is None
    # Never fewer than there are, nor fewer than any interval needs.
    assert batteries_needed(np.array([5.0, 5.1]), 0.05) == 6
    assert MOST_NEEDED > 1000


def test_few_batteries_give_no_interval_and_no_rank() -> None:
    found = compare_means(np.array([[1.0, 9.0]] * 5))
    assert found.ranks == ((1, 2), (1, 2))
    assert mean_differences([np.full(5, -8.0)])[0].interval is None
    assert not mean_differences([np.full(5, -8.0)])[0].differs
    assert found.intervals == (None, None)
    assert twin_difference(np.ones((3, 5)), np.zeros((3, 5))).interval is None


def test_identical_methods_are_equal() -> None:
    values = np.repeat(np.arange(10.0)[:, None], 2, axis=1)
    found = compare_means(values)
    assert found.ranks == ((1, 2), (1, 2))
    (difference,) = mean_differences([values[:, 0] - values[:, 1]])
    assert difference.equal == 10
    assert not difference.differs
    assert found.separations[0].needed is None


def test_ranks_without_pairs() -> None:
    assert possible_ranks(3, ()) == ((1, 3),) * 3


def test_twins_count_batteries_and_give_the_median() -> None:
    without = np.tile(np.arange(10.0, 21.0), (3, 1))
    change = np.array([-4, -4, -3, -3, -2, -2, -2, -1, -1, 1, 0], dtype=float)
    found = twin_difference(without + change, without)
    assert found.estimate == -2
    assert (found.first_better, found.second_better, found.equal) == (9, 1, 1)
    assert found.interval is not None and found.interval.low < -2 < found.interval.high
    assert found.differs == found.interval.excludes_zero


def test_twins_cover_batteries_and_seeds() -> None:
    generator = np.random.default_rng(3)
    covered = 0
    for _ in range(150):
        values = (
            generator.normal(size=25)
            + generator.normal(0, 0.2, (3, 1))
            + generator.normal(0, 0.7, (3, 25))
        )
        interval = median_over_seeds(values, resamples=400)
        assert interval is not None
        covered += interval.low <= 0 <= interval.high
    # 142 expected at 95 %; 136 is two standard errors below.
    assert covered >= 136


def test_pooled_interval_holds_the_pooled_error() -> None:
    generator = np.random.default_rng(2)
    cycles, rmse = generator.integers(400, 900, 30).astype(float), generator.uniform(1, 3, 30)
    found = pooled_interval("rmse", cycles, rmse)
    assert isinstance(found, Interval)
    assert found.low < np.sqrt(np.average(rmse**2, weights=cycles)) < found.high
    assert found.high - found.low < 0.6
