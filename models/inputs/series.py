"""The cycles of one battery, and the task: what a model predicts from which inputs."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.settings.errors import SeriesError
from models.settings.hyperparameters import Hyperparameters

TARGETS = ("PCL", "RUL")

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class BatterySeries:
    """The recorded cycles of one battery, in order; gaps are allowed.

    Attributes
    ----------
    code: the battery's code.
    cycle_num: (n,) int64, strictly increasing.
    features: (n, F) float64, finite, in physical units.
    targets: (n, T) float64 in the order of the task's targets, PCL as a fraction and RUL in
        cycles; NaN where unlabelled.
    soh: (n,) float64, capacity over nominal capacity; NaN where unknown.
    """

    code: str
    cycle_num: Integers
    features: Floats
    targets: Floats
    soh: Floats

    def __post_init__(self) -> None:
        n = len(self.cycle_num)
        shapes = (self.features.ndim, self.targets.ndim, self.soh.ndim) == (2, 2, 1)
        if not shapes or {len(self.features), len(self.targets), len(self.soh)} != {n}:
            raise SeriesError(
                f"Battery {self.code}: cycles (n,), features (n, F), targets (n, T) and soh (n,) "
                "must have the same number of rows."
            )
        if np.any(np.diff(self.cycle_num) <= 0):
            raise SeriesError(
                f"Battery {self.code}: cycle numbers must increase; remove duplicates and sort."
            )
        if not np.isfinite(self.features).all():
            raise SeriesError(f"Battery {self.code}: drop rows with empty or infinite features.")
        if np.isinf(self.targets).any() or np.isinf(self.soh).any():
            raise SeriesError(f"Battery {self.code}: infinite labels; leave them empty instead.")

    def __len__(self) -> int:
        return len(self.cycle_num)


@dataclass(frozen=True)
class Task:
    """The task of a model: its inputs, its targets, and how far it looks ahead.

    `max_horizon` 0 estimates the measured cycle; above 0 it forecasts 1..max_horizon cycles
    ahead, and only then may the capacity measured so far be an input.
    """

    targets: tuple[str, ...]
    feature_names: tuple[str, ...]
    max_horizon: int = 0
    use_capacity_history: bool = False

    def __post_init__(self) -> None:
        known = not set(self.targets) - set(TARGETS)
        if not self.targets or not known or len(set(self.targets)) != len(self.targets):
            raise SeriesError(f"Targets must be one or both of {', '.join(TARGETS)}.")
        if not self.feature_names:
            raise SeriesError("A model needs at least one feature; choose a column.")
        if self.max_horizon < 0 or (self.use_capacity_history and self.max_horizon == 0):
            raise SeriesError("An estimate (max_horizon 0) never sees the measured capacity.")

    @property
    def is_forecast(self) -> bool:
        """Whether the model looks ahead."""
        return self.max_horizon > 0


def make_task(targets: Sequence[str], feature_names: Sequence[str], hp: Hyperparameters) -> Task:
    """Return the task that belongs to the settings."""
    return Task(tuple(targets), tuple(feature_names), hp.max_horizon, hp.use_capacity_history)


def clamp_rul(values: Floats, task: Task) -> Floats:
    """Return the predictions with RUL at least 0; PCL may be negative."""
    floors = [0.0 if name == "RUL" else -np.inf for name in task.targets]
    return np.maximum(values, np.asarray(floors))
