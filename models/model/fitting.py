"""Trains any algorithm: checks the data, trains, and returns the result as a model."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from models.inputs.predictor import EpochReport, Fit
from models.inputs.series import BatterySeries, Task
from models.loop.network_fitting import fit_network
from models.loop.validation import require_fittable
from models.model.checkpoint import TrainedModel
from models.settings.catalogue import ALGORITHMS, load_module
from models.settings.hyperparameters import Hyperparameters

__all__ = ["EpochReport", "FitResult", "fit"]


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
    """Train on `train`, stop early by the loss on `val`, and keep the best epoch.

    The same arguments give bit-identical results on the same machine. It sets the number
    of threads of the libraries for the whole process, so call it in a process of its own. An
    exception raised by a callback ends training and is passed on.

    Raises
    ------
    FitError: labels are missing, the device is missing, or the loss is no longer usable.
    """
    on_stage("Preparing data")
    require_fittable(train, val, task, hp)
    fitted = _load_fit(algorithm)(
        train, val, task, hp, threads=threads, on_epoch=on_epoch, on_stage=on_stage
    )
    model = TrainedModel(algorithm, hp, task, fitted.predictor)
    return FitResult(model, fitted.best_epoch, fitted.epochs_run, fitted.stopped_early)


def _load_fit(algorithm: str) -> Fit:
    if ALGORITHMS[algorithm].family == "network":
        return partial(fit_network, algorithm)
    found: Fit = load_module(algorithm).fit
    return found
