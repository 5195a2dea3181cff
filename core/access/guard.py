"""Who may see what: the only place that queries on a tenant's rows start from.

Built-in datasets are readable by all; everything else only by its owner. Asking for something
that is not yours behaves exactly like asking for something that does not exist.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, and_, or_, select
from sqlalchemy.orm import Session

from core.access.actor import CurrentUser
from core.base.errors import NotFound
from db.tables import (
    BackgroundTask,
    BatteryUnit,
    Dataset,
    DataUpload,
    ModelVersion,
    Study,
    TestExport,
    TestJob,
    TrainingJob,
    TrainingJobRun,
)


def visible_uploads(user: CurrentUser) -> Select[DataUpload]:
    """Uploads of the user."""
    return select(DataUpload).where(DataUpload.user_id == user.id)


def visible_datasets(user: CurrentUser) -> Select[Dataset]:
    """Complete datasets: the built-in ones and the user's own."""
    return select(Dataset).where(_readable(user))


def owned_datasets(user: CurrentUser) -> Select[Dataset]:
    """Complete datasets that the user may change."""
    return select(Dataset).where(_complete(), Dataset.owner_user_id == user.id)


def correctable_datasets(user: CurrentUser) -> Select[Dataset]:
    """Complete datasets whose labels the user may correct: own ones, built-in for administrators.

    Correcting follows the rules of this release alone; it lets nobody choose labels for others.
    """
    own = Dataset.owner_user_id == user.id
    return select(Dataset).where(_complete(), or_(own, _builtin()) if user.is_admin else own)


def visible_batteries(user: CurrentUser) -> Select[BatteryUnit]:
    """Batteries of every dataset that the user sees."""
    return (
        select(BatteryUnit)
        .join(Dataset, Dataset.id == BatteryUnit.dataset_id)
        .where(_readable(user))
    )


def visible_jobs(user: CurrentUser) -> Select[TrainingJob]:
    """Training jobs of the user."""
    return select(TrainingJob).where(
        TrainingJob.user_id == user.id, TrainingJob.deleting.is_not(True)
    )


def visible_runs(user: CurrentUser) -> Select[TrainingJobRun]:
    """Runs of the user's training jobs."""
    return (
        select(TrainingJobRun)
        .join(TrainingJob, TrainingJob.id == TrainingJobRun.job_id)
        .where(TrainingJob.user_id == user.id, TrainingJob.deleting.is_not(True))
    )


def visible_models(user: CurrentUser) -> Select[ModelVersion]:
    """Model versions of the user."""
    return (
        select(ModelVersion)
        .join(TrainingJobRun, TrainingJobRun.id == ModelVersion.run_id)
        .join(TrainingJob, TrainingJob.id == TrainingJobRun.job_id)
        .where(ModelVersion.user_id == user.id, TrainingJob.deleting.is_not(True))
    )


def visible_tests(user: CurrentUser) -> Select[TestJob]:
    """Test jobs of the user."""
    return select(TestJob).where(TestJob.user_id == user.id, TestJob.deleting.is_not(True))


def visible_results(user: CurrentUser) -> Select[TestJob]:
    """Test jobs of the user whose metrics and predictions are complete."""
    return visible_tests(user).where(TestJob.status == "SUCCEEDED")


def visible_exports(user: CurrentUser) -> Select[TestExport]:
    """Exports of the user."""
    return (
        select(TestExport)
        .join(TestJob, TestJob.id == TestExport.test_job_id)
        .where(TestExport.user_id == user.id, TestJob.deleting.is_not(True))
    )


def visible_studies(user: CurrentUser) -> Select[Study]:
    """Studies of the user."""
    return select(Study).where(Study.user_id == user.id, Study.deleting.is_not(True))


def visible_tasks(user: CurrentUser) -> Select[BackgroundTask]:
    """Background tasks of the user."""
    return select(BackgroundTask).where(BackgroundTask.user_id == user.id)


def get_upload(
    session: Session, user: CurrentUser, upload_id: int, *, lock: bool = False
) -> DataUpload:
    """Return one upload, or raise `NotFound`; `lock` locks its row until this transaction ends."""
    query = visible_uploads(user).where(DataUpload.id == upload_id)
    return _one(session, _locked(query) if lock else query, "upload")


def get_dataset(
    session: Session, user: CurrentUser, dataset_id: int, *, keep: bool = False
) -> Dataset:
    """Return a dataset that the user may read, or raise `NotFound`.

    `keep` takes a shared lock: until this transaction ends, nobody can lock the dataset.

    Code that queues work on a dataset passes `keep`; code that deletes or relabels it locks it. So
    one cannot start while the other is under way.
    """
    query = visible_datasets(user).where(Dataset.id == dataset_id)
    return _one(session, _locked(query, shared=True) if keep else query, "dataset")


def get_kept_datasets(
    session: Session, user: CurrentUser, dataset_ids: Sequence[int]
) -> Sequence[Dataset]:
    """Some readable datasets, kept as `get_dataset` keeps one; `NotFound` if any is not there."""
    # In one order, so that two who keep and lock several never wait for each other.
    query = visible_datasets(user).where(Dataset.id.in_(dataset_ids)).order_by(Dataset.id)
    rows = session.scalars(_locked(query, shared=True)).all()
    if len(rows) < len(set(dataset_ids)):
        raise NotFound("dataset")
    return rows


def get_owned_dataset(
    session: Session, user: CurrentUser, dataset_id: int, *, lock: bool = False
) -> Dataset:
    """Return a dataset that the user may change, or raise `NotFound`; `lock` locks its row."""
    query = owned_datasets(user).where(Dataset.id == dataset_id)
    return _one(session, _locked(query) if lock else query, "dataset")


def get_correctable_dataset(
    session: Session, user: CurrentUser, dataset_id: int, *, lock: bool = False
) -> Dataset:
    """A dataset whose labels the user may correct, or `NotFound`; `lock` locks its row."""
    query = correctable_datasets(user).where(Dataset.id == dataset_id)
    return _one(session, _locked(query) if lock else query, "dataset")


def get_job(session: Session, user: CurrentUser, job_id: int, *, lock: bool = False) -> TrainingJob:
    """One training job, or `NotFound`; `lock` keeps it for this transaction alone."""
    query = visible_jobs(user).where(TrainingJob.id == job_id)
    return _one(session, _locked(query) if lock else query, "training")


def get_run(session: Session, user: CurrentUser, run_id: int) -> TrainingJobRun:
    """One run, or `NotFound`."""
    return _one(session, visible_runs(user).where(TrainingJobRun.id == run_id), "run")


def get_model(
    session: Session,
    user: CurrentUser,
    model_id: int,
    *,
    keep: bool = False,
    lock: bool = False,
) -> ModelVersion:
    """One model version, or `NotFound`; `keep` and `lock` hold it and its training job.

    Who queues a test keeps them; who deletes one of them locks it (see `get_dataset`).
    """
    query = visible_models(user).where(ModelVersion.id == model_id)
    return _one(session, _locked(query, shared=keep) if keep or lock else query, "model")


def get_test(session: Session, user: CurrentUser, test_id: int) -> TestJob:
    """One test job in any state, or `NotFound`."""
    return _one(session, visible_tests(user).where(TestJob.id == test_id), "test")


def get_result(session: Session, user: CurrentUser, test_id: int) -> TestJob:
    """One finished test job, or `NotFound`."""
    return _one(session, visible_results(user).where(TestJob.id == test_id), "result")


def get_export(session: Session, user: CurrentUser, export_id: int) -> TestExport:
    """One export, or `NotFound`."""
    return _one(session, visible_exports(user).where(TestExport.id == export_id), "export")


def get_study(session: Session, user: CurrentUser, study_id: int) -> Study:
    """One study in any state, or `NotFound`."""
    return _one(session, visible_studies(user).where(Study.id == study_id), "study")


def _one(session: Session, query: Select[Any], noun: str) -> Any:
    row = session.scalars(query).one_or_none()
    if row is None:
        raise NotFound(noun)
    return row


def _locked(query: Select[Any], shared: bool = False) -> Select[Any]:
    """Lock the rows of a query and read their newest state; SQLite has one writer anyway."""
    return query.with_for_update(read=shared).execution_options(populate_existing=True)


def _readable(user: CurrentUser) -> Any:
    """Complete, and built-in or the user's own."""
    return and_(_complete(), or_(_builtin(), Dataset.owner_user_id == user.id))


def _complete() -> Any:
    return Dataset.loading.is_not(True)


def _builtin() -> Any:
    return and_(Dataset.source_type == "BUILTIN", Dataset.owner_user_id.is_(None))
