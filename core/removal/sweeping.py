"""Removes rows and files that are marked for deletion, or that a dead process left.

The work goes in small steps. It can stop anywhere; the next call continues.
"""

import logging
import time
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, delete, exists, func, or_, select
from sqlalchemy.exc import SQLAlchemyError

from core.base import storage
from core.base.database import read_scope, session_scope
from core.jobs.queue import remove_task_logs, remove_tasks
from core.jobs.states import ACTIVE
from core.removal.active_work import models_of
from db.tables import (
    AuthSession,
    BackgroundTask,
    BatteryUnit,
    CycleData,
    CycleFeature,
    Dataset,
    DataUpload,
    ModelVersion,
    Study,
    TestExport,
    TestJob,
    TestJobBattery,
    TestJobBatteryMetric,
    TestJobHorizonMetric,
    TestJobLog,
    TestJobMetricOverall,
    TestJobPrediction,
    TrainingJob,
    TrainingJobBattery,
    TrainingJobRun,
    TrainingJobRunLog,
    TrainingJobRunMetric,
    User,
)

log = logging.getLogger(__name__)

CHUNK_ROWS = 2000
# Waiting writers poll on SQLite; without a pause between chunks they would hardly get a turn.
PAUSE_S = 0.03


def is_needed() -> ColumnElement[bool]:
    """Whether there is anything that `sweep` would remove, as a condition in SQL."""
    return or_(
        exists().where(TestJob.deleting.is_(True)),
        exists().where(TrainingJob.deleting.is_(True)),
        exists().where(Study.deleting.is_(True)),
        exists().where(User.deleting.is_(True)),
        exists().where(_abandoned()),
        exists().where(_has_leftovers()),
    )


def sweep() -> None:
    """Remove everything that is marked, and what dead processes left behind."""
    with read_scope() as session:
        tests = session.scalars(select(TestJob.id).where(TestJob.deleting.is_(True))).all()
        broken = session.scalars(select(TestJob.id).where(_has_leftovers())).all()
        jobs = session.scalars(select(TrainingJob.id).where(TrainingJob.deleting.is_(True))).all()
        studies = session.scalars(select(Study.id).where(Study.deleting.is_(True))).all()
        datasets = session.scalars(select(Dataset.id).where(_abandoned())).all()
        users = session.scalars(select(User.id).where(User.deleting.is_(True))).all()
    _each(_clear_results, broken)
    _each(_remove_test, tests)
    _each(_remove_job, jobs)
    _each(_remove_study, studies)
    _each(_remove_dataset, datasets)
    _each(_remove_user, users)


def _each(remove: Callable[[int], None], ids: Sequence[int]) -> None:
    """Call `remove` for each id; one that fails is logged and does not stop the others."""
    for row_id in ids:
        try:
            remove(row_id)
        except (OSError, SQLAlchemyError):
            log.exception("%s(%s) failed and will be tried again.", remove.__name__, row_id)


def _has_leftovers() -> ColumnElement[bool]:
    return TestJob.status.in_(("FAILED", "CANCELED")) & exists().where(
        TestJobPrediction.test_job_id == TestJob.id
    )


def _abandoned() -> ColumnElement[bool]:
    """Ids of datasets marked as loading although no process works on them."""
    at_work = (
        exists()
        .where(BackgroundTask.status.in_(ACTIVE))
        .where(
            or_(
                (BackgroundTask.kind == "UPLOAD")
                & (BackgroundTask.subject_id == Dataset.upload_id),
                (BackgroundTask.kind == "BUILTIN") & (BackgroundTask.subject_id == Dataset.id),
            )
        )
    )
    return Dataset.loading.is_(True) & ~at_work


def remove_unfinished_dataset(upload_id: int) -> None:
    """Remove what a failed reading of an upload left, before the file is read again."""
    with read_scope() as session:
        dataset_id = session.scalar(
            select(Dataset.id).where(Dataset.upload_id == upload_id, Dataset.loading.is_(True))
        )
    if dataset_id is not None:
        _remove_dataset(dataset_id)


def _clear_results(test_id: int) -> None:
    metrics = (TestJobBatteryMetric, TestJobMetricOverall, TestJobHorizonMetric)
    for table in (TestJobPrediction, *metrics):
        _delete_in_chunks(table, table.test_job_id == test_id)


def _remove_test(test_id: int) -> None:
    _clear_results(test_id)
    with read_scope() as session:
        of_test = TestExport.test_job_id == test_id
        paths = session.scalars(select(TestExport.file_path).where(of_test)).all()
    _remove_files(paths)
    with session_scope() as session:
        exports = session.scalars(select(TestExport.id).where(of_test)).all()
        remove_tasks(session, "EXPORT", exports)
        for table in (TestExport, TestJobLog, TestJobBattery):
            session.execute(delete(table).where(table.test_job_id == test_id))
        remove_tasks(session, "TEST", [test_id])
        session.execute(delete(TestJob).where(TestJob.id == test_id))


def _remove_job(job_id: int) -> None:
    with read_scope() as session:
        waiting = session.scalar(
            select(func.count())
            .select_from(TestJob)
            .where(TestJob.model_version_id.in_(models_of(TrainingJob.id == job_id)))
        )
        runs = list(
            session.scalars(select(TrainingJobRun.id).where(TrainingJobRun.job_id == job_id))
        )
    if waiting:
        return  # its tests are removed first, in this sweep or the next
    for table in (TrainingJobRunMetric, TrainingJobRunLog):
        _delete_in_chunks(table, table.run_id.in_(runs))
    models = ModelVersion.run_id.in_(runs)
    with read_scope() as session:
        paths = session.scalars(select(ModelVersion.checkpoint_path).where(models)).all()
    _remove_files(paths)
    with session_scope() as session:
        session.execute(delete(ModelVersion).where(models))
        remove_tasks(session, "TRAIN", runs)
        session.execute(delete(TrainingJobRun).where(TrainingJobRun.job_id == job_id))
        session.execute(delete(TrainingJobBattery).where(TrainingJobBattery.job_id == job_id))
        session.execute(delete(TrainingJob).where(TrainingJob.id == job_id))


def _remove_study(study_id: int) -> None:
    with session_scope() as session:
        remove_tasks(session, "STUDY", [study_id])
        session.execute(delete(Study).where(Study.id == study_id))


def _remove_dataset(dataset_id: int) -> None:
    with read_scope() as session:
        dataset = session.get(Dataset, dataset_id)
        used = exists().where(TrainingJob.dataset_id == dataset_id)
        tested = exists().where(TestJob.dataset_id == dataset_id)
        studied = exists().where(Study.dataset_id == dataset_id)
        if dataset is None or session.scalar(select(or_(used, tested, studied))):
            return
        batteries = select(BatteryUnit.id).where(BatteryUnit.dataset_id == dataset_id)
        ids = list(session.scalars(batteries))
        upload = session.get(DataUpload, dataset.upload_id) if dataset.upload_id else None
    for table in (CycleFeature, CycleData):
        _delete_in_chunks(table, table.battery_id.in_(ids))
    # A failed reading keeps its file; deleting the dataset of a finished one deletes the file.
    with_file = upload is not None and upload.status == "SUCCEEDED"
    if upload is None:
        storage.remove_folder(f"builtin/{dataset_id}")
    elif with_file:
        _remove_files([upload.stored_path])
    with session_scope() as session:
        session.execute(delete(BatteryUnit).where(BatteryUnit.dataset_id == dataset_id))
        # The task of a failed built-in dataset stays, because only it tells the reason.
        session.execute(delete(Dataset).where(Dataset.id == dataset_id))
        if upload is not None and with_file:
            remove_tasks(session, "UPLOAD", [upload.id])
            session.execute(delete(DataUpload).where(DataUpload.id == upload.id))


def _remove_user(user_id: int) -> None:
    with session_scope() as session:
        owned = (
            exists().where(Dataset.owner_user_id == user_id),
            exists().where(TrainingJob.user_id == user_id),
            exists().where(TestJob.user_id == user_id),
            exists().where(Study.user_id == user_id),
        )
        if session.scalar(select(or_(*owned))):
            return
        tasks = select(BackgroundTask.id).where(BackgroundTask.user_id == user_id)
        remove_task_logs(session.scalars(tasks).all())
        storage.remove_folder(str(user_id))
        for table in (BackgroundTask, AuthSession, DataUpload):
            session.execute(delete(table).where(table.user_id == user_id))
        session.execute(delete(User).where(User.id == user_id))


def _remove_files(paths: Sequence[str]) -> None:
    """Delete files before the rows that hold their paths, so that none is lost if this stops."""
    for path in paths:
        storage.remove_file(path)


def _delete_in_chunks(table: Any, condition: ColumnElement[bool]) -> None:
    """Delete matching rows, a chunk per transaction, so that no lock is held for long."""
    while True:
        with session_scope() as session:
            ids = session.scalars(
                select(table.id).where(condition).order_by(table.id).limit(CHUNK_ROWS)
            ).all()
            if ids:
                session.execute(
                    delete(table).where(table.id.between(min(ids), max(ids)), condition)
                )
        if len(ids) < CHUNK_ROWS:
            return
        time.sleep(PAUSE_S)
