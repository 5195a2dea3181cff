"""Curves thinned for the screen, and the numbers of a box plot."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.measures.curves import downsample, quartiles


def fleet(**values: np.ndarray) -> pd.DataFrame:
    return pd.concat(
        [
            pd.DataFrame({"battery_code": code, "cycle_num": np.arange(len(y)), "y": y})
            for code, y in values.items()
        ],
        ignore_index=True,
    )


def test_a_spike_survives() -> None:
    y = np.zeros(20_000)
    y[12_345] = 1.0
    thin = downsample(fleet(a=y), "battery_code", "y", 100)
    assert len(thin) <= 100
    assert thin.loc[thin["y"].idxmax(), "cycle_num"] == 12_345


def test_each_battery_has_its_own_share_and_order() -> None:
    frame = fleet(b=np.sin(np.arange(5000)), a=np.arange(50.0))
    thin = downsample(frame, "battery_code", "y", 200)
    counts = thin["battery_code"].value_counts()
    assert counts["a"] == 50
    assert counts["b"] <= 200
    assert list(dict.fromkeys(thin["battery_code"])) == ["b", "a"]
    assert thin.groupby("battery_code")["cycle_num"].is_monotonic_increasing.all()


def test_short_curves_stay_as_they_are() -> None:
    frame = fleet(a=np.arange(10.0))
    assert downsample(frame, "battery_code", "y", 10) is frame
    assert downsample(frame.iloc[:0], "battery_code", "y", 10).empty


@settings(deadline=None)
@given(
    st.lists(st.one_of(st.none(), st.floats(-1e6, 1e6)), min_size=0, max_size=400),
    st.integers(4, 60),
)
def test_wild_curves_are_thinned_to_rows_of_themselves(
    values: list[float | None], points: int
) -> None:
    frame = fleet(a=np.array(values, dtype=np.float64))
    thin = downsample(frame, "battery_code", "y", points)
    assert len(thin) <= max(points, 4)
    pd.testing.assert_frame_equal(thin, frame.loc[thin.index])


def test_quartiles_by_hand() -> None:
    found = quartiles(fleet(a=np.array([1.0, 2.0, 3.0, 4.0, 100.0])), "battery_code", "y").iloc[0]
    assert (found["q1"], found["median"], found["q3"]) == (2.0, 3.0, 4.0)
    # 100 lies beyond q3 + 1.5 * 2, so the whisker ends at 4.
    assert (found["lower_fence"], found["upper_fence"]) == (1.0, 4.0)
    assert found["n"] == 5


@settings(deadline=None)
@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=200))
def test_quartiles_agree_with_numpy(values: list[float]) -> None:
    found = quartiles(fleet(a=np.array(values)), "battery_code", "y").iloc[0]
    expected = np.percentile(values, [25, 50, 75])
    assert [found["q1"], found["median"], found["q3"]] == pytest.approx(list(expected))
    assert min(values) <= found["lower_fence"] <= found["upper_fence"] <= max(values)


def test_batteries_without_values_have_no_box() -> None:
    frame = fleet(a=np.array([np.nan]), b=np.array([1.0]))
    assert list(quartiles(frame, "battery_code", "y")["battery_code"]) == ["b"]
