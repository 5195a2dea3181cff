"""Proposed splits: complete, repeatable, stratified by life."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.ingest.splits import propose_split


def _batteries(lives: list[int | None]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "battery_code": [f"c{i:03d}" for i in range(len(lives))],
            "cycle_life": pd.array(lives, dtype="Int64"),
            "first_capacity_ah": 1.1,
            "last_capacity_ah": np.linspace(0.9, 1.0, len(lives)),
        }
    )


@given(st.lists(st.one_of(st.none(), st.integers(1, 3000)), max_size=40), st.integers(0, 99))
def test_every_battery_gets_one_role(lives: list[int | None], seed: int) -> None:
    batteries = _batteries(lives)
    roles = propose_split(batteries, seed)
    assert sorted(roles) == sorted(batteries["battery_code"])
    counts = pd.Series(list(roles.values()), dtype=object).value_counts()
    if len(lives) >= 2:
        assert counts["train"] >= 1
        assert counts["val"] >= 1
    if len(lives) >= 3:
        assert counts["test"] >= 1
    if len(lives) >= 10:
        assert counts["train"] == pytest.approx(0.6 * len(lives), abs=1)


def test_same_seed_same_split() -> None:
    batteries = _batteries(list(range(100, 2100, 50)))
    assert propose_split(batteries, 3) == propose_split(batteries, 3)
    assert propose_split(batteries, 3) != propose_split(batteries, 4)
    shuffled = batteries.sample(frac=1, random_state=0)
    assert propose_split(shuffled, 3) == propose_split(batteries, 3)


@pytest.mark.parametrize("seed", range(5))
def test_every_role_sees_short_and_long_lives(seed: int) -> None:
    lives = list(range(100, 2100, 20))
    batteries = _batteries(list(lives))
    roles = batteries["battery_code"].map(propose_split(batteries, seed))
    for role in ("train", "val", "test"):
        mean = batteries.loc[roles == role, "cycle_life"].mean()
        assert mean == pytest.approx(np.mean(lives), rel=0.1)


def test_exact_counts_as_shares() -> None:
    roles = list(propose_split(_batteries(list(range(24))), 0, (14, 5, 5)).values())
    assert [roles.count(role) for role in ("train", "val", "test")] == [14, 5, 5]


def test_no_test_share_means_no_test_batteries() -> None:
    roles = propose_split(_batteries(list(range(10))), 0, (0.8, 0.2, 0.0))
    assert set(roles.values()) == {"train", "val"}
