"""Results of finished tests: metrics, predictions and errors, for pages and files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import select
from sqlalchemy.orm import Session

from core.access import guard
from core.access.actor import CurrentUser
from core.base.errors import NotFound
from core.datasets.datasets import battery_ids, get_dataset_summary
from core.evaluation.evaluations import UNSEEN, TestInfo, describe_tests
from core.evaluation.label_scoring import UNCHECKED, label_scoring
from core.measures.curves import downsample, quartiles
from core.model_versions.stored_metrics import StoredMetrics
from core.model_versions.versions import get_model_info
from db.tables import (
    BatteryUnit,
    TestJobBattery,
    TestJobBatteryMetric,
    TestJobPrediction,
)

METRIC_COLUMNS = ("n", "mae", "mse", "rmse", "r2", "rmspe", "mape")
EVIDENCE_COLUMNS = ("coverage", "mean_width", "distance_ratio")
NUMBER_COLUMNS = ("y_true", "y_pred", "y_lower", "y_upper")


@dataclass(frozen=True)
class TestResult:
    """A finished test.

    overall : metrics by target over the batteries that the model never saw; a target without
        labelled unseen batteries is absent
    batteries : battery_code, exposure, target, n, mae, mse, rmse, r2, rmspe, mape, coverage (share
        of the labelled cycles inside the interval), mean_width (of the interval), distance_ratio
        (above 1: unlike the training batteries) and further metrics; a row per battery and target
        (metrics NaN where the battery is unlabelled or has no interval)
    label_notes : by target, what readers must know about the labels it was scored against
    """

    __test__ = False
    info: TestInfo
    overall: dict[str, StoredMetrics]
    batteries: pd.DataFrame
    label_notes: Mapping[str, str] = field(default_factory=dict)

    @property
    def targets(self) -> tuple[str, ...]:
        """Single targets that were predicted."""
        return self.info.targets


def get_result(session: Session, user: CurrentUser, test_id: int) -> TestResult:
    """Metrics of a finished test; `NotFound` while it is not finished."""
    info = next(iter(describe_tests(session, user, [test_id])), None)
    if info is None or info.status != "SUCCEEDED":
        raise NotFound("result")
    notes = _label_notes(session, user, info)
    return TestResult(info, info.overall, _battery_metrics(session, info), notes)


def _label_notes(session: Session, user: CurrentUser, info: TestInfo) -> dict[str, str]:
    """As stored; where a target has no metrics, the reason as it is now."""
    notes = {target: values.label_note or "" for target, values in info.overall.items()}
    if info.label_group("RUL") == UNCHECKED:
        notes["RUL"] = (
            "This test is from a release that did not compare ends of life: RUL was scored against "
            f"the labels of {info.dataset_name}, whose end of life is not shown to be that of the "
            "model. Test the model again."
        )
    if "RUL" in info.targets and "RUL" not in info.overall:
        model = get_model_info(session, user, info.model_version_id)
        dataset = get_dataset_summary(session, user, info.dataset_id)
        notes["RUL"] = label_scoring(model, dataset).rul_note
    return {target: note for target, note in notes.items() if note}


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
    battery_code, cycle_num, target, y_true (NaN where unknown), y_pred, y_lower and y_upper (the
    90 % interval, NaN where there is none), exposure; PCL as a fraction, RUL in cycles
    """
    test = guard.get_result(session, user, test_id)
    prediction = TestJobPrediction
    query = select(
        prediction.battery_id,
        prediction.cycle_num,
        prediction.target,
        *(getattr(prediction, name) for name in NUMBER_COLUMNS),
    ).where(prediction.test_job_id == test_id)
    if target is not None:
        query = query.where(prediction.target == target)
    if battery_codes is not None:
        ids = battery_ids(session, user, test.dataset_id, list(battery_codes))
        query = query.where(prediction.battery_id.in_(ids.values()))
    # Plain columns instead of ORM objects: three times as fast for 100,000 rows.
    rows = session.connection().execute(query).all()
    columns = list(zip(*rows, strict=True)) or [()] * 7
    return _predictions_frame(_tested_batteries(session, test_id), columns)


def _tested_batteries(session: Session, test_id: int) -> dict[int, tuple[str, str]]:
    """Code and exposure by battery id, in the order of the codes."""
    rows = session.execute(
        select(BatteryUnit.id, BatteryUnit.battery_code, TestJobBattery.exposure)
        .join(TestJobBattery, TestJobBattery.battery_id == BatteryUnit.id)
        .where(TestJobBattery.test_job_id == test_id)
    )
    by_code = sorted(rows, key=lambda row: row[1])
    return {battery_id: (code, exposure or UNSEEN) for battery_id, code, exposure in by_code}


def _predictions_frame(
    batteries: dict[int, tuple[str, str]], columns: Sequence[Sequence[Any]]
) -> pd.DataFrame:
    """Rows of predictions with code and exposure, ordered by code, target and cycle."""
    battery_id, cycle_num, target, *numbers = columns
    places = {battery_id: place for place, battery_id in enumerate(batteries)}
    place = np.array([places[i] for i in battery_id], dtype=np.int64)
    cycles = np.array(cycle_num, dtype=np.int64)
    names = np.array(target, dtype=object)
    order = np.lexsort((cycles, names.astype(str), place))
    codes = np.array([code for code, _ in batteries.values()], dtype=object)
    exposures = np.array([exposure for _, exposure in batteries.values()], dtype=object)
    frame = {
        "battery_code": codes[place],
        "cycle_num": cycles,
        "target": names,
        **{
            name: np.array(values, dtype=np.float64)
            for name, values in zip(NUMBER_COLUMNS, numbers, strict=True)
        },
        "exposure": exposures[place],
    }
    return pd.DataFrame({name: values[order] for name, values in frame.items()})


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
    """Quartiles of the errors of each battery's cycles (see core.measures.curves.quartiles)."""
    frame = _labelled(load_predictions(session, user, test_id, target))
    return quartiles(frame, "battery_code", "error")


def _labelled(frame: pd.DataFrame) -> pd.DataFrame:
    known = frame[np.isfinite(frame["y_true"])]
    return known.assign(error=known["y_pred"] - known["y_true"])


def _battery_metrics(session: Session, info: TestInfo) -> pd.DataFrame:
    rows = session.execute(
        select(
            BatteryUnit.battery_code,
            TestJobBattery.exposure,
            TestJobBattery.distance_ratio,
            TestJobBatteryMetric,
        )
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
            **(StoredMetrics.from_json(row.metrics).content() if row else {}),
            "distance_ratio": ratio,
        }
        for code, exposure, ratio, row in rows
    ]
    columns = ["battery_code", "exposure", "target", *METRIC_COLUMNS, *EVIDENCE_COLUMNS]
    frame = pd.DataFrame(records)
    extra = [column for column in frame.columns if column not in columns]
    frame = frame.reindex(columns=[*columns, *extra])
    numbers = [column for column in frame.columns if column not in columns[:3]]
    return frame.astype(dict.fromkeys(numbers, "float64"))
