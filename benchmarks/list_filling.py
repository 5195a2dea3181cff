"""A database with long lists, filled past the ORM: only the number and shape of rows matter."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

import numpy as np
from sqlalchemy import Connection, Engine, insert, literal, select

from core.access.actor import CurrentUser
from core.datasets.sketches import sketch
from db.tables import (
    BackgroundTask,
    BatteryUnit,
    Dataset,
    DataUpload,
    ModelVersion,
    Study,
    TestJob,
    TestJobBattery,
    TestJobBatteryMetric,
    TestJobMetricOverall,
    TestJobPrediction,
    TrainingJob,
    TrainingJobBattery,
    TrainingJobRun,
    TrainingJobRunLog,
    TrainingJobRunMetric,
    User,
)

START = datetime(2026, 1, 1)
STATUSES = ("SUCCEEDED", "SUCCEEDED", "SUCCEEDED", "FAILED", "CANCELED")
ALGORITHMS = ("BASELINE", "BILSTM", "DEEPHPM", "TREES")
BATTERIES = 5
TEST_BATTERIES = 2
PREDICTIONS = 100
EPOCHS = (7, 8)
LOG_LINES = 20_000
# Every hundredth job starts a group of twins.
TWINS_EVERY, TWINS = 100, 6
ROWS_AT_ONCE = 5_000
METRICS = {"n": 900, "mae": 0.004, "mse": 2.5e-5, "rmse": 0.005, "r2": 0.98, "rmspe": 0.006}


@dataclass(frozen=True)
class Filled:
    """Whose lists they are, and one thing of each kind to open."""

    user: CurrentUser
    dataset_id: int
    job_id: int
    run_id: int
    model_id: int
    test_id: int


def fill(engine: Engine, n_jobs: int) -> Filled:
    """Fill an empty, migrated database.

    Of `n_jobs` jobs each has 4 runs, one of which yields the model that a test is about; the test
    has 200 predictions. There is a dataset with its upload and a study for every fifth job.
    """
    n_datasets = max(n_jobs // 5, 2)
    with engine.begin() as connection:
        _add_user(connection)
        _add_datasets(connection, n_datasets)
        _add_jobs(connection, n_jobs, n_datasets)
        _add_tests(connection, n_jobs, n_datasets)
    _add_predictions(engine, n_jobs, n_datasets)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        mysql = "ANALYZE TABLE training_job, training_job_run, model_version, test_job"
        connection.exec_driver_sql(mysql if engine.dialect.name == "mysql" else "ANALYZE")
    return known(n_jobs)


def known(n_jobs: int) -> Filled:
    """The things to open in a database that was filled for so many jobs."""
    # A job whose dataset has many others, and whose test has finished.
    last = n_jobs - 25 if n_jobs > 100 else n_jobs - n_jobs % 5
    user = CurrentUser(1, "bench@example.org", "bench", False)
    return Filled(user, last % max(n_jobs // 5, 2) + 1, last, 4 * last, last, last)


def _add_user(connection: Connection) -> None:
    for number, name in enumerate(("bench", "other"), start=1):
        row = {"id": number, "email": f"{name}@example.org", "user_name": name}
        connection.execute(insert(User), row | {"password_hash": "none"})


def _add_datasets(connection: Connection, count: int) -> None:
    ids = range(1, count + 1)
    common = {"user_id": 1, "stored_path": "1/none", "file_size": 1000, "status": "SUCCEEDED"}
    uploads = ({"id": i, "original_filename": f"file {i}.csv", **common, **_made(i)} for i in ids)
    _insert(connection, DataUpload, uploads)
    schema = {"features": [{"name": "resistance", "unit": "Ohm"}], "labels_version": 1}
    _insert(
        connection,
        Dataset,
        (
            {
                "id": i,
                "owner_user_id": 1,
                "source_type": "UPLOAD",
                "name": f"Fleet {i % 97} of {i}",
                "upload_id": i,
                "feature_schema": schema,
                **_made(i),
            }
            for i in ids
        ),
    )
    roles = ("train", "train", "val", "test", "test")
    batteries = (
        {
            "id": BATTERIES * (i - 1) + place + 1,
            "dataset_id": i,
            "battery_code": f"b{place}",
            "group_tag": roles[place],
            "total_cycles": 500,
            "nominal_capacity": 1.1,
            "capacity_sketch": _sketch(BATTERIES * (i - 1) + place),
        }
        for i in ids
        for place in range(BATTERIES)
    )
    _insert(connection, BatteryUnit, batteries)
    studies = (
        {
            "id": i,
            "user_id": 1,
            "dataset_id": i,
            "kind": "EARLY_LIFE" if i % 2 else "ROW_SPLIT",
            "name": f"Study {i % 89} of {i}",
            "settings": {},
            "result": {"numbers": list(range(200))},
            # Without a result, which a page would draw.
            "status": STATUSES[i % 5] if i % 2 else "CANCELED",
            **_made(i),
        }
        for i in ids
    )
    _insert(connection, Study, studies)


def _add_jobs(connection: Connection, count: int, n_datasets: int) -> None:
    ids = range(1, count + 1)
    _insert(connection, TrainingJob, (_job(i, count, n_datasets) for i in ids))
    roles = (
        {"job_id": i, "battery_id": _battery(i, n_datasets, place), "split_role": role}
        for i in ids
        for place, role in enumerate(("train", "train", "val", "test"))
    )
    _insert(connection, TrainingJobBattery, roles)
    runs = [
        {
            "id": 4 * (i - 1) + place + 1,
            "job_id": i,
            "algorithm": algorithm,
            "status": _job_status(i, count),
            "current_epoch": 8,
            "total_epochs": 8,
        }
        for i in ids
        for place, algorithm in enumerate(ALGORITHMS)
    ]
    _insert(connection, TrainingJobRun, runs)
    metrics = (
        {
            "run_id": run["id"],
            "epoch": epoch,
            "train_loss": 1.0 / epoch,
            "val_loss": 1.5 / epoch,
            "metrics": {"val_rmse_PCL": 0.02 / epoch},
        }
        for run in runs
        for epoch in range(1, EPOCHS[int(run["id"]) % 2] + 1)
    )
    _insert(connection, TrainingJobRunMetric, metrics)
    tasks = (
        {"user_id": 1, "kind": "TRAIN", "subject_id": run["id"], "status": run["status"]}
        for run in runs
    )
    _insert(connection, BackgroundTask, tasks)
    _insert(connection, ModelVersion, (_model(i) for i in ids))
    run_id = known(count).run_id
    lines = ({"run_id": run_id, "user_id": 1, "message": f"Line {n}"} for n in range(LOG_LINES))
    _insert(connection, TrainingJobRunLog, ({**line, "level": "INFO"} for line in lines))


def _job(number: int, count: int, n_datasets: int) -> dict[str, Any]:
    place = number % TWINS_EVERY
    origin = number - place
    return {
        "id": number,
        "user_id": 1,
        "dataset_id": number % n_datasets + 1,
        "target": "PCL",
        "hyperparams": {"epochs": 8, "seed": number, "physics_weight": 0.1},
        "status": _job_status(number, count),
        "progress": 1.0,
        "name": f"Training {number % 101} of {number}",
        "group_key": f"twins-{4 * origin}-{_moment(origin):%Y%m%d%H%M%S}"
        if origin and 0 < place <= TWINS
        else None,
        "started_at": _moment(number),
        **_made(number),
    }


def _job_status(number: int, count: int) -> str:
    """The newest job runs and the next twenty wait, so that the page follows them."""
    if number == count:
        return "RUNNING"
    return "PENDING" if number > count - 20 and count > 100 else STATUSES[number % 5]


def _model(number: int) -> dict[str, Any]:
    settings = {"epochs": 8, "hidden_size": 64, "physics_weight": 0.1, "seed": number}
    return {
        "id": number,
        "user_id": 1,
        "run_id": 4 * number,
        "algorithm": ALGORITHMS[number % 4],
        "name": f"Training {number % 101}",
        "version": f"v{number}",
        "config": {"hyperparameters": settings, "features": ["resistance"], "labels_version": 1},
        "metrics": {
            "val": {"PCL": METRICS},
            "test": {"PCL": METRICS},
            "batteries": {"test": {f"b{place}": {"PCL": METRICS} for place in range(10)}},
        },
        "checkpoint_path": "1/none",
        **_made(number),
    }


def _add_tests(connection: Connection, count: int, n_datasets: int) -> None:
    ids = range(1, count + 1)
    tests = (
        {
            "id": i,
            "user_id": 1,
            "model_version_id": i,
            "dataset_id": i % n_datasets + 1,
            "target": "PCL",
            "horizon": 0,
            "status": STATUSES[i % 5],
            **_made(i),
        }
        for i in ids
    )
    _insert(connection, TestJob, tests)
    finished = [i for i in ids if STATUSES[i % 5] == "SUCCEEDED"]
    tested = [(i, _battery(i, n_datasets, place)) for i in finished for place in (3, 4)]
    keys = ("test_job_id", "battery_id")
    _insert(connection, TestJobBattery, ({**dict(zip(keys, pair, strict=True))} for pair in tested))
    overall = {"target": "PCL", "metrics": METRICS | {"n_batteries": TEST_BATTERIES}}
    _insert(connection, TestJobMetricOverall, ({"test_job_id": i, **overall} for i in finished))
    errors = (
        {**dict(zip(keys, pair, strict=True)), "target": "PCL", "metrics": METRICS}
        for pair in tested
    )
    _insert(connection, TestJobBatteryMetric, errors)
    tasks = (
        {"user_id": 1, "kind": "TEST", "subject_id": i, "status": STATUSES[i % 5]} for i in ids
    )
    _insert(connection, BackgroundTask, tasks)


def _add_predictions(engine: Engine, count: int, n_datasets: int) -> None:
    """The tests of the first round of datasets row by row, those of the others as their copies."""
    table = TestJobPrediction
    names = ("battery_id", "cycle_num", "target", "y_true", "y_pred")
    first = range(1, min(n_datasets, count) + 1)
    rows = (
        {
            "test_job_id": i,
            "battery_id": _battery(i, n_datasets, place),
            "cycle_num": cycle,
            "target": "PCL",
            "y_true": cycle / 500,
            "y_pred": cycle / 480,
        }
        for i in first
        for place in (3, 4)
        for cycle in range(1, PREDICTIONS + 1)
    )
    with engine.begin() as connection:
        _insert(connection, table, rows)
    for offset in range(n_datasets, count, n_datasets):
        columns = [getattr(table, name) for name in names]
        copied = select(table.test_job_id + literal(offset), *columns).where(
            table.test_job_id <= min(n_datasets, count - offset)
        )
        with engine.begin() as connection:
            connection.execute(insert(table).from_select(["test_job_id", *names], copied))


def _sketch(seed: int) -> list[Any]:
    """What a battery is recognised by; no two alike."""
    cycle = np.arange(1, 501)
    noise = np.random.default_rng(seed).normal(0, 1e-3, len(cycle))
    return sketch(1.1 * (1 - 0.2 * (cycle / 500) ** 2 + noise), cycle)


def _battery(number: int, n_datasets: int, place: int) -> int:
    return BATTERIES * (number % n_datasets) + place + 1


def _moment(number: int) -> datetime:
    return START + timedelta(minutes=number)


def _made(number: int) -> dict[str, datetime]:
    return {"created_at": _moment(number)}


def _insert(connection: Connection, table: Any, rows: Iterable[dict[str, Any]]) -> None:
    source = iter(rows)
    while part := list(islice(source, ROWS_AT_ONCE)):
        connection.execute(insert(table), part)
