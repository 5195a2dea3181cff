"""Testing one model: predict battery by battery, store, and show all of it at once."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from core import metrics
from core.cycles import ALL_COLUMNS, load_cycles
from core.database import read_scope, session_scope
from core.errors import TaskFailed
from core.exports import queue_export
from core.jobs.context import TaskContext
from core.jobs.states import move
from core.registry import get_model_info, open_checkpoint
from core.series import make_series
from core.testing import UNSEEN, TestInfo, add_log, get_test_info, match_features
from core.users import CurrentUser, load_user
from db.tables import (
    BatteryUnit,
    TestJob,
    TestJobBattery,
    TestJobBatteryMetric,
    TestJobMetricOverall,
    TestJobPrediction,
)
from db.tables.columns import EXPORT_FORMATS, utc_now
from models.checkpoint import Prediction, TrainedModel
from models.series import BatterySeries

# Small enough for SQLite's single writer never to be held for half a second.
CHUNK_ROWS = 5000


@dataclass(frozen=True)
class Assignment:
    """What is tested: the model, and each battery's id and exposure by code."""

    user: CurrentUser
    test: TestInfo
    model: TrainedModel
    series: dict[str, BatterySeries]
    battery_ids: dict[str, int]
    exposure: dict[str, str]


def work(context: TaskContext) -> None:
    """Predict, store predictions in chunks, then metrics and status in one transaction."""
    context.report("Loading model and cycles", 0.0)
    assignment = _load(context)
    predictions = _predict(context, assignment)
    _write_predictions(context, assignment, predictions)
    context.report("Storing metrics", 0.99)
    _publish(context, assignment, predictions)


def _load(context: TaskContext) -> Assignment:
    with read_scope() as session:
        user = load_user(session, context.user_id)
        test = get_test_info(session, user, context.subject_id)
        model_info = get_model_info(session, user, test.model_version_id)
        columns = match_features(session, user, model_info, test.dataset_id)
        path, _ = open_checkpoint(session, user, test.model_version_id)
        batteries = _batteries(session, test.id)
        ids = {code: battery_id for code, battery_id, _ in batteries}
        frame = load_cycles(session, user, test.dataset_id, ALL_COLUMNS, list(ids.values()))
    if not path.is_file():
        raise TaskFailed("The checkpoint of this model is missing on disk. Train it again.")
    model = TrainedModel.load(path)
    return Assignment(
        user=user,
        test=test,
        model=model,
        series=make_series(frame, model.task.targets, columns),
        battery_ids=ids,
        exposure={code: exposure or UNSEEN for code, _, exposure in batteries},
    )


def _batteries(session: Session, test_id: int) -> list[tuple[str, int, str | None]]:
    rows = session.execute(
        select(BatteryUnit.battery_code, BatteryUnit.id, TestJobBattery.exposure)
        .join(TestJobBattery, TestJobBattery.battery_id == BatteryUnit.id)
        .where(TestJobBattery.test_job_id == test_id)
        .order_by(BatteryUnit.battery_code)
    )
    return [(code, battery_id, exposure) for code, battery_id, exposure in rows]


def _predict(context: TaskContext, assignment: Assignment) -> dict[str, Prediction]:
    predictions = {}
    for done, (code, series) in enumerate(assignment.series.items(), start=1):
        predictions[code] = assignment.model.predict(series, assignment.test.horizon)
        context.report(f"Predicting battery {code}", 0.5 * done / len(assignment.series))
    return predictions


def _write_predictions(
    context: TaskContext, assignment: Assignment, predictions: dict[str, Prediction]
) -> None:
    rows = _prediction_rows(assignment, predictions)
    for start in range(0, len(rows), CHUNK_ROWS):
        with session_scope() as session:
            session.execute(insert(TestJobPrediction), rows[start : start + CHUNK_ROWS])
        share = min(1.0, (start + CHUNK_ROWS) / len(rows))
        context.report("Storing predictions", 0.5 + 0.49 * share)


def _prediction_rows(
    assignment: Assignment, predictions: dict[str, Prediction]
) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for code, prediction in predictions.items():
        fixed = {"test_job_id": assignment.test.id, "battery_id": assignment.battery_ids[code]}
        cycles = prediction.cycle_num.tolist()
        for column, target in enumerate(assignment.model.task.targets):
            true = prediction.y_true[:, column].tolist()
            pred = prediction.y_pred[:, column].tolist()
            rows += [
                {**fixed, "target": target, "cycle_num": c, "y_true": t, "y_pred": p}
                for c, t, p in zip(cycles, true, pred, strict=True)
            ]
    return rows


def _publish(
    context: TaskContext, assignment: Assignment, predictions: dict[str, Prediction]
) -> None:
    test_id = assignment.test.id
    each, overall = _metric_rows(assignment, predictions)
    context.flush()
    with session_scope() as session:
        context.finish(session)
        if each:
            session.execute(insert(TestJobBatteryMetric), each)
        if overall:
            session.execute(insert(TestJobMetricOverall), overall)
        test = session.get_one(TestJob, test_id)
        add_log(session, test, "INFO", _summary(assignment, overall))
        if not move(session, TestJob, test_id, "SUCCEEDED", finished_at=utc_now()):
            raise TaskFailed("The test was ended while its results were being stored.")
        for file_format in EXPORT_FORMATS:
            queue_export(session, test_id, assignment.user.id, file_format)


def _metric_rows(
    assignment: Assignment, predictions: dict[str, Prediction]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    each: list[dict[str, Any]] = []
    overall: list[dict[str, Any]] = []
    fixed = {"test_job_id": assignment.test.id}
    for column, target in enumerate(assignment.model.task.targets):
        pairs = {c: (p.y_true[:, column], p.y_pred[:, column]) for c, p in predictions.items()}
        for code, pair in pairs.items():
            if (found := metrics.score(target, *pair)) is not None:
                battery = {"battery_id": assignment.battery_ids[code], "target": target}
                each.append({**fixed, **battery, "metrics": found})
        unseen = [pair for code, pair in pairs.items() if assignment.exposure[code] == UNSEEN]
        if (pooled := metrics.overall(target, unseen)) is not None:
            overall.append({**fixed, "target": target, "metrics": pooled, "created_at": utc_now()})
    return each, overall


def _summary(assignment: Assignment, overall: list[dict[str, Any]]) -> str:
    n_cycles = int(np.sum([len(series) for series in assignment.series.values()]))
    scored = max((row["metrics"]["n_batteries"] for row in overall), default=0)
    return (
        f"{len(assignment.series)} batteries, {n_cycles:,} cycles, horizon "
        f"{assignment.test.horizon}; {scored} unseen batteries count in the overall metrics."
    )
