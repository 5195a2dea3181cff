"""Interfaces of every algorithm: questions about a battery, predictors, and reports of a fit."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from models.inputs.series import BatterySeries, Floats, Integers, Task


@dataclass(frozen=True)
class Asked:
    """Questions about one battery.

    source (m,): index of the latest row that may be used; cycle (m,): the cycle to predict.
    """

    source: Integers
    cycle: Integers

    def __len__(self) -> int:
        return len(self.source)


class Predictor(Protocol):
    """The part of a trained model that depends on its algorithm."""

    def predict(self, series: BatterySeries, asked: Asked) -> Floats:
        """Return (m, T): PCL as a fraction, RUL in cycles, from rows up to `asked.source` only."""
        ...

    def content(self) -> dict[str, Any]:
        """Return tensors and plain values, from which `restore` rebuilds the predictor."""
        ...


@runtime_checkable
class Explained(Protocol):
    """A predictor with learned values that a reader can understand."""

    def facts(self) -> dict[str, Any]:
        """Return these as plain values: the parameters of a law, the weights of an ensemble."""
        ...


def facts_of(predictor: Predictor) -> dict[str, Any]:
    """Return the `facts` of a predictor; most have none."""
    return predictor.facts() if isinstance(predictor, Explained) else {}


@dataclass(frozen=True)
class EpochReport:
    """The result of one epoch: a pass of a network, or a boosting round.

    `train_loss` and `val_loss` are mean squared errors of standardised targets (networks:
    `val_loss` is their geometric mean over batteries, targets and three epochs); `metrics` hold
    `val_rmse_PCL` (fraction) and `val_rmse_RUL` (cycles), and DeepHPM's `loss_f`, `loss_f_t` and
    `loss_total`.
    """

    epoch: int
    total_epochs: int
    train_loss: float
    val_loss: float
    learning_rate: float
    metrics: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Fitted:
    """The predictor of the best epoch, and figures of the training; epochs count from 1."""

    predictor: Predictor
    best_epoch: int
    epochs_run: int
    stopped_early: bool


class Fit(Protocol):
    """Trains one algorithm; every module of an algorithm without a network has it as `fit`.

    `hp` belongs to the algorithm's own class of settings.
    """

    def __call__(
        self,
        train: Sequence[BatterySeries],
        val: Sequence[BatterySeries],
        task: Task,
        hp: Any,
        *,
        threads: int,
        on_epoch: Callable[[EpochReport], None],
        on_stage: Callable[[str], None],
    ) -> Fitted: ...


class Restore(Protocol):
    """Rebuilds a predictor from `content`; raises KeyError, TypeError or ValueError if damaged."""

    def __call__(self, content: dict[str, Any], hp: Any, task: Task) -> Predictor: ...
