"""What may go into a model."""

import numpy as np
import pytest

from models.inputs.series import BatterySeries, Task, make_task
from models.settings.errors import SeriesError
from models.settings.resolving import resolve


def _series(cycles: list[int], features: list[list[float]]) -> BatterySeries:
    n = len(cycles)
    return BatterySeries(
        "x", np.array(cycles), np.array(features), np.full((n, 1), np.nan), np.full(n, np.nan)
    )


def test_rows_must_agree_increase_and_be_finite() -> None:
    with pytest.raises(SeriesError, match="same number of rows"):
        _series([1, 2], [[1.0]])
    with pytest.raises(SeriesError, match="must increase"):
        _series([1, 1], [[1.0], [1.0]])
    with pytest.raises(SeriesError, match="empty or infinite"):
        _series([1, 2], [[1.0], [float("inf")]])
    with pytest.raises(SeriesError, match="infinite labels"):
        BatterySeries("x", np.array([1]), np.ones((1, 1)), np.full((1, 1), np.inf), np.ones(1))
    assert len(_series([1, 5], [[1.0], [2.0]])) == 2


def test_a_task_names_its_targets_and_estimates_never_see_capacity() -> None:
    for targets in ((), ("SOH",), ("PCL", "PCL")):
        with pytest.raises(SeriesError, match="Targets"):
            Task(targets, ("a",))
    with pytest.raises(SeriesError, match="feature"):
        Task(("PCL",), ())
    with pytest.raises(SeriesError, match="never sees"):
        Task(("PCL",), ("a",), 0, True)


def test_the_settings_decide_between_estimate_and_forecast() -> None:
    hp = resolve("BASELINE", {"max_horizon": 20, "use_capacity_history": True})
    assert make_task(["RUL"], ["a"], hp) == Task(("RUL",), ("a",), 20, True)
    assert not make_task(["RUL"], ["a"], resolve("BASELINE", {})).is_forecast
