"""Deletion on request: count what depends on a thing, then mark all of it as deleted.

Marking is one short transaction, after which nobody sees the rows any more; `core.removal.sweeping`
removes the marked rows and files.
"""

import logging
from dataclasses import asdict, dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, delete, false, func, select, update
from sqlalchemy.orm import Session

from core.access import guard
from core.access.actor import CurrentUser
from core.base.errors import Conflict
from core.jobs.states import ACTIVE
from core.removal.active_work import Scope, below_datasets, models_of, refuse_active_work
from db.tables import (
    AuthSession,
    BackgroundTask,
    BatteryUnit,
    Dataset,
    ModelVersion,
    Study,
    TestExport,
    TestJob,
    TestJobBatteryMetric,
    TestJobHorizonMetric,
    TestJobLog,
    TestJobMetricOverall,
    TestJobPrediction,
    TrainingJob,
    TrainingJobRun,
    TrainingJobRunLog,
    TrainingJobRunMetric,
    User,
)

log = logging.getLogger(__name__)

CHUNK_ROWS = 10_000
REFUSAL = "It cannot be deleted yet"


@dataclass(frozen=True)
class Dependents:
    """How many rows and files depend on something."""

    datasets: int = 0
    batteries: int = 0
    cycles: int = 0
    uploads: int = 0
    training_jobs: int = 0
    runs: int = 0
    models: int = 0
    epochs: int = 0
    tests: int = 0
    test_metrics: int = 0
    predictions: int = 0
    log_lines: int = 0
    exports: int = 0
    studies: int = 0

    def as_dict(self) -> dict[str, int]:
        """Counts by noun."""
        return asdict(self)


def list_dataset_dependents(session: Session, user: CurrentUser, dataset_id: int) -> Dependents:
    """Count what deleting this dataset would delete; only its owner may ask."""
    guard.get_owned_dataset(session, user, dataset_id)
    return _count(session, *below_datasets([dataset_id]))


def delete_dataset(session: Session, user: CurrentUser, dataset_id: int) -> Dependents:
    """Delete a dataset with its file and everything made of it; returns the counts.

    Raises
    ------
    Conflict
        Work on it waits or runs.
    """
    guard.get_owned_dataset(session, user, dataset_id, lock=True)
    scope = below_datasets([dataset_id])
    refuse_active_work(session, scope, REFUSAL)
    return _mark(session, *scope)


def list_job_dependents(session: Session, user: CurrentUser, job_id: int) -> Dependents:
    """Count what deleting this training would delete."""
    guard.get_job(session, user, job_id)
    return _count(session, *_below_job(job_id))


def delete_job(session: Session, user: CurrentUser, job_id: int) -> Dependents:
    """Delete a training job with its runs, models and their tests; `Conflict` while it works."""
    guard.get_job(session, user, job_id, lock=True)
    scope = _below_job(job_id)
    refuse_active_work(session, scope, REFUSAL)
    return _mark(session, *scope)


def delete_test(session: Session, user: CurrentUser, test_id: int) -> Dependents:
    """Delete a test with its predictions and exports; `Conflict` while it works."""
    guard.get_test(session, user, test_id)
    scope = Scope(false(), false(), TestJob.id == test_id, false())
    refuse_active_work(session, scope, REFUSAL)
    return _mark(session, *scope)


def list_account_dependents(session: Session, user: CurrentUser) -> Dependents:
    """Count what deleting the account would delete."""
    return _with_all_uploads(session, user, _count(session, *_below_user(user.id)))


def delete_everything_of(session: Session, user: CurrentUser) -> dict[str, int]:
    """Mark an account and all it owns for deletion; returns the counts.

    The caller has checked the password. The e-mail is free again at once.

    Raises
    ------
    Conflict
        Work of this user waits or runs.
    """
    busy = session.scalar(
        select(func.count())
        .select_from(BackgroundTask)
        .where(BackgroundTask.user_id == user.id, BackgroundTask.status.in_(ACTIVE))
    )
    if busy:
        raise Conflict(
            f"{busy} of your background tasks still wait or run. Cancel them first; finished "
            "exports take a few seconds."
        )
    marked = _mark(session, *_below_user(user.id))
    counts = _with_all_uploads(session, user, marked).as_dict()
    freed = f"deleted-{user.id}"
    session.execute(
        update(User)
        .where(User.id == user.id)
        .values(
            deleting=True,
            is_admin=False,
            email=freed,
            email_key=freed,
            user_name=freed,
            user_name_key=freed,
            password_hash="deleted",
        )
    )
    session.execute(delete(AuthSession).where(AuthSession.user_id == user.id))
    return counts


def _with_all_uploads(session: Session, user: CurrentUser, found: Dependents) -> Dependents:
    """Uploads of which no dataset was made go with the account too."""
    n = session.scalar(select(func.count()).select_from(guard.visible_uploads(user).subquery()))
    return replace(found, uploads=int(n or 0))


def _below_job(job_id: int) -> Scope:
    jobs = TrainingJob.id == job_id
    return Scope(false(), jobs, TestJob.model_version_id.in_(models_of(jobs)), false())


def _below_user(user_id: int) -> Scope:
    return Scope(
        Dataset.owner_user_id == user_id,
        TrainingJob.user_id == user_id,
        TestJob.user_id == user_id,
        Study.user_id == user_id,
    )


def _count(session: Session, datasets: Any, jobs: Any, tests: Any, studies: Any) -> Dependents:
    def rows(table: Any, condition: ColumnElement[bool]) -> int:
        return int(session.scalar(select(func.count()).select_from(table).where(condition)) or 0)

    of_datasets = select(Dataset.id).where(datasets)
    of_runs = select(TrainingJobRun.id).join(TrainingJob).where(jobs)
    of_tests = select(TestJob.id).where(tests)
    batteries = BatteryUnit.dataset_id.in_(of_datasets)
    return Dependents(
        datasets=rows(Dataset, datasets),
        batteries=rows(BatteryUnit, batteries),
        cycles=int(
            session.scalar(select(func.sum(BatteryUnit.total_cycles)).where(batteries)) or 0
        ),
        uploads=rows(Dataset, datasets & Dataset.upload_id.is_not(None)),
        training_jobs=rows(TrainingJob, jobs),
        runs=rows(TrainingJobRun, TrainingJobRun.id.in_(of_runs)),
        models=rows(ModelVersion, ModelVersion.run_id.in_(of_runs)),
        epochs=rows(TrainingJobRunMetric, TrainingJobRunMetric.run_id.in_(of_runs)),
        tests=rows(TestJob, tests),
        test_metrics=rows(TestJobMetricOverall, TestJobMetricOverall.test_job_id.in_(of_tests))
        + rows(TestJobBatteryMetric, TestJobBatteryMetric.test_job_id.in_(of_tests))
        + rows(TestJobHorizonMetric, TestJobHorizonMetric.test_job_id.in_(of_tests)),
        predictions=rows(TestJobPrediction, TestJobPrediction.test_job_id.in_(of_tests)),
        log_lines=rows(TrainingJobRunLog, TrainingJobRunLog.run_id.in_(of_runs))
        + rows(TestJobLog, TestJobLog.test_job_id.in_(of_tests)),
        exports=rows(TestExport, TestExport.test_job_id.in_(of_tests)),
        studies=rows(Study, studies),
    )


def _mark(session: Session, datasets: Any, jobs: Any, tests: Any, studies: Any) -> Dependents:
    counts = _count(session, datasets, jobs, tests, studies)
    # Read the ids first: MySQL refuses to update a table that its own condition reads.
    chosen_tests = session.scalars(select(TestJob.id).where(tests)).all()
    chosen_jobs = session.scalars(select(TrainingJob.id).where(jobs)).all()
    chosen_studies = session.scalars(select(Study.id).where(studies)).all()
    chosen_datasets = session.scalars(select(Dataset.id).where(datasets)).all()
    # Trainings first: whoever deletes one has locked it already, and two orders would deadlock.
    session.execute(
        update(TrainingJob).where(TrainingJob.id.in_(chosen_jobs)).values(deleting=True)
    )
    session.execute(update(TestJob).where(TestJob.id.in_(chosen_tests)).values(deleting=True))
    session.execute(update(Study).where(Study.id.in_(chosen_studies)).values(deleting=True))
    session.execute(update(Dataset).where(Dataset.id.in_(chosen_datasets)).values(loading=True))
    return counts
