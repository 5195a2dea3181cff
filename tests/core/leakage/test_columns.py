"""Columns that give the answer away, and honest ones that look a little like it."""

import numpy as np
import pandas as pd
import pytest

from core.leakage.columns import column_facts
from tests.core.leakage.cells import capacity_ah

LIVES = {f"b{number}": 250 + 60 * number for number in range(6)}


@pytest.fixture(scope="module")
def fleet() -> pd.DataFrame:
    """Cells that are recorded to 1.1 times their life."""
    parts = []
    for number, (code, life) in enumerate(LIVES.items()):
        rows = int(1.1 * life)
        capacity = capacity_ah(number, rows)
        cycle = np.arange(1, rows + 1)
        rul = np.where(cycle <= life, life - cycle, np.nan)
        part = {"battery_code": code, "cycle_num": cycle, "pcl": 1 - capacity / 1.1, "rul": rul}
        parts.append(pd.DataFrame({**part, "age": cycle / life, "capacity": capacity}))
    return pd.concat(parts, ignore_index=True)


def noise(frame: pd.DataFrame, share: float) -> np.ndarray:
    return np.random.default_rng(1).normal(0, share, len(frame))


def each(frame: pd.DataFrame, column: str) -> pd.core.groupby.SeriesGroupBy:
    return frame.groupby("battery_code")[column]


def min_max(values: pd.Series, frame: pd.DataFrame, low: float = 0.0) -> pd.Series:
    group = values.groupby(frame["battery_code"])
    unit = (values - group.transform("min")) / (group.transform("max") - group.transform("min"))
    return low + (1 - low) * unit


LEAKY = {
    "life fraction": (lambda f: f["age"], "life"),
    "RUL in other words": (
        lambda f: 3 - 0.01 * (f["cycle_num"] / f["age"] - f["cycle_num"]),
        "life",
    ),
    "a bent life fraction": (lambda f: np.exp(f["age"]), "life"),
    "share of the record": (
        lambda f: f["cycle_num"] / each(f, "cycle_num").transform("max"),
        "life",
    ),
    "capacity in mAh": (lambda f: 1000 * f["capacity"], "capacity"),
    "state of health, rounded": (lambda f: (f["capacity"] / 1.1).round(5), "capacity"),
    "energy": (lambda f: 3.2 * f["capacity"] * (1 + noise(f, 2e-4)), "near_capacity"),
    "whole-life 0 to 1": (lambda f: min_max(f["age"] ** 2 + noise(f, 0.2), f), "scaled"),
    "whole-life -1 to 1": (lambda f: min_max(f["age"] + noise(f, 0.2), f, -1.0), "scaled"),
    "whole-life z-score": (
        lambda f: (
            (x := pd.Series(noise(f, 1)))
            .sub(x.groupby(f["battery_code"]).transform("mean"))
            .div(x.groupby(f["battery_code"]).transform("std"))
        ),
        "scaled",
    ),
    "filled up at the end": (
        lambda f: pd.Series(noise(f, 1)).where(f["age"] < 1).ffill(),
        "padded",
    ),
}
HONEST = {
    "the cycle number": lambda f: f["cycle_num"].astype(float),
    "charge passed so far": lambda f: each(f, "capacity").cumsum(),
    "resistance": lambda f: 0.016 + 0.002 * f["age"] + noise(f, 2e-4),
    "follows capacity": lambda f: f["capacity"] + noise(f, 0.004),
    "never moves": lambda f: 0 * f["age"],
    "coarse temperature": lambda f: (30 + f["age"] + noise(f, 0.3)).round(0),
    "between 0 and 1": lambda f: f["age"] / 2 % 0.3 + noise(f, 0.1),
}


@pytest.mark.parametrize("name", LEAKY)
def test_what_gives_the_answer_away_is_named(fleet: pd.DataFrame, name: str) -> None:
    make, expected = LEAKY[name]
    facts = column_facts(fleet.assign(feature_1=make(fleet)), LIVES, ["feature_1"])
    assert [(fact.column, fact.fact) for fact in facts] == [("feature_1", expected)]


@pytest.mark.parametrize("name", HONEST)
def test_honest_columns_pass(fleet: pd.DataFrame, name: str) -> None:
    frame = fleet.assign(feature_1=HONEST[name](fleet))
    assert column_facts(frame, LIVES, ["feature_1"]) == []


def test_the_share_of_a_record_without_labels(fleet: pd.DataFrame) -> None:
    frame = fleet.assign(rul=np.nan)
    last = each(frame, "cycle_num").transform("max")
    facts = column_facts(frame.assign(feature_1=frame["cycle_num"] / last), {}, ["feature_1"])
    assert [fact.fact for fact in facts] == ["record"]


def test_a_counter_passes_where_all_live_equally_long(fleet: pd.DataFrame) -> None:
    one = fleet[fleet["battery_code"] == "b0"]
    frame = pd.concat([one.assign(battery_code=code) for code in LIVES], ignore_index=True)
    lives = dict.fromkeys(LIVES, LIVES["b0"])
    assert column_facts(frame.assign(feature_1=frame["cycle_num"] / 7), lives, ["feature_1"]) == []
