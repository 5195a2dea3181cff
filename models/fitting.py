"""Training of any algorithm: one loop, read from top to bottom."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from models.checkpoint import TrainedModel
from models.config import Hyperparameters
from models.series import BatterySeries, Task


@dataclass(frozen=True)
class EpochReport:
    """What one epoch came to.

    `train_loss` and `val_loss` are mean squared errors of standardised targets; `metrics` hold
    `val_rmse_PCL` (fraction) and `val_rmse_RUL` (cycles), and an algorithm's own loss parts.
    """

    epoch: int
    total_epochs: int
    train_loss: float
    val_loss: float
    learning_rate: float
    metrics: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class FitResult:
    """The model of the best epoch, and how training went; epochs count from 1."""

    model: TrainedModel
    best_epoch: int
    epochs_run: int
    stopped_early: bool


def fit(
    algorithm: str,
    train: Sequence[BatterySeries],
    val: Sequence[BatterySeries],
    task: Task,
    hp: Hyperparameters,
    *,
    threads: int,
    on_epoch: Callable[[EpochReport], None],
    on_stage: Callable[[str], None],
) -> FitResult:
    raise NotImplementedError
