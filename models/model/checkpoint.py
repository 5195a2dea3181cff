"""A trained model: it predicts, and is stored on disk as tensors and plain values."""

import pickle
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import torch

from models.inputs.predictor import Asked, Predictor, Restore
from models.inputs.series import BatterySeries, Floats, Integers, Task, clamp_rul
from models.loop.network_predictor import restore_network
from models.settings.catalogue import ALGORITHMS, load_module
from models.settings.errors import CheckpointError, HorizonError, ModelError, SeriesError
from models.settings.hyperparameters import Hyperparameters
from models.settings.resolving import restore_settings
from models.settings.version import VERSION
from models.uncertainty.applicability import Applicability
from models.uncertainty.intervals import Calibration

FORMAT = "fadebench-model"
# 3: the settings of every algorithm. 4: only its own, and which version of FadeBench made it.
FORMAT_VERSION = 4
OLDEST_FORMAT_VERSION = 3
# What torch raises on files whose bytes were changed.
_DAMAGES = (ValueError, LookupError, TypeError, AttributeError)


@dataclass(frozen=True)
class Prediction:
    """One battery's predictions, ordered by cycle.

    cycle_num (m,) int64; y_true (m, T) and y_pred (m, T) float64 in the order of the task's
    targets, PCL as a fraction and RUL in cycles; y_true is NaN where unlabelled or beyond the
    last row. y_lower and y_upper (m, T) bound the 90 % interval; NaN where there is none.
    """

    cycle_num: Integers
    y_true: Floats
    y_pred: Floats
    y_lower: Floats
    y_upper: Floats


@dataclass(frozen=True)
class TrainedModel:
    """A predictor with everything that its predictions and intervals need.

    calibration : the intervals; None before `models.model.calibration.calibrate`
    folds : predictors, each fitted on four fifths of the training batteries, if intervals need them
    applicability : the usual range of the training batteries; None if there are too few
    floors : floors by algorithm, fitted on the same training batteries; they may lack a target of
        the model
    """

    algorithm: str
    hp: Hyperparameters
    task: Task
    predictor: Predictor
    calibration: Calibration | None = None
    folds: tuple[Predictor, ...] = ()
    applicability: Applicability | None = None
    floors: Mapping[str, "TrainedModel"] = field(default_factory=dict)

    def predict(
        self, series: BatterySeries, horizon: int, *, with_interval: bool = True
    ) -> Prediction:
        """Predict all cycles of one battery that can be predicted from its rows.

        With horizon 0, an estimator predicts every row. With a horizon from 1 to max_horizon, a
        forecaster predicts cycle c from the latest row with cycle <= c - horizon, and also the
        `horizon` cycles after the last row. RUL is never below 0. It uses the threads set for
        torch. Intervals of CV+ take five more predictions.

        Raises
        ------
        HorizonError: the model was not trained for this horizon.
        SeriesError: the battery has another number of features than the model.
        """
        _require_horizon(self.task, horizon)
        if series.features.shape[1] != len(self.task.feature_names):
            raise SeriesError(
                f"The model needs the features {', '.join(self.task.feature_names)}; battery "
                f"{series.code} has {series.features.shape[1]}."
            )
        if series.targets.shape[1] != len(self.task.targets):
            raise SeriesError(
                f"Battery {series.code} must hold one target column (NaN where unlabelled) for "
                f"each of {', '.join(self.task.targets)}."
            )
        if len(series) == 0:
            return Prediction(series.cycle_num, *[series.targets] * 4)
        asked, y_true = _ask(series, horizon)
        y_pred = clamp_rul(self.predictor.predict(series, asked), self.task)
        unknown = np.full_like(y_pred, np.nan)
        bounds = (unknown, unknown)
        if with_interval and self.calibration is not None:
            bounds = self._interval(self.calibration, series, asked, horizon, y_pred)
        return Prediction(asked.cycle, y_true, y_pred, *bounds)

    def _interval(
        self,
        calibration: Calibration,
        series: BatterySeries,
        asked: Asked,
        horizon: int,
        y_pred: Floats,
    ) -> tuple[Floats, Floats]:
        folds = [clamp_rul(fold.predict(series, asked), self.task) for fold in self.folds]
        lower, upper = calibration.bounds(horizon, y_pred, folds)
        return clamp_rul(lower, self.task), upper

    def bare(self) -> "TrainedModel":
        """Return the model without intervals, usual range and floors: an ensemble has its own."""
        return replace(self, calibration=None, folds=(), applicability=None, floors={})

    def save(self, path: Path | str | BinaryIO) -> None:
        """Write tensors and plain values only, so that loading a file never runs code from it."""
        torch.save(self.content(), path)

    def content(self) -> dict[str, Any]:
        """Return the tensors and plain values that `save` writes."""
        task = asdict(self.task).items()
        return {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            "made_by": VERSION,
            "algorithm": self.algorithm,
            "hyperparameters": self.hp.to_json(),
            "task": {k: list(v) if isinstance(v, tuple) else v for k, v in task},
            "predictor": self.predictor.content(),
            "calibration": self.calibration.content() if self.calibration else None,
            "folds": [fold.content() for fold in self.folds],
            "applicability": self.applicability.content() if self.applicability else None,
            "floors": {key: floor.content() for key, floor in self.floors.items()},
        }

    @classmethod
    def load(cls, path: Path | str | BinaryIO) -> "TrainedModel":
        """Read a model onto the CPU; raises CheckpointError if FadeBench did not write it."""
        return cls.from_content(_read(path))

    @classmethod
    def from_content(cls, content: dict[str, Any]) -> "TrainedModel":
        """Rebuild a model from `content`, of this format or an older one.

        Raises
        ------
        CheckpointError: the format is not known here, a setting is not, or the file is damaged.
        """
        found = content.get("format_version")
        if not isinstance(found, int) or not OLDEST_FORMAT_VERSION <= found <= FORMAT_VERSION:
            raise CheckpointError(
                f"The model file has format version {found!r} (made by FadeBench "
                f"{_maker(content)}); this application reads {OLDEST_FORMAT_VERSION} to "
                f"{FORMAT_VERSION}. Update FadeBench, or train the model again."
            )
        try:
            return _rebuild(content)
        except CheckpointError:
            raise
        except ModelError as error:
            raise CheckpointError(f"The model file cannot be used. {error}") from error
        except (LookupError, TypeError, ValueError, RuntimeError, AttributeError) as error:
            raise CheckpointError(
                "The model file is incomplete or damaged. Train the model again."
            ) from error


def _require_horizon(task: Task, horizon: int) -> None:
    if not task.is_forecast and horizon != 0:
        raise HorizonError(
            f"This model estimates the measured cycle: test it with horizon 0, not {horizon}. "
            "To look ahead, train a forecasting model."
        )
    if task.is_forecast and not 1 <= horizon <= task.max_horizon:
        raise HorizonError(
            f"This model forecasts 1 to {task.max_horizon} cycles ahead; {horizon} is outside. "
            "Choose a horizon in that range or train a model with a larger max_horizon."
        )


def _ask(series: BatterySeries, horizon: int) -> tuple[Asked, Floats]:
    """Return the questions about one battery and the true answers, (m, T)."""
    cycles = np.asarray(series.cycle_num, np.int64)
    beyond = cycles[-1] + np.arange(1, horizon + 1)
    asked = np.concatenate([cycles, beyond])
    truth = np.concatenate([series.targets, np.full((horizon, series.targets.shape[1]), np.nan)])
    # Beyond the last row a cycle has a source only if the battery is older than the horizon.
    answerable = asked - horizon >= cycles[0]
    cycle = asked[answerable]
    source = np.searchsorted(cycles, cycle - horizon, side="right") - 1
    return Asked(source, cycle), truth[answerable]


def _read(path: Path | str | BinaryIO) -> dict[str, Any]:
    problem = CheckpointError("The file is not a model of this application.")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise CheckpointError("The model file is missing. Train the model again.") from error
    except (pickle.UnpicklingError, RuntimeError, EOFError, OSError, *_DAMAGES) as error:
        raise problem from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise problem
    return content


def _maker(content: Mapping[str, Any]) -> str:
    """Return the version of FadeBench that wrote a model; the first formats do not hold it."""
    return str(content.get("made_by", "0.1.0"))


def _rebuild(content: dict[str, Any]) -> TrainedModel:
    algorithm = content["algorithm"]
    if algorithm not in ALGORITHMS:
        raise CheckpointError(f"The model's algorithm {algorithm!r} is not known here.")
    stored = content["task"]
    task = Task(
        tuple(stored["targets"]),
        tuple(stored["feature_names"]),
        int(stored["max_horizon"]),
        bool(stored["use_capacity_history"]),
    )
    hp = restore_settings(
        algorithm,
        content["hyperparameters"],
        format_version=content["format_version"],
        made_by=_maker(content),
    )
    calibration, applicability = content["calibration"], content["applicability"]
    return TrainedModel(
        algorithm,
        hp,
        task,
        _restore(algorithm, content["predictor"], hp, task),
        calibration=Calibration.from_content(calibration) if calibration else None,
        folds=tuple(_restore(algorithm, fold, hp, task) for fold in content["folds"]),
        applicability=Applicability.from_content(applicability) if applicability else None,
        floors={key: _rebuild(floor) for key, floor in content["floors"].items()},
    )


def _restore(algorithm: str, content: dict[str, Any], hp: Hyperparameters, task: Task) -> Predictor:
    if ALGORITHMS[algorithm].family == "network":
        return restore_network(algorithm, content, hp, task)
    restore: Restore = load_module(algorithm).restore
    return restore(content, hp, task)
