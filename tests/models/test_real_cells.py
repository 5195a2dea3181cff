"""Default settings on a few real cells: clearly better than the training mean."""

import numpy as np
import pytest
from scipy.io import loadmat

from models.config import ALGORITHMS, resolve
from models.fitting import fit
from models.series import BatterySeries, make_task
from tests.paths import SHARED_DATA, needs_shared_data

FEATURES = ("slope", "intercept", "temperature_avg")
# Cells of the published training split only.
TRAIN, VAL = (8, 12, 20, 30, 44, 52, 60, 70), (16, 36, 48, 66)


def _read_cells(numbers: tuple[int, ...]) -> list[BatterySeries]:
    content = loadmat(SHARED_DATA / "severson" / "SeversonBattery.mat")
    ends = np.cumsum(content["Num_Cycles_Flt"].ravel().astype(np.int64))
    cells = []
    for number in numbers:
        rows = slice(ends[number - 2], ends[number - 1])
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


@needs_shared_data
@pytest.mark.parametrize("mode", [{}, {"max_horizon": 50, "use_capacity_history": True}])
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_real_cells_are_learned(algorithm: str, mode: dict[str, object]) -> None:
    train, val = _read_cells(TRAIN), _read_cells(VAL)
    hp = resolve(algorithm, {"epochs": 4, "device": "cpu", **mode})
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
