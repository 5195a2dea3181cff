"""Testing one model: predict battery by battery, store, and show all of it at once."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from core.access.actor import CurrentUser, load_user
from core.base import storage
from core.base.database import read_scope, session_scope
from core.base.errors import TaskFailed
from core.base.words import counted
from core.datasets.cycles import load_cycles, with_further
from core.datasets.datasets import load_dataset
from core.datasets.series import make_series
from core.evaluation.evaluations import UNSEEN, TestInfo, add_log, get_test_info
from core.evaluation.exports import queue_export
from core.evaluation.label_scoring import LabelScoring, label_scoring, with_scored_labels
from core.evaluation.material import matched_columns
from core.evaluation.writing import PredictedCurve, write_predictions
from core.jobs.context import TaskContext
from core.jobs.states import move
from core.measures.coverage import verdict_words
from core.model_versions.evidence import battery_metrics, horizon_metrics, overall_metrics
from core.model_versions.stored_metrics import StoredMetrics
from core.model_versions.versions import get_model_info, open_checkpoint
from db.tables import (
    BatteryUnit,
    TestJob,
    TestJobBattery,
    TestJobBatteryMetric,
    TestJobHorizonMetric,
    TestJobMetricOverall,
)
from db.tables.columns import EXPORT_FORMATS, Exposure, LogLevel, utc_now
from models.inputs.series import BatterySeries
from models.model.checkpoint import Prediction, TrainedModel


@dataclass(frozen=True)
class Assignment:
    """What is tested: the model, and each battery's id and exposure by code."""

    user: CurrentUser
    test: TestInfo
    model: TrainedModel
    series: dict[str, BatterySeries]
    battery_ids: dict[str, int]
    exposure: dict[str, Exposure]
    scoring: LabelScoring


def work(context: TaskContext) -> None:
    """Predict, store predictions in chunks, then metrics and status in one transaction."""
    context.report("Loading model and cycles", 0.0)
    assignment = _load(context)
    predictions = _predict(context, assignment)
    horizons = _horizon_rows(context, assignment, predictions)
    _write_predictions(context, assignment, predictions)
    context.report("Storing metrics", 0.99)
    _publish(context, assignment, predictions, horizons)


def _load(context: TaskContext) -> Assignment:
    with read_scope() as session:
        user = load_user(session, context.user_id)
        test = get_test_info(session, user, context.subject_id)
        model_info = get_model_info(session, user, test.model_version_id)
        loaded = load_dataset(session, user, test.dataset_id)
        dataset = loaded.summary
        columns = matched_columns(model_info, dataset)
        path, _ = open_checkpoint(session, user, test.model_version_id)
        batteries = _batteries(session, test.id)
        ids = {code: battery_id for code, battery_id, _ in batteries}
        wanted = with_further(columns)
        frame = load_cycles(session, user, test.dataset_id, wanted, list(ids.values()))
    if not storage.exists(path):
        raise TaskFailed("The checkpoint of this model is missing on disk. Train it again.")
    with storage.open_file(path) as stream:
        model = TrainedModel.load(stream)
    scoring = label_scoring(model_info, dataset)
    frame = with_scored_labels(frame, loaded.nominal_capacity_ah, dataset, scoring)
    return Assignment(
        user=user,
        test=test,
        model=model,
        series=make_series(frame, model.task.targets, columns),
        battery_ids=ids,
        exposure={code: exposure or UNSEEN for code, _, exposure in batteries},
        scoring=scoring,
    )


def _batteries(session: Session, test_id: int) -> list[tuple[str, int, Exposure | None]]:
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
        context.report(f"Predicting battery {code}", 0.3 * done / len(assignment.series))
    return predictions


def _horizon_rows(
    context: TaskContext, assignment: Assignment, predictions: dict[str, Prediction]
) -> list[dict[str, Any]]:
    """Errors of a forecast and its floors by horizon, over the batteries never seen."""
    unseen = [s for code, s in assignment.series.items() if assignment.exposure[code] == UNSEEN]
    found = horizon_metrics(
        assignment.model,
        unseen,
        {assignment.test.horizon: predictions},
        lambda share: context.report("Scoring other horizons", 0.3 + 0.2 * share),
    )
    return [{"test_job_id": assignment.test.id, **row} for row in found]


def _write_predictions(
    context: TaskContext, assignment: Assignment, predictions: dict[str, Prediction]
) -> None:
    curves = [
        PredictedCurve(
            assignment.battery_ids[code],
            target,
            prediction.cycle_num,
            prediction.y_true[:, column],
            prediction.y_pred[:, column],
            prediction.y_lower[:, column],
            prediction.y_upper[:, column],
        )
        for code, prediction in predictions.items()
        for column, target in enumerate(assignment.model.task.targets)
    ]
    write_predictions(
        assignment.test.id,
        curves,
        lambda share: context.report("Storing predictions", 0.5 + 0.49 * share),
    )


def _publish(
    context: TaskContext,
    assignment: Assignment,
    predictions: dict[str, Prediction],
    horizons: list[dict[str, Any]],
) -> None:
    test_id = assignment.test.id
    each, overall = _metric_rows(assignment, predictions)
    distances = _distance_rows(assignment)
    context.flush()
    with session_scope() as session:
        context.finish(session)
        if each:
            session.execute(insert(TestJobBatteryMetric), each)
        if overall:
            session.execute(insert(TestJobMetricOverall), overall)
        if horizons:
            session.execute(insert(TestJobHorizonMetric), horizons)
        if distances:
            session.execute(update(TestJobBattery), distances)
        test = session.get_one(TestJob, test_id)
        add_log(session, test, "INFO", _summary(assignment, overall))
        for sentence in assignment.scoring.sentences(assignment.test.target):
            add_log(session, test, "WARNING", sentence)
        for level, line in _evidence_lines(overall, distances):
            add_log(session, test, level, line)
        if not move(session, TestJob, test_id, "SUCCEEDED", finished_at=utc_now()):
            raise TaskFailed("The test was ended while its results were being stored.")
        for file_format in EXPORT_FORMATS:
            queue_export(session, test_id, assignment.user.id, file_format)


def _metric_rows(
    assignment: Assignment, predictions: dict[str, Prediction]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    fixed = {"test_job_id": assignment.test.id}
    each = [
        {
            **fixed,
            "battery_id": assignment.battery_ids[code],
            "target": target,
            "metrics": _stored(found),
        }
        for code, prediction in predictions.items()
        for target, found in battery_metrics(assignment.model, prediction).items()
    ]
    unseen = {code: p for code, p in predictions.items() if assignment.exposure[code] == UNSEEN}
    pooled = overall_metrics(assignment.model, unseen, assignment.test.horizon, with_interval=True)
    overall = [
        {
            **fixed,
            "target": target,
            "metrics": _stored(found | _labels(assignment.scoring, target)),
            "created_at": utc_now(),
        }
        for target, found in pooled.items()
    ]
    return each, overall


def _labels(scoring: LabelScoring, target: str) -> dict[str, str]:
    """Which labels a target was scored against, as stored with its metrics."""
    return {"label_group": scoring.group(target), "label_note": scoring.note(target)}


def _stored(found: Mapping[str, Any]) -> dict[str, Any]:
    return StoredMetrics.from_json(found).to_json()


def _distance_rows(assignment: Assignment) -> list[dict[str, Any]]:
    """How unlike the training batteries each battery is; nothing where that is not known."""
    if (known := assignment.model.applicability) is None:
        return []
    fixed = {"test_job_id": assignment.test.id}
    ratios = {code: known.distance_ratio(series) for code, series in assignment.series.items()}
    return [
        {**fixed, "battery_id": assignment.battery_ids[code], "distance_ratio": ratio}
        for code, ratio in ratios.items()
        if ratio is not None
    ]


def _evidence_lines(
    overall: list[dict[str, Any]], distances: list[dict[str, Any]]
) -> list[tuple[LogLevel, str]]:
    """Level and text of what the log says about intervals and unusual batteries."""
    lines: list[tuple[LogLevel, str]] = []
    for row in overall:
        if interval := row["metrics"].get("interval"):
            low, high = interval["expected_low"], interval["expected_high"]
            level: LogLevel = "WARNING" if interval["verdict"] == "too low" else "INFO"
            text = (
                f"{row['target']}: the {interval['nominal']:.0%} intervals contain "
                f"{interval['observed']:.1%} of the cycles ({verdict_words(interval['verdict'])}; "
                f"{low:.1%} to {high:.1%} by chance alone)."
            )
            lines.append((level, text))
    if unlike := sum(row["distance_ratio"] > 1 for row in distances):
        text = f"{unlike} of {counted(len(distances), 'battery')} unlike the training batteries."
        lines.append(("WARNING", text))
    return lines


def _summary(assignment: Assignment, overall: list[dict[str, Any]]) -> str:
    n_cycles = int(np.sum([len(series) for series in assignment.series.values()]))
    scored = max((row["metrics"]["n_batteries"] for row in overall), default=0)
    return (
        f"{counted(len(assignment.series), 'battery')}, {counted(n_cycles, 'cycle')}, "
        f"horizon {assignment.test.horizon}; "
        f"overall metrics over {counted(scored, 'unseen battery')}."
    )
