"""A trained model: predicts, and survives on disk as plain tensors and values."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from models.config import Hyperparameters
from models.series import BatterySeries, Task


@dataclass(frozen=True)
class Prediction:
    """One battery's predictions: cycle_num (m,), y_true and y_pred (m, T) in physical units."""

    cycle_num: npt.NDArray[np.int64]
    y_true: npt.NDArray[np.float64]
    y_pred: npt.NDArray[np.float64]


@dataclass(frozen=True)
class TrainedModel:
    algorithm: str
    hp: Hyperparameters
    task: Task

    def predict(self, series: BatterySeries, horizon: int) -> Prediction:
        raise NotImplementedError

    def save(self, path: Path) -> None:
        raise NotImplementedError

    @classmethod
    def load(cls, path: Path) -> "TrainedModel":
        raise NotImplementedError
