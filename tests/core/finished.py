"""Finished trainings and tests with errors of one's choosing, without any training."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import insert
from sqlalchemy.orm import Session

from core.access.actor import CurrentUser
from core.base.database import read_scope, session_scope
from core.base.storage import atomic_file
from core.base.version import version_facts
from core.datasets.datasets import battery_ids
from core.datasets.uploads import get_upload_info
from core.evaluation.request import TestRequest
from core.evaluation.start import start_test
from core.jobs.queue import end_task, latest_tasks
from core.jobs.states import move
from core.model_versions.config import ModelConfig, ModelMetrics
from core.model_versions.versions import add_model
from core.training.request import TrainingRequest
from core.training.start import start_training
from core.training.trainings import update_job
from core.training.views import RunInfo, get_job_info
from db.tables import (
    BackgroundTask,
    TestJob,
    TestJobBatteryMetric,
    TestJobMetricOverall,
    TestJobPrediction,
    TrainingJobRun,
)
from db.tables.columns import utc_now
from models.settings.resolving import resolve
from tests.core.seeding import queue_upload, work_off, write_csv

CYCLES = 20


def add_fleet(user: CurrentUser, folder: Path, batteries: int = 20) -> int:
    """A read dataset of b0, b1, ...; of five in a row two are for training, one for validation."""
    path = write_csv(folder / f"{user.name}-{batteries}.csv", cycles=CYCLES, batteries=batteries)
    frame = pd.read_csv(path)
    # A feature that tells the share of life that has passed would be refused.
    frame["resistance"] += np.random.default_rng(0).normal(0, 0.002, len(frame))
    frame.to_csv(path, index=False)
    upload_id = queue_upload(user, path)
    work_off()
    with read_scope() as session:
        dataset_id = get_upload_info(session, user, upload_id).dataset_id
    assert dataset_id is not None
    return dataset_id


def unseen_codes(batteries: int = 20) -> list[str]:
    """Codes of the test batteries of `add_fleet`, sorted."""
    return sorted(f"b{i}" for i in range(batteries) if i % 5 > 2)


def add_trained_model(
    user: CurrentUser,
    dataset_id: int,
    algorithm: str = "BASELINE",
    name: str = "My model",
    batteries: Mapping[str, Any] | None = None,
    **settings: Any,
) -> int:
    """A model version of its own training; `batteries` goes into its metrics."""
    request = TrainingRequest(dataset_id, "PCL", [algorithm], hyperparams=settings, name=name)
    job_id = start_training(user, request)
    return finish_training(user, job_id, name, batteries)


def finish_training(
    user: CurrentUser, job_id: int, name: str, batteries: Mapping[str, Any] | None = None
) -> int:
    """The only run of a waiting training yields a model; returns its id."""
    with read_scope() as session:
        job = get_job_info(session, user, job_id)
    run = job.runs[0]
    unfinished = f"{user.id}/models/run_{run.id}.pt"
    with atomic_file(unfinished) as path:
        path.write_bytes(b"weights")
    metrics: dict[str, Any] = {"val": {}, "test": {}}
    with session_scope() as session:
        model_id = add_model(
            session,
            user_id=user.id,
            run_id=run.id,
            algorithm=run.algorithm,
            name=name,
            config=ModelConfig.from_json(_config(run.algorithm, job.hyperparams.by_name())),
            metrics=ModelMetrics.from_json(
                metrics | ({"batteries": batteries} if batteries else {})
            ),
            unfinished_path=unfinished,
        )
        _end_run(session, run)
    return model_id


def add_finished_test(
    user: CurrentUser,
    model_id: int,
    dataset_id: int,
    errors: Mapping[str, float],
    level: float = 0.05,
) -> int:
    """A finished test of PCL with these RMSE by battery; `level` is the true value everywhere."""
    test_id = start_test(user, TestRequest(model_id, dataset_id, list(errors)))
    with session_scope() as session:
        ids = battery_ids(session, user, dataset_id, list(errors))
        task = latest_tasks(session, "TEST", [test_id])[test_id]
        move(session, BackgroundTask, task.id, "RUNNING", started_at=utc_now())
        move(session, TestJob, test_id, "RUNNING", started_at=utc_now())
        fixed = {"test_job_id": test_id, "target": "PCL"}
        session.execute(
            insert(TestJobBatteryMetric),
            [{**fixed, "battery_id": ids[c], "metrics": metrics_of(e)} for c, e in errors.items()],
        )
        overall = metrics_of(float(np.sqrt(np.mean(np.square(list(errors.values()))))))
        overall |= {"n": CYCLES * len(errors), "n_batteries": len(errors)}
        session.execute(insert(TestJobMetricOverall), [{**fixed, "metrics": overall}])
        session.execute(
            insert(TestJobPrediction),
            [
                {
                    **fixed,
                    "battery_id": ids[code],
                    "cycle_num": cycle,
                    "y_true": level,
                    "y_pred": level + error,
                }
                for code, error in errors.items()
                for cycle in range(1, CYCLES + 1)
            ],
        )
        move(session, TestJob, test_id, "SUCCEEDED", finished_at=utc_now())
        end_task(session, task.id, "SUCCEEDED")
    return test_id


def metrics_of(rmse: float) -> dict[str, Any]:
    """Metrics of one battery with CYCLES cycles and this RMSE of PCL."""
    return {
        "n": CYCLES,
        "mae": 0.8 * rmse,
        "mse": rmse**2,
        "rmse": rmse,
        "r2": 0.9,
        "rmspe": 1.1 * rmse,
        "rmspe_pcl": 3 * rmse,
        "rmspe_pcl_left_out": 2,
    }


def _config(algorithm: str, hyperparams: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "hyperparameters": resolve(algorithm, hyperparams).to_json(),
        "features": ["resistance", "temperature"],
        "feature_units": ["ohm", "degC"],
        "targets": ["PCL"],
        "train_batteries": 8,
        "val_batteries": 4,
        "test_batteries": 8,
        "train_cycles": 8 * CYCLES,
        "best_epoch": 3,
        "epochs_run": 4,
        "stopped_early": False,
        "dataset_fingerprint": "0123abcd",
        "labels_version": 1,
        "threads": 1,
        **version_facts(algorithm),
    }


def _end_run(session: Session, run: RunInfo) -> None:
    task = latest_tasks(session, "TRAIN", [run.id])[run.id]
    for state in ("RUNNING", "SUCCEEDED"):
        move(session, TrainingJobRun, run.id, state)
        move(session, BackgroundTask, task.id, state)
    update_job(session, run.id)
