"""Scales of inputs and targets, fitted on the training batteries and stored with the model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from models.inputs.series import BatterySeries, Floats, Integers, Task
from models.settings.errors import FitError

# Features are clipped at this share of their 1-99 % range beyond either end: new batteries have
# room, outliers do not. Chosen by leaving out batteries of the Severson training split.
CLIP_MARGIN = 0.25


@dataclass(frozen=True)
class Scaler:
    """Converts physical units to network units and back.

    Features are clipped to [feature_low, feature_high], then standardised. `age_scale` (cycles)
    divides the age of the state. `targets_scaled` False leaves targets in physical units.
    `target_log` (T,) is 1 for targets learned as log(1 + y); mean and std are then those of the
    logarithm, and predictions never exceed `target_top` (T,).
    """

    feature_low: Floats
    feature_high: Floats
    feature_mean: Floats
    feature_std: Floats
    cycle_mean: float
    cycle_std: float
    soh_mean: float
    soh_std: float
    target_mean: Floats
    target_std: Floats
    age_scale: float
    target_log: Floats
    target_top: Floats
    targets_scaled: bool = True

    def scale_features(self, features: Floats) -> Floats:
        """Return clipped, standardised features of the same shape."""
        clipped = np.clip(features, self.feature_low, self.feature_high)
        return np.asarray((clipped - self.feature_mean) / self.feature_std)

    def scale_soh(self, soh: Floats) -> Floats:
        """Return (n, 2): standardised SOH, 0 where unknown, and 1 where it is known."""
        known = np.isfinite(soh)
        scaled = np.where(known, (soh - self.soh_mean) / self.soh_std, 0.0)
        return np.column_stack([scaled, known])

    def scale_targets(self, targets: Floats) -> Floats:
        """Return targets in network units; NaN stays NaN."""
        return (_learned(targets, self.target_log) - self.target_offset) / self.target_unit

    def restore_targets(self, scaled: Floats) -> Floats:
        """Return predictions in physical units, bounded where they were learned as logarithms."""
        top = np.where(self.target_log > 0, np.log1p(self.target_top), np.inf)
        least = np.where(self.target_log > 0, 0.0, -np.inf)
        return self._from_learned(np.clip(self._to_learned(scaled), least, top))

    def restore_labels(self, scaled: Floats) -> Floats:
        """Undo `scale_targets` for measured values, which are not bounded."""
        return self._from_learned(self._to_learned(scaled))

    def _to_learned(self, scaled: Floats) -> Floats:
        return np.asarray(scaled * self.target_unit + self.target_offset)

    def _from_learned(self, learned: Floats) -> Floats:
        if not self.target_log.any():
            return learned
        is_log = self.target_log > 0
        return np.where(is_log, np.expm1(np.where(is_log, learned, 0.0)), learned)

    @property
    def target_unit(self) -> Floats:
        """Return the size of one network unit in physical units, (T,)."""
        return self.target_std if self.targets_scaled else np.ones_like(self.target_std)

    @property
    def target_offset(self) -> Floats:
        """Return the physical value of 0 network units, (T,)."""
        return self.target_mean if self.targets_scaled else np.zeros_like(self.target_mean)

    def to_json(self) -> dict[str, Any]:
        """Return the scales as values that JSON can hold."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return {k: v.tolist() if isinstance(v, np.ndarray) else v for k, v in values.items()}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Scaler":
        """Rebuild from `to_json` output; raises KeyError or TypeError if malformed."""
        read: dict[str, Any] = {f.name: values[f.name] for f in fields(cls)}
        arrays = {k: np.asarray(v, np.float64) for k, v in read.items() if isinstance(v, list)}
        return cls(**(read | arrays))


def fit_scaler(
    train: Sequence[BatterySeries],
    task: Task,
    *,
    scale_targets: bool = True,
    log_rul: bool = False,
) -> Scaler:
    """Fit every scale on the rows of the training batteries.

    log_rul: RUL is learned as log(1 + RUL); predictions never exceed the longest RUL in training.

    Raises
    ------
    FitError: a target has no labelled row, or the task uses capacity and no row has it.
    """
    low, high, mean, std = _feature_scales(np.concatenate([s.features for s in train]))
    cycles: Integers = np.concatenate([s.cycle_num for s in train])
    targets: Floats = np.concatenate([s.targets for s in train])
    for name, column in zip(task.targets, targets.T, strict=True):
        if not np.isfinite(column).any():
            raise FitError(
                f"No training battery carries {name}. Choose batteries with {name} labels, or "
                "another target."
            )
        with np.errstate(over="ignore"):
            spread = np.nanstd(column)
        if not np.isfinite(spread):
            raise FitError(f"{name} labels are far too large. Correct the file.")
    soh_mean, soh_std = _soh_scales(np.concatenate([s.soh for s in train]), task)
    target_log = np.array([float(log_rul and name == "RUL") for name in task.targets])
    learned = _learned(targets, target_log)
    return Scaler(
        feature_low=low,
        feature_high=high,
        feature_mean=mean,
        feature_std=std,
        cycle_mean=float(cycles.mean()),
        cycle_std=float(cycles.std()) or 1.0,
        soh_mean=soh_mean,
        soh_std=soh_std,
        target_mean=np.nanmean(learned, axis=0),
        target_std=_nonzero(np.nanstd(learned, axis=0)),
        age_scale=float(max(task.max_horizon, 1)),
        target_log=target_log,
        target_top=np.nanmax(targets, axis=0),
        targets_scaled=scale_targets,
    )


def _learned(targets: Floats, target_log: Floats) -> Floats:
    """Return targets (n, T), as logarithms where they are learned as such."""
    if not target_log.any():
        return targets
    return np.where(target_log > 0, np.log1p(np.maximum(targets, 0.0)), targets)


def fit_limits(features: Floats) -> tuple[Floats, Floats]:
    """Return the limits to clip features (n, F) to; outliers can be a thousand times the range."""
    q01, q99 = np.quantile(features, [0.01, 0.99], axis=0)
    width = q99 - q01
    # A feature that is constant in 98 % of the rows has a range of 0: its rare values are kept.
    margin = CLIP_MARGIN * width
    low = np.where(width > 0, q01 - margin, features.min(axis=0))
    high = np.where(width > 0, q99 + margin, features.max(axis=0))
    return low, high


def _feature_scales(features: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Return low, high, mean and std of the clipped features."""
    low, high = fit_limits(features)
    clipped = np.clip(features, low, high)
    return low, high, clipped.mean(axis=0), _nonzero(clipped.std(axis=0))


def _soh_scales(soh: Floats, task: Task) -> tuple[float, float]:
    if not task.use_capacity_history:
        return 0.0, 1.0
    known = require_capacity(soh)
    return float(known.mean()), float(known.std()) or 1.0


def require_capacity(soh: Floats) -> Floats:
    """Return the known values; raises FitError if there are none."""
    known = soh[np.isfinite(soh)]
    if known.size == 0:
        raise FitError(
            "The measured capacity is to be an input, but no training battery has it. Switch "
            "use_capacity_history off."
        )
    return known


def _nonzero(std: Floats) -> Floats:
    """Replace a standard deviation of 0, that of a constant column, by 1."""
    return np.where(std > 1e-12, std, 1.0)
