"""Error measures against numbers worked out by hand and formulas written out differently."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.measures.metrics import overall, score, share_within

LOSSES = st.floats(-0.2, 0.9, allow_nan=False)
LIVES = st.integers(0, 3000).map(float)


def array(*values: float) -> np.ndarray:
    return np.array(values, dtype=np.float64)


def test_pcl_by_hand() -> None:
    found = score("PCL", array(0.1, 0.2, 0.4), array(0.1, 0.3, 0.2))
    assert found is not None
    assert found["n"] == 3
    assert found["mae"] == pytest.approx(0.1)
    assert found["mse"] == pytest.approx(0.05 / 3)
    assert found["rmse"] == pytest.approx(math.sqrt(0.05 / 3))
    # Mean 0.7/3; spread 0.14/3.
    assert found["r2"] == pytest.approx(1 - 0.05 / (0.14 / 3))
    # On SOH: errors 0/0.9, -0.1/0.8, 0.2/0.6.
    assert found["rmspe"] == pytest.approx(math.sqrt((0.125**2 + (1 / 3) ** 2) / 3))
    assert found["rmspe_pcl"] == pytest.approx(math.sqrt((0.5**2 + 0.5**2) / 3))
    assert found["rmspe_pcl_left_out"] == 0


def test_small_losses_are_left_out_of_the_share_of_pcl_and_counted() -> None:
    found = score("PCL", array(0.0, -0.004, 0.005, 0.1), array(0.5, 0.5, 0.005, 0.2))
    assert found is not None
    assert found["rmspe_pcl_left_out"] == 2
    assert found["rmspe_pcl"] == pytest.approx(math.sqrt(1 / 2))


def test_rul_by_hand_leaves_out_rows_at_the_end_of_life() -> None:
    found = score("RUL", array(100, 50, 0), array(110, 40, 30))
    assert found is not None
    assert found["rmse"] == pytest.approx(math.sqrt((100 + 100 + 900) / 3))
    assert found["rmspe"] == pytest.approx(math.sqrt((0.1**2 + 0.2**2) / 2))
    assert found["rmspe_left_out"] == 1


def test_rul_of_nothing_but_end_of_life_has_no_percentage() -> None:
    found = score("RUL", array(0, 0), array(1, 2))
    assert found is not None
    assert found["rmspe"] is None
    assert found["r2"] is None


def test_constant_truth_has_no_r2() -> None:
    found = score("PCL", array(0.1, 0.1, 0.1), array(0.1, 0.2, 0.1))
    assert found is not None
    assert found["r2"] is None


def test_nearly_constant_truth_has_no_r2_either() -> None:
    found = score("PCL", array(0.0, 1e-200), array(0.1, 0.2))
    assert found is not None
    assert found["r2"] is None


def test_unlabelled_rows_do_not_count() -> None:
    known = score("PCL", array(0.1, 0.2), array(0.2, 0.1))
    mixed = score("PCL", array(0.1, np.nan, 0.2), array(0.2, 0.9, 0.1))
    assert known == mixed
    assert score("PCL", array(np.nan), array(0.1)) is None
    assert score("RUL", array(), array()) is None


@settings(deadline=None)
@given(st.lists(st.tuples(LOSSES, LOSSES), min_size=2, max_size=40))
def test_pcl_agrees_with_the_formulas_written_as_loops(rows: list[tuple[float, float]]) -> None:
    found = score("PCL", array(*(t for t, _ in rows)), array(*(p for _, p in rows)))
    assert found is not None
    n = len(rows)
    assert found["mae"] == pytest.approx(sum(abs(p - t) for t, p in rows) / n)
    assert found["rmse"] == pytest.approx(math.sqrt(sum((p - t) ** 2 for t, p in rows) / n))
    shares = [((1 - p) - (1 - t)) / (1 - t) for t, p in rows]
    assert found["rmspe"] == pytest.approx(math.sqrt(sum(s * s for s in shares) / n), abs=1e-12)
    assert all(math.isfinite(v) for v in found.values() if v is not None)


@settings(deadline=None)
@given(st.lists(st.tuples(LIVES, LIVES), min_size=1, max_size=40))
def test_rul_metrics_are_finite_or_none(rows: list[tuple[float, float]]) -> None:
    found = score("RUL", array(*(t for t, _ in rows)), array(*(p for _, p in rows)))
    assert found is not None
    assert found["rmspe_left_out"] == sum(t == 0 for t, _ in rows)
    assert all(math.isfinite(v) for v in found.values() if v is not None)
    assert found["r2"] is None or found["r2"] <= 1


def test_overall_pools_rows_and_averages_batteries() -> None:
    long = (array(*[0.1] * 9), array(*[0.1] * 9))
    short = (array(0.2), array(0.3))
    found = overall("PCL", [long, short, (array(np.nan), array(0.5))])
    assert found is not None
    assert found["n"] == 10
    assert found["n_batteries"] == 2
    assert found["rmse"] == pytest.approx(math.sqrt(0.01 / 10))
    assert found["macro"]["rmse"] == pytest.approx(0.05)
    assert found["macro"]["r2"] is None


def test_overall_of_unlabelled_batteries_is_none() -> None:
    assert overall("RUL", [(array(np.nan, np.nan), array(1, 2))]) is None
    assert overall("RUL", []) is None


def test_mean_absolute_percentages() -> None:
    pcl = score("PCL", np.array([0.1, 0.2]), np.array([0.19, 0.2]))
    assert pcl is not None and pcl["mape"] == pytest.approx(0.1 / 2)
    rul = score("RUL", np.array([10.0, 5.0, 0.0]), np.array([9.0, 6.0, 3.0]))
    assert rul is not None and rul["mape"] == pytest.approx((0.1 + 0.2) / 2)
    assert rul["mape_left_out"] == rul["rmspe_left_out"] == 1
    ended = score("RUL", np.array([0.0]), np.array([3.0]))
    assert ended is not None and ended["mape"] is None
    both = overall(
        "RUL",
        [
            (np.array([10.0, 5.0, 0.0]), np.array([9.0, 6.0, 3.0])),
            (np.array([10.0]), np.array([13.0])),
        ],
    )
    assert both is not None and both["mape"] == pytest.approx((0.1 + 0.2 + 0.3) / 3)
    assert both["macro"]["mape"] == pytest.approx((0.15 + 0.3) / 2)


def test_the_share_of_lives_within_15_percent() -> None:
    true = np.array([100.0, 100.0, 200.0, 1000.0])
    assert share_within(true, np.array([115.0, 84.0, 230.0, 1000.0])) == 0.75
