"""Error measures, per battery and pooled; every percentage has a stated denominator.

PCL: `rmspe` and `mape` are taken on SOH = 1 - PCL, as in Wen et al. 2024
(doi 10.1109/TIV.2023.3315548); `rmspe_pcl` is taken on PCL itself, with rows of |PCL| < 0.005
left out and counted.
RUL: rows whose true RUL is 0 are left out of `rmspe` and `mape` and counted.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

SMALLEST_PCL = 0.005
SMALLEST_SPREAD = 1e-30
AVERAGED = ("mae", "mse", "rmse", "r2", "rmspe", "mape")
# Percentages, stored as fractions. Above the largest one they say only that true values near 0
# divide the error; the mean absolute error is then the number that means something.
SHARES = ("rmspe", "rmspe_pcl", "mape")
LARGEST_SHARE = 2.0
# A predicted life counts as right within this share of the true one.
LIFE_MARGIN = 0.15


def score(target: str, y_true: Floats, y_pred: Floats) -> dict[str, Any] | None:
    """Metrics of one target over the rows that have a true value.

    Parameters
    ----------
    target : "PCL" (fraction) or "RUL" (cycles)
    y_true, y_pred : (n,) in storage units; NaN in `y_true` marks an unlabelled row

    Returns
    -------
    n, mae, mse, rmse, r2 (None where the true value is constant), rmspe and mape (fractions) and
    the number of rows left out of a percentage; None if no row is labelled.
    """
    known = np.isfinite(y_true) & np.isfinite(y_pred)
    true, pred = y_true[known], y_pred[known]
    if not len(true):
        return None
    error = pred - true
    mse = float(np.mean(error**2))
    result: dict[str, Any] = {
        "n": len(true),
        "mae": float(np.mean(np.abs(error))),
        "mse": mse,
        "rmse": float(np.sqrt(mse)),
        "r2": _r2(true, error),
    }
    return result | (
        _pcl_percentages(true, pred) if target == "PCL" else _rul_percentage(true, pred)
    )


def overall(target: str, batteries: Iterable[tuple[Floats, Floats]]) -> dict[str, Any] | None:
    """Metrics pooled over the rows of several batteries, and their mean over batteries (macro).

    Parameters
    ----------
    batteries : (y_true, y_pred) of each battery, as in `score`
    """
    pairs = [pair for pair in batteries if np.isfinite(pair[0]).any()]
    if not pairs:
        return None
    pooled = score(
        target, np.concatenate([p[0] for p in pairs]), np.concatenate([p[1] for p in pairs])
    )
    each = [item for item in (score(target, *pair) for pair in pairs) if item is not None]
    macro = {name: _mean_of_known([item[name] for item in each]) for name in AVERAGED}
    return {**(pooled or {}), "n_batteries": len(each), "macro": macro}


def _r2(true: Floats, error: Floats) -> float | None:
    spread = float(np.sum((true - true.mean()) ** 2))
    # By rounding, equal values can have a spread above 0, and nearly equal ones a spread of 0.
    if np.ptp(true) == 0 or spread < SMALLEST_SPREAD:
        return None
    return float(1 - np.sum(error**2) / spread)


def _pcl_percentages(true: Floats, pred: Floats) -> dict[str, Any]:
    large = np.abs(true) >= SMALLEST_PCL
    return {
        "rmspe": _rmspe(1 - true, 1 - pred),
        "rmspe_pcl": _rmspe(true[large], pred[large]),
        "rmspe_pcl_left_out": int(np.sum(~large)),
        "mape": _mape(1 - true, 1 - pred),
    }


def _rul_percentage(true: Floats, pred: Floats) -> dict[str, Any]:
    alive = true != 0
    left_out = int(np.sum(~alive))
    return {
        "rmspe": _rmspe(true[alive], pred[alive]),
        "rmspe_left_out": left_out,
        "mape": _mape(true[alive], pred[alive]),
        "mape_left_out": left_out,
    }


def _rmspe(true: Floats, pred: Floats) -> float | None:
    usable = true != 0
    if not usable.any():
        return None
    share = (pred[usable] - true[usable]) / true[usable]
    return float(np.sqrt(np.mean(share**2)))


def _mape(true: Floats, pred: Floats) -> float | None:
    usable = true != 0
    if not usable.any():
        return None
    return float(np.mean(np.abs((pred[usable] - true[usable]) / true[usable])))


def share_within(true_life: Floats, predicted_life: Floats) -> float:
    """Share of batteries whose predicted life lies within 15 % of the true one.

    Parameters
    ----------
    true_life, predicted_life : (n,) cycles, n >= 1
    """
    return float(np.mean(np.abs(predicted_life - true_life) <= LIFE_MARGIN * true_life))


def _mean_of_known(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None
