"""Making a file of a test's results."""

from dataclasses import replace
from typing import Any

import pandas as pd
from sqlalchemy import update

from core.access.actor import load_user
from core.base import storage
from core.base.database import read_scope, session_scope
from core.base.spreadsheets import OVERRULED_COLUMN, write_csv, write_xlsx
from core.evaluation.exports import get_export_info
from core.evaluation.predicted_lives import predicted_lives
from core.evaluation.results import TestResult, get_result, load_predictions
from core.jobs.context import TaskContext
from core.model_versions.versions import ModelInfo, get_model_info
from db.tables import TestExport
from models.settings.catalogue import ALGORITHMS
from models.settings.resolving import own_settings

# What each column of the sheets holds; the headers stay names that programs can rely on.
COLUMN_UNITS = (
    ("cycle_num", "cycle number"),
    ("y_true, y_pred", "PCL: fraction of nominal capacity; RUL: cycles"),
    ("y_lower, y_upper", "ends of the 90 % interval, in the unit of y_pred; empty: no interval"),
    ("coverage", "share of the labelled cycles of a battery inside the interval"),
    ("mean_width", "mean of y_upper - y_lower, in the unit of y_pred"),
    ("distance_ratio", "above 1: its first 100 cycles are unlike those of the training batteries"),
    ("interval_observed", "mean of coverage over the batteries; *_low, *_high: 95 % interval"),
    ("interval_expected_*", "range that chance allows for batteries like the calibrating ones"),
    ("mae, rmse", "PCL: fraction of nominal capacity (0.01 is 1 %-point); RUL: cycles"),
    ("mse", "square of the unit of rmse"),
    ("r2", "no unit; 1 is perfect"),
    ("rmspe", "fraction; PCL: of SOH = 1 - PCL; RUL: of the true RUL, rows of 0 left out"),
    ("rmspe_pcl", "fraction of the true PCL, rows below 0.005 left out"),
    ("mape", "mean absolute error as a fraction, of the same as rmspe; empty: not taken then"),
    ("*_left_out", "number of rows left out of that percentage"),
    ("label_group", "end of life of the labels scored against; empty: that of the dataset"),
    (
        "predicted_life",
        "cycles; cycle + predicted RUL at the last predicted cycle, of batteries "
        "without RUL labels; life_low, life_high: ends of its 90 % interval",
    ),
    ("n", "number of labelled cycles"),
    ("n_batteries", "number of labelled batteries"),
    ("macro_*", "mean of the metric over batteries, in the unit of the metric"),
    (OVERRULED_COLUMN, "findings of the leakage check that the owner overruled, and the reason"),
    ("exposure", "unseen, val (used for selection) or train (seen in training)"),
)


def work(context: TaskContext) -> None:
    """Read the results as the page does, write the file, and say that it is there."""
    context.report("Reading results", 0.1)
    with read_scope() as session:
        user = load_user(session, context.user_id)
        export = get_export_info(session, user, context.subject_id)
        result = get_result(session, user, export.test_job_id)
        model = get_model_info(session, user, result.info.model_version_id)
        predictions = load_predictions(session, user, export.test_job_id)
        lives = predicted_lives(session, user, export.test_job_id)
    result, predictions = _marked(result, predictions)
    relative = storage.export_path(user.id, export.test_job_id, export.id, export.format)
    context.report(f"Writing {export.format}", 0.4)
    with storage.atomic_file(relative) as path:
        if export.format == "CSV":
            write_csv(path, predictions)
        else:
            write_xlsx(
                path,
                information(result, model),
                overall_frame(result),
                result.batteries,
                predictions,
                {"Predicted lives": lives} if len(lives) else {},
            )
    with session_scope() as session:
        context.finish(session)
        session.execute(
            update(TestExport)
            .where(TestExport.id == export.id)
            .values(file_size=storage.file_size(relative))
        )


def _marked(result: TestResult, predictions: pd.DataFrame) -> tuple[TestResult, pd.DataFrame]:
    """Put what was overruled beside every number, where anything was."""
    if not result.info.overruled:
        return result, predictions
    note = {OVERRULED_COLUMN: " ".join(result.info.overruled)}
    return replace(result, batteries=result.batteries.assign(**note)), predictions.assign(**note)


def information(result: TestResult, model: ModelInfo) -> list[tuple[str, Any]]:
    """What the numbers are of: the first sheet of the workbook."""
    info = result.info
    codes = list(dict.fromkeys(result.batteries["battery_code"]))
    unseen = result.batteries[result.batteries["exposure"] == "unseen"]["battery_code"].nunique()
    rows: list[tuple[str, Any]] = [
        ("Model", model.title),
        ("Algorithm", _algorithm_label(model.algorithm)),
        ("Trained on dataset", model.dataset_name),
        ("Tested on dataset", info.dataset_name),
        *(("Overruled finding", note) for note in info.overruled),
        ("Target", info.target),
        ("Horizon (cycles)", info.horizon),
        ("Tested at (UTC)", f"{info.finished_at:%Y-%m-%d %H:%M:%S}"),
        ("Batteries", len(codes)),
        ("Batteries never seen by the model (overall metrics)", unseen),
        ("Battery codes", ", ".join(codes)),
        *((f"Labels of {target}", note) for target, note in result.label_notes.items()),
        *((f"Unit of column: {name}", unit) for name, unit in COLUMN_UNITS),
        ("Dataset fingerprint", model.config.dataset_fingerprint or ""),
        ("FadeBench version", model.config.made_by),
        ("Version of the algorithm", model.config.algorithm_version),
    ]
    settings = own_settings(model.algorithm, model.config.hyperparameters)
    return rows + [(f"Setting: {name}", _text(value)) for name, value in settings.items()]


def overall_frame(result: TestResult) -> pd.DataFrame:
    """Overall metrics, one row per target; means over batteries as macro_, intervals interval_."""
    rows = []
    for target, metrics in result.overall.items():
        values = metrics.content()
        plain = {k: value for k, value in values.items() if not isinstance(value, dict)}
        parts = {
            f"{part}_{name}": value
            for part in ("macro", "interval")
            for name, value in values.get(part, {}).items()
        }
        notes = " ".join(result.info.overruled)
        marked = {OVERRULED_COLUMN: notes} if notes else {}
        rows.append({"target": target, **plain, **parts, **marked})
    return pd.DataFrame(rows) if rows else pd.DataFrame(columns=["target"])


def _algorithm_label(key: str) -> str:
    return ALGORITHMS[key].label if key in ALGORITHMS else key


def _text(value: Any) -> Any:
    return ", ".join(map(str, value)) if isinstance(value, list) else value
