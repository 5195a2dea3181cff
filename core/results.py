"""What a finished test found: metrics, predictions and their errors, as screen and file show it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import select
from sqlalchemy.orm import Session

from core import access
from core.curves import downsample, quartiles
from core.datasets import battery_ids
from core.testing import UNSEEN, TestInfo, get_test_info
from core.users import CurrentUser
from db.tables import (
    BatteryUnit,
    TestJobBattery,
    TestJobBatteryMetric,
    TestJobMetricOverall,
    TestJobPrediction,
)

METRIC_COLUMNS = ("n", "mae", "mse", "rmse", "r2", "rmspe")


@dataclass(frozen=True)
class TestResult:
    """A finished test.

    overall : metrics by target over the batteries that the model never saw; a target without
        labelled unseen batteries is absent
    batteries : battery_code, exposure, target, n, mae, mse, rmse, r2, rmspe and further metrics;
        a row per battery and target (metrics NaN where the battery is unlabelled)
    """

    __test__ = False
    info: TestInfo
    overall: dict[str, dict[str, Any]]
    batteries: pd.DataFrame

    @property
    def targets(self) -> tuple[str, ...]:
        """Single targets that were predicted."""
        return ("PCL", "RUL") if self.info.target == "BOTH" else (self.info.target,)


def get_result(session: Session, user: CurrentUser, test_id: int) -> TestResult:
    """Metrics of a finished test; `NotFound` while it is not finished."""
    access.get_result(session, user, test_id)
    overall = session.execute(
        select(TestJobMetricOverall.target, TestJobMetricOverall.metrics).where(
            TestJobMetricOverall.test_job_id == test_id
        )
    )
    info = get_test_info(session, user, test_id)
    return TestResult(info, dict(overall.tuples().all()), _battery_metrics(session, info))


def load_predictions(
    session: Session,
    user: CurrentUser,
    test_id: int,
    target: str | None = None,
    battery_codes: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Predictions of a finished test, ordered by battery, target and cycle.

    Returns
    -------
    battery_code, cycle_num, target, y_true (NaN where unknown), y_pred, exposure; PCL as a
    fraction, RUL in cycles
    """
    test = access.get_result(session, user, test_id)
    query = (
        select(
            BatteryUnit.battery_code,
            TestJobPrediction.cycle_num,
            TestJobPrediction.target,
            TestJobPrediction.y_true,
            TestJobPrediction.y_pred,
            TestJobBattery.exposure,
        )
        .join(BatteryUnit, BatteryUnit.id == TestJobPrediction.battery_id)
        .join(
            TestJobBattery,
            (TestJobBattery.test_job_id == TestJobPrediction.test_job_id)
            & (TestJobBattery.battery_id == TestJobPrediction.battery_id),
        )
        .where(TestJobPrediction.test_job_id == test_id)
        .order_by(BatteryUnit.battery_code, TestJobPrediction.target, TestJobPrediction.cycle_num)
    )
    if target is not None:
        query = query.where(TestJobPrediction.target == target)
    if battery_codes is not None:
        ids = battery_ids(session, user, test.dataset_id, list(battery_codes))
        query = query.where(TestJobPrediction.battery_id.in_(ids.values()))
    columns = ["battery_code", "cycle_num", "target", "y_true", "y_pred", "exposure"]
    frame = pd.DataFrame(session.execute(query).all(), columns=columns)
    return frame.astype({"y_true": "float64", "y_pred": "float64"})


def prediction_curves(
    session: Session,
    user: CurrentUser,
    test_id: int,
    target: str,
    battery_codes: Sequence[str],
    max_points: int = 4000,
) -> pd.DataFrame:
    """Predicted and true curves of some batteries, thinned to about `max_points` in all."""
    frame = load_predictions(session, user, test_id, target, battery_codes)
    each = max(100, max_points // max(len(battery_codes), 1))
    return downsample(frame, "battery_code", "y_pred", each)


def error_points(
    session: Session, user: CurrentUser, test_id: int, target: str, max_points: int = 5000
) -> pd.DataFrame:
    """Labelled predictions thinned evenly for scatter plots, with `error` = y_pred - y_true."""
    frame = _labelled(load_predictions(session, user, test_id, target))
    step = max(1, -(-len(frame) // max_points))
    return frame.iloc[::step]


def cycle_error_boxes(
    session: Session, user: CurrentUser, test_id: int, target: str
) -> pd.DataFrame:
    """Quartiles of the errors of each battery's cycles (see core.curves.quartiles)."""
    frame = _labelled(load_predictions(session, user, test_id, target))
    return quartiles(frame, "battery_code", "error")


def _labelled(frame: pd.DataFrame) -> pd.DataFrame:
    known = frame[np.isfinite(frame["y_true"])]
    return known.assign(error=known["y_pred"] - known["y_true"])


def _battery_metrics(session: Session, info: TestInfo) -> pd.DataFrame:
    rows = session.execute(
        select(BatteryUnit.battery_code, TestJobBattery.exposure, TestJobBatteryMetric)
        .select_from(TestJobBattery)
        .join(BatteryUnit, BatteryUnit.id == TestJobBattery.battery_id)
        .outerjoin(
            TestJobBatteryMetric,
            (TestJobBatteryMetric.test_job_id == TestJobBattery.test_job_id)
            & (TestJobBatteryMetric.battery_id == TestJobBattery.battery_id),
        )
        .where(TestJobBattery.test_job_id == info.id)
        .order_by(BatteryUnit.battery_code, TestJobBatteryMetric.target)
    ).all()
    records = [
        {
            "battery_code": code,
            "exposure": exposure or UNSEEN,
            "target": row.target if row else None,
            **(row.metrics if row else {}),
        }
        for code, exposure, row in rows
    ]
    columns = ["battery_code", "exposure", "target", *METRIC_COLUMNS]
    frame = pd.DataFrame(records)
    extra = [column for column in frame.columns if column not in columns]
    frame = frame.reindex(columns=[*columns, *extra])
    numbers = [column for column in frame.columns if column not in columns[:3]]
    return frame.astype(dict.fromkeys(numbers, "float64"))
