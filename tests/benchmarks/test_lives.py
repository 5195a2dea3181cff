"""The comparison of lives by the first rules of labels and the present ones."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.lives import compare, lives_by_first_rules
from core.ingest.mapping import EolRule


def test_the_first_rules_had_no_tolerance_and_let_a_dip_end_a_life() -> None:
    cycles = pd.DataFrame(
        {
            "battery_code": pd.Categorical(["a"] * 4 + ["b"] * 4 + ["c"] * 4),
            "cycle_num": [1, 2, 3, 4] * 3,
            "pcl": [0.0, 0.5, 0.1, 0.3, 0.0, 0.1, 1 - 0.88 / 1.1, 0.3, 0.0, 0.1, 0.1, 0.1],
            "rul": pd.array([None] * 8 + [9, 8, 8, 8], dtype="Int64"),
        }
    )
    found = lives_by_first_rules(cycles, EolRule(), frozenset({"c"}))
    assert found == {"a": 2, "b": 3, "c": 10}


def test_the_report_names_each_life_that_changes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cycle = np.arange(1, 61)
    capacity = 1.0 - 0.005 * cycle
    capacity[9] = 0.5
    path = tmp_path / "cells.csv"
    table = {"cell": "a", "cycle": cycle, "capacity_ah": capacity, "temperature_degc": 25.0}
    pd.DataFrame(table).to_csv(path, index=False)
    compare(path, 1.0, 0.80, False)
    assert "a: 10 before, 41 now" in capsys.readouterr().out
