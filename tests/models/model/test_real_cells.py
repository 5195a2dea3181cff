"""Default settings on a few real cells: clearly better than the training mean."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from scipy.io import loadmat

from models.inputs.series import BatterySeries, make_task
from models.model.fitting import fit
from models.settings.catalogue import ALGORITHMS
from models.settings.resolving import resolve
from tests.paths import SHARED_DATA, needs_shared_data

FEATURES = ("slope", "intercept", "temperature_avg")
# Cells of the published training split only.
TRAIN, VAL = (8, 12, 20, 30, 44, 52, 60, 70), (16, 36, 48, 66)


@cache
def _content() -> dict[str, np.ndarray]:
    content: dict[str, np.ndarray] = loadmat(SHARED_DATA / "severson" / "SeversonBattery.mat")
    return content


def _read_cells(numbers: Sequence[int]) -> list[BatterySeries]:
    content = _content()
    ends = np.cumsum(content["Num_Cycles_Flt"].ravel().astype(np.int64))
    cells = []
    for number in numbers:
        rows = slice(ends[number - 2] if number > 1 else 0, ends[number - 1])
        pcl, rul = (content[f"{name}_Flt"].ravel()[rows].astype(float) for name in ("PCL", "RUL"))
        cells.append(
            BatterySeries(
                f"{number:03d}",
                content["Cycles_Flt"].ravel()[rows].astype(np.int64),
                content["Features_mov_Flt"][rows].astype(float),
                np.column_stack([pcl, rul]),
                1.0 - pcl,
            )
        )
    return cells


LEARNERS = [key for key, info in ALGORITHMS.items() if info.family in ("network", "estimator")]


@pytest.mark.slow
@needs_shared_data
@pytest.mark.parametrize("mode", [{}, {"max_horizon": 50, "use_capacity_history": True}])
@pytest.mark.parametrize("algorithm", LEARNERS)
def test_real_cells_are_learned(algorithm: str, mode: dict[str, object]) -> None:
    train, val = _read_cells(TRAIN), _read_cells(VAL)
    quick = {"epochs": 4, "boosting_rounds": 40, "device": "cpu"}
    hp = resolve(algorithm, {**quick, **mode})
    task = make_task(("PCL", "RUL"), FEATURES, hp)
    result = fit(
        algorithm,
        train,
        val,
        task,
        hp,
        threads=1,
        on_epoch=lambda report: None,
        on_stage=lambda stage: None,
    )
    mean = np.concatenate([s.targets for s in train]).mean(axis=0)
    predictions = [result.model.predict(s, 50 if mode else 0) for s in val]
    truth = np.concatenate([p.y_true for p in predictions])
    error = np.concatenate([p.y_pred for p in predictions]) - truth
    rmse, floor = np.sqrt(np.nanmean(error**2, axis=0)), np.sqrt(np.nanmean((truth - mean) ** 2, 0))
    assert (rmse < 0.8 * floor).all()


# PCL RMSE on the published primary and secondary test cells, measured by an independent program.
FLOORS_KNOWN = {
    ("LAST_VALUE", 50): (0.019, 0.0127),
    ("LAST_VALUE", 100): (0.032, 0.022),
    ("LAST_SLOPE", 50): (0.0097, 0.0056),
    ("LAST_SLOPE", 100): (0.019, 0.0116),
}


@needs_shared_data
@pytest.mark.parametrize(("algorithm", "horizon"), FLOORS_KNOWN)
def test_floors_of_forecasts_are_those_measured_elsewhere(algorithm: str, horizon: int) -> None:
    hp = resolve(algorithm, {"max_horizon": horizon})
    task = make_task(("PCL",), FEATURES, hp)
    train = [replace(s, targets=s.targets[:, :1]) for s in _read_cells(TRAIN)]
    result = fit(
        algorithm,
        train,
        train[:1],
        task,
        hp,
        threads=1,
        on_epoch=lambda report: None,
        on_stage=lambda stage: None,
    )
    splits = ("test_ind", "secondary_test_ind")
    for split, expected in zip(splits, FLOORS_KNOWN[algorithm, horizon], strict=True):
        squares = []
        for series in _read_cells(_content()[split].ravel().astype(int).tolist()):
            series = replace(series, targets=series.targets[:, :1])
            found = result.model.predict(series, horizon)
            squares.append((found.y_pred - found.y_true) ** 2)
        rmse = np.sqrt(np.nanmean(np.concatenate(squares)))
        assert rmse == pytest.approx(expected, rel=0.06)
