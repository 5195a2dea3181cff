"""Which rows answer which question: nothing after cycle - horizon, ever."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models.inputs.samples import ask_ahead, ask_current, gather, make_rows
from models.inputs.scaling import fit_scaler
from models.inputs.series import Task
from tests.models.fleet import FEATURES, make_battery, make_fleet

CPU = torch.device("cpu")
ESTIMATE = Task(("PCL", "RUL"), FEATURES)


@settings(max_examples=30, deadline=None)
@given(horizon=st.integers(1, 40), gap=st.integers(0, 30), seed=st.integers(0, 99))
def test_forecasts_start_from_the_latest_allowed_row(horizon: int, gap: int, seed: int) -> None:
    task = Task(("PCL", "RUL"), FEATURES, horizon)
    fleet = [make_battery("a", 40, gap=gap), make_battery("b", 25)]
    rows = make_rows(fleet, task, fit_scaler(fleet, task), CPU)
    asked = ask_ahead(rows, horizon, torch.Generator().manual_seed(seed))
    assert len(asked) == len(rows.cycle) - len(fleet)
    age = asked.cycle - rows.cycle[asked.source]
    assert (age >= 1).all()
    assert (rows.first[asked.source] == rows.first[asked.answer]).all()
    assert torch.equal(rows.cycle[asked.answer], asked.cycle)
    # No later row would have been allowed unless the drawn horizon forbids it.
    following = (asked.source + 1).clamp(max=len(rows.cycle) - 1)
    assert (rows.cycle[asked.source] <= asked.cycle - 1).all()
    too_old = (age > horizon) & (rows.cycle[following] < asked.cycle - horizon)
    assert not too_old.any()


def test_every_horizon_is_drawn() -> None:
    task = Task(("PCL", "RUL"), FEATURES, 5)
    fleet = [make_battery("a", 400)]
    rows = make_rows(fleet, task, fit_scaler(fleet, task), CPU)
    asked = ask_ahead(rows, 5, torch.Generator().manual_seed(0))
    ages, counts = (asked.cycle - rows.cycle[asked.source]).unique(return_counts=True)
    assert ages.tolist() == [1, 2, 3, 4, 5]
    assert counts.min() > 50


def test_windows_end_at_their_row_and_show_padding_and_gaps() -> None:
    fleet = make_fleet(3)
    scaler = fit_scaler(fleet, ESTIMATE)
    rows = make_rows(fleet, ESTIMATE, scaler, CPU)
    asked = ask_current(rows)
    batch = gather(rows, asked, scaler, ESTIMATE, window_length=4)
    window = batch.window
    assert window is not None
    assert window.shape == (len(rows.cycle), 4, 4)
    assert batch.age.shape == (len(rows.cycle), 0)
    torch.testing.assert_close(window[:, -1, :2], batch.state)
    start = len(fleet[0])
    there, distance = window[..., 3], window[..., 2]
    assert there[start].tolist() == [0, 0, 0, 1]
    assert there[start + 1].tolist() == [0, 0, 1, 1]
    assert not window[start, :3].any()
    # Battery 1 lost 7 cycles in its middle.
    cycles = fleet[1].cycle_num
    after_gap = start + int((cycles[1:] - cycles[:-1]).argmax()) + 1
    assert (distance[after_gap] * 4).tolist() == [10.0, 9.0, 8.0, 0.0]


def test_time_and_age_reach_every_batch() -> None:
    task = Task(("PCL", "RUL"), FEATURES, 10, True)
    fleet = make_fleet(2)
    scaler = fit_scaler(fleet, task)
    rows = make_rows(fleet, task, scaler, CPU)
    asked = ask_ahead(rows, 10, torch.Generator().manual_seed(1))
    batch = gather(rows, asked, scaler, task, None)
    assert batch.state.shape[1] == len(FEATURES) + 2
    age = asked.cycle - rows.cycle[asked.source]
    torch.testing.assert_close(batch.age[:, 0] * 10, age.float())
    cycle = batch.time[:, 0].double() * scaler.cycle_std + scaler.cycle_mean
    torch.testing.assert_close(cycle, asked.cycle.double(), atol=1e-3, rtol=0)
