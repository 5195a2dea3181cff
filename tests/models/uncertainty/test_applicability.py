"""Applicability: batteries of the same kind pass, others are flagged."""

from dataclasses import replace

import numpy as np

from models.inputs.series import BatterySeries
from models.uncertainty.applicability import Applicability, early_traits, fit_applicability
from tests.models.fleet import make_battery


def draw_fleet(count: int, seed: int = 0) -> list[BatterySeries]:
    """Batteries that differ in resistance, temperature and how fast they age."""
    rng = np.random.default_rng(seed)
    fleet = [make_battery(f"{i:03d}", int(rng.integers(120, 300))) for i in range(count)]
    return [shifted(s, rng.normal(0, 1e-3), rng.normal(0, 1.0)) for s in fleet]


def shifted(series: BatterySeries, resistance: float, temperature: float) -> BatterySeries:
    return replace(series, features=series.features + np.array([resistance, temperature]))


def fitted(count: int = 40) -> Applicability:
    found = fit_applicability(draw_fleet(count))
    assert found is not None
    return found


def ratios(known: Applicability, fleet: list[BatterySeries]) -> np.ndarray:
    return np.array([known.distance_ratio(series) for series in fleet], np.float64)


def test_the_same_kind_passes_and_another_is_flagged() -> None:
    known, new = fitted(), draw_fleet(100, seed=1)
    # At most 5 % on average; 100 batteries leave a standard error of about 3 %.
    assert np.mean(ratios(known, new) > 1) < 0.13
    hot = [shifted(series, 0.0, 12.0) for series in new]
    assert (ratios(known, hot) > 2).all()


def test_only_the_first_hundred_cycles_count_and_spikes_do_not() -> None:
    battery = draw_fleet(1, seed=2)[0]
    later = battery.features.copy()
    later[100:] *= 50.0
    later[[3, 40, 70]] = 1e6
    spoiled = replace(battery, features=later)
    np.testing.assert_allclose(early_traits(spoiled), early_traits(battery), rtol=0.05, atol=0.02)


def test_it_survives_as_plain_values() -> None:
    known = fitted()
    again = Applicability.from_content(known.content())
    fleet = draw_fleet(5, seed=3)
    np.testing.assert_array_equal(ratios(again, fleet), ratios(known, fleet))


def test_hard_cases_have_an_answer() -> None:
    fleet = draw_fleet(5)
    assert fit_applicability(fleet[:4]) is None
    known = fitted(5)
    one_cycle = replace(
        fleet[0],
        cycle_num=fleet[0].cycle_num[:1],
        features=fleet[0].features[:1],
        targets=fleet[0].targets[:1],
        soh=fleet[0].soh[:1],
    )
    assert np.isfinite(known.distance_ratio(one_cycle) or np.nan)
    empty = replace(
        one_cycle,
        cycle_num=one_cycle.cycle_num[:0],
        features=one_cycle.features[:0],
        targets=one_cycle.targets[:0],
        soh=one_cycle.soh[:0],
    )
    assert known.distance_ratio(empty) is None
    same = fit_applicability([fleet[0]] * 6)
    assert same is not None
    assert same.distance_ratio(fleet[0]) == 0.0
    assert (same.distance_ratio(fleet[1]) or 0.0) > 1
