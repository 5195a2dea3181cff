"""Rows of all batteries as tensors, and questions about them with their answers."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from models.inputs.scaling import Scaler
from models.inputs.series import BatterySeries, Floats, Task

# Keys of rows are battery index * this + cycle number, so those of two batteries never overlap.
BATTERY_STRIDE = 1 << 40


@dataclass(frozen=True)
class Rows:
    """All recorded cycles of some batteries, end to end, on one device.

    state (N, S) in network units; key (N,) int64, increasing; cycle (N,) int64; first (N,) int64,
    the row that the battery starts with; target (N, T) in network units, 0 where unlabelled;
    known (N, T), 1 where labelled.
    """

    state: Tensor
    key: Tensor
    cycle: Tensor
    first: Tensor
    target: Tensor
    known: Tensor


@dataclass(frozen=True)
class Questions:
    """Questions: source (M,) the latest row that may be used, cycle (M,) the cycle to predict,
    answer (M,) the row that holds the true value."""

    source: Tensor
    cycle: Tensor
    answer: Tensor

    def __len__(self) -> int:
        return len(self.source)

    def take(self, index: Tensor) -> "Questions":
        """Return the questions at `index`."""
        parts = (self.source, self.cycle, self.answer)
        return Questions(*(part.index_select(0, index) for part in parts))

    def part(self, stretch: slice) -> "Questions":
        """Return the questions of a range, without copying."""
        return Questions(self.source[stretch], self.cycle[stretch], self.answer[stretch])


@dataclass(frozen=True)
class Batch:
    """Inputs of a network in network units.

    points (B, n_state + 1), in forecasts one more: state (B, n_state); time (B, 1), the cycle to
    predict; age (B, 1), the cycles from the state to it, (B, 0) for an estimate; clock is time and
    age. window (B, L, S + 2), for networks that use one: the rows, the distance of each to the last
    one, and 1 where the row exists.
    """

    points: Tensor
    n_state: int
    window: Tensor | None = None

    @property
    def state(self) -> Tensor:
        return self.points[:, : self.n_state]

    @property
    def clock(self) -> Tensor:
        return self.points[:, self.n_state :]

    @property
    def time(self) -> Tensor:
        return self.points[:, self.n_state : self.n_state + 1]

    @property
    def age(self) -> Tensor:
        return self.points[:, self.n_state + 1 :]

    def part(self, stretch: slice) -> "Batch":
        """Return the rows of a range, without copying."""
        window = None if self.window is None else self.window[stretch]
        return Batch(self.points[stretch], self.n_state, window)

    def take(self, index: Tensor) -> "Batch":
        """Return the rows at `index`."""
        window = None if self.window is None else self.window.index_select(0, index)
        return Batch(self.points.index_select(0, index), self.n_state, window)


def state_matrix(series: BatterySeries, task: Task, scaler: Scaler) -> Floats:
    """Return (n, S): scaled features, then SOH and 1 where it is known, if the task uses them."""
    features = scaler.scale_features(series.features)
    if not task.use_capacity_history:
        return features
    return np.hstack([features, scaler.scale_soh(series.soh)])


def make_rows(
    batteries: Sequence[BatterySeries], task: Task, scaler: Scaler, device: torch.device
) -> Rows:
    """Copy all batteries to the device as `Rows`."""
    lengths = [len(s) for s in batteries]
    index = np.repeat(np.arange(len(batteries)), lengths)
    starts = np.cumsum([0, *lengths[:-1]])
    cycle = np.concatenate([s.cycle_num for s in batteries]).astype(np.int64)
    state = np.concatenate([state_matrix(s, task, scaler) for s in batteries])
    target = scaler.scale_targets(np.concatenate([s.targets for s in batteries]))
    known = np.isfinite(target)

    def real(values: np.ndarray) -> Tensor:
        return torch.as_tensor(values, dtype=torch.float32, device=device)

    def whole(values: np.ndarray) -> Tensor:
        return torch.as_tensor(values, dtype=torch.int64, device=device)

    return Rows(
        state=real(state),
        key=whole(index * BATTERY_STRIDE + cycle),
        cycle=whole(cycle),
        first=whole(starts[index]),
        target=real(np.where(known, target, 0.0)),
        known=real(known),
    )


def ask_current(rows: Rows) -> Questions:
    """Return a question for each row about its own cycle, for an estimate."""
    every = torch.arange(len(rows.cycle), device=rows.cycle.device)
    return Questions(every, rows.cycle, every)


def ask_ahead(rows: Rows, max_horizon: int, generator: torch.Generator) -> Questions:
    """Return a question for each row about its cycle, seen from 1..max_horizon cycles before.

    The number of cycles is drawn at random from those that the battery's record allows; rows
    without any are left out.
    """
    every = torch.arange(len(rows.cycle), device=rows.cycle.device)
    reach = (rows.cycle - rows.cycle[rows.first]).clamp(max=max_horizon)
    drawn = torch.rand(len(every), generator=generator, dtype=torch.float64).to(reach.device)
    horizon = (1 + (drawn * reach).long()).minimum(reach)
    asked = every[reach > 0]
    source = latest_row(rows, rows.key[asked] - horizon[asked])
    return Questions(source, rows.cycle[asked], asked)


def latest_row(rows: Rows, key: Tensor) -> Tensor:
    """Return the last row at or before each key, of the same battery if it has such a row."""
    return torch.searchsorted(rows.key, key, right=True) - 1


def gather(
    rows: Rows, asked: Questions, scaler: Scaler, task: Task, window_length: int | None
) -> Batch:
    """Return the inputs of some questions; windows are made for this batch only."""
    source, state = asked.source, rows.state.index_select(0, asked.source)
    parts = [state, _scaled(asked.cycle, scaler.cycle_mean, scaler.cycle_std, state)]
    if task.is_forecast:
        age = asked.cycle - rows.cycle.index_select(0, source)
        parts.append(_scaled(age, 0.0, scaler.age_scale, state))
    window = None if window_length is None else _windows(rows, source, window_length)
    return Batch(torch.cat(parts, dim=1), state.shape[1], window)


def _scaled(cycles: Tensor, mean: float, unit: float, like: Tensor) -> Tensor:
    """Return whole cycles (B,) in network units, (B, 1)."""
    return ((cycles - mean) / unit).to(like.dtype)[:, None]


def _windows(rows: Rows, source: Tensor, length: int) -> Tensor:
    """Return (B, L, S + 2), padded on the left where the battery has fewer rows."""
    steps = torch.arange(1 - length, 1, device=source.device)
    index = source[:, None] + steps
    there = index >= rows.first[source][:, None]
    index = torch.where(there, index, source[:, None])
    distance = (rows.cycle[source][:, None] - rows.cycle[index]) / length
    window = torch.cat([rows.state[index], distance[..., None], there[..., None]], dim=-1)
    return window * there[..., None]
