"""Cycle life from the cycles seen: hand-made predictions with known answers."""

import numpy as np
import pandas as pd
import pytest

from core.evaluation.cycles_seen import life_errors, mean_life_floor, told_lives


def battery(code: str, life: float, cycles: range | list[int], bias: float) -> pd.DataFrame:
    """RUL told `bias` cycles too long at every recorded cycle; no label after the end of life."""
    cycle_num = np.array(cycles)
    true = np.where(cycle_num <= life, life - cycle_num, np.nan)
    return pd.DataFrame(
        {
            "battery_code": code,
            "cycle_num": cycle_num,
            "y_true": true,
            "y_pred": np.nan_to_num(true) + bias,
        }
    )


def test_the_last_recorded_cycle_counts() -> None:
    rows = battery("a", 500, [5, 18, 25], bias=10)
    rows.loc[rows["cycle_num"] == 18, "y_pred"] = 400
    lives = told_lives(rows, (20, 30)).set_index("cycles_seen")
    assert lives.loc[20, "told_life"] == 18 + 400
    assert lives.loc[30, "told_life"] == 510
    assert list(lives["true_life"]) == [500, 500]


def test_the_dead_the_unlabelled_and_the_unrecorded_do_not_count() -> None:
    rows = pd.concat(
        [
            battery("dead", 15, range(1, 60), bias=1),
            battery("at its end", 20, range(1, 60), bias=1),
            battery("late", 500, range(21, 60), bias=1),
            battery("unknown", np.nan, range(1, 60), bias=1),
            battery("alive", 500, range(1, 60), bias=1),
        ]
    )
    lives = told_lives(rows, (20, 30))
    assert list(lives[lives["cycles_seen"] == 20]["battery_code"]) == ["alive"]
    assert list(lives[lives["cycles_seen"] == 30]["battery_code"]) == ["alive", "late"]


def test_errors_are_those_of_cycle_life() -> None:
    rows = pd.concat(
        battery(code, 500, range(1, 60), bias)
        for code, bias in (("a", 3.0), ("b", -4.0), ("c", 12.0))
    )
    (row,) = life_errors(told_lives(rows, (20,))).to_dict("records")
    assert row["n_batteries"] == 3
    assert row["rmse"] == pytest.approx(np.sqrt((9 + 16 + 144) / 3))
    assert row["median_absolute"] == pytest.approx(4)
    assert row["within_15"] == 1.0


def test_the_share_of_lives_within_15_percent() -> None:
    # 15 % of 500 cycles are 75.
    rows = pd.concat(
        battery(code, 500, range(1, 60), bias)
        for code, bias in (("a", 75.0), ("b", -76.0), ("c", 12.0), ("d", 300.0))
    )
    (row,) = life_errors(told_lives(rows, (20,))).to_dict("records")
    assert row["within_15"] == 0.5


def test_the_floor_is_the_mean_of_the_training_lives_beyond_the_cycles_seen() -> None:
    lives = told_lives(battery("a", 500, range(1, 60), bias=0), (20, 30))
    floor = mean_life_floor(lives, np.array([25.0, 400.0, 700.0])).set_index("cycles_seen")
    assert floor.loc[20, "told_life"] == pytest.approx(1125 / 3)
    assert floor.loc[30, "told_life"] == pytest.approx(550)
    assert mean_life_floor(lives, np.array([])).empty


def test_no_predictions_give_no_errors() -> None:
    empty = battery("a", 500, range(1, 3), 0).iloc[:0]
    assert life_errors(told_lives(empty)).empty
