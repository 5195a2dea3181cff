"""Training jobs and their runs as pages and commands show them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd
from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from core.access import guard
from core.access.actor import CurrentUser
from core.base.paging import BY_AGE, FIRST, Listed, Page, page_ids, page_of
from core.datasets.overruled import Overruled, stored_overruled
from core.jobs.log_line import LogLine
from core.jobs.queue import TaskState, latest_tasks
from core.jobs.states import FINISHED
from core.training.filters import (
    EVERY_TRAINING,
    JOB_ORDERS,
    RUN_ORDERS,
    TrainingFilter,
    filtered_jobs,
    filtered_runs,
)
from core.training.settings import TrainingSettings
from db.tables import (
    Dataset,
    ModelVersion,
    TestJobLog,
    TrainingJob,
    TrainingJobBattery,
    TrainingJobRun,
    TrainingJobRunLog,
    TrainingJobRunMetric,
)
from db.tables.columns import Status, Target

LOG_LINES = 200
LAST_LINES = Page(LOG_LINES)
LogTable = type[TrainingJobRunLog] | type[TestJobLog]


@dataclass(frozen=True)
class RunInfo:
    """One algorithm of a job; times in UTC, `progress` from 0 to 1."""

    id: int
    job_id: int
    job_name: str
    dataset_id: int
    dataset_name: str
    target: Target
    algorithm: str
    status: Status
    current_epoch: int
    total_epochs: int
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    model_version_id: int | None
    task: TaskState | None

    @property
    def is_active(self) -> bool:
        """Whether it waits or runs."""
        return self.status not in FINISHED

    @property
    def progress(self) -> float:
        """Share of the work that is done."""
        if not self.is_active:
            return 1.0
        # The task's progress covers the fitting of intervals too; epochs do not.
        return (self.task.progress if self.task else None) or 0.0


@dataclass(frozen=True)
class JobInfo:
    """A training job with its runs; `roles` counts batteries by role.

    group_key : the same for all trainings that differ in seed or physics only
    overruled : findings of the leakage check that the owner overruled
    """

    id: int
    name: str
    dataset_id: int
    dataset_name: str
    target: Target
    status: Status
    progress: float
    hyperparams: TrainingSettings
    roles: dict[str, int]
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    runs: tuple[RunInfo, ...]
    group_key: str | None = None
    overruled: Overruled | None = None

    @property
    def is_active(self) -> bool:
        """Whether any run waits or runs."""
        return self.status not in FINISHED

    @property
    def failed_runs(self) -> int:
        """Number of failed runs; a job succeeds if any run does."""
        return sum(run.status == "FAILED" for run in self.runs)


def list_jobs(
    session: Session,
    user: CurrentUser,
    wanted: TrainingFilter = EVERY_TRAINING,
    page: Page = FIRST,
) -> Listed[JobInfo]:
    """A page of the user's training jobs, newest first unless the page says otherwise."""
    query = filtered_jobs(guard.visible_jobs(user), wanted, page.order)
    ids = page_ids(session, query, TrainingJob.id, JOB_ORDERS, page)
    return page_of(ids, describe_jobs(session, user, ids), lambda job: job.id)


def describe_jobs(session: Session, user: CurrentUser, job_ids: Sequence[int]) -> list[JobInfo]:
    """Those of the jobs that the user sees, in no special order; six statements for any number."""
    jobs = session.scalars(guard.visible_jobs(user).where(TrainingJob.id.in_(job_ids)))
    return _describe(session, list(jobs))


def get_job_info(session: Session, user: CurrentUser, job_id: int) -> JobInfo:
    """One training job."""
    return _describe(session, [guard.get_job(session, user, job_id)])[0]


def list_runs(
    session: Session,
    user: CurrentUser,
    wanted: TrainingFilter = EVERY_TRAINING,
    page: Page = FIRST,
) -> Listed[RunInfo]:
    """A page of the user's runs, those of the newest job first unless the page says otherwise."""
    query = filtered_runs(guard.visible_runs(user), wanted, page.order)
    ids = page_ids(session, query, TrainingJobRun.id, RUN_ORDERS, page)
    # Not by way of the visible ones again: SQLite would go through all runs of all jobs.
    jobs = session.scalars(
        select(TrainingJobRun.job_id).where(TrainingJobRun.id.in_(ids)).distinct()
    ).all()
    runs = [run for job in describe_jobs(session, user, jobs) for run in job.runs]
    return page_of(ids, runs, lambda run: run.id)


def get_run_info(session: Session, user: CurrentUser, run_id: int) -> RunInfo:
    """One run."""
    run = guard.get_run(session, user, run_id)
    job = get_job_info(session, user, run.job_id)
    return next(info for info in job.runs if info.id == run_id)


def run_metrics(session: Session, user: CurrentUser, run_ids: Sequence[int]) -> pd.DataFrame:
    """Epochs of some runs: run_id, algorithm, epoch, train_loss, val_loss and further metrics."""
    runs = guard.visible_runs(user).where(TrainingJobRun.id.in_(run_ids))
    algorithms = {run.id: run.algorithm for run in session.scalars(runs)}
    for run_id in run_ids:
        if run_id not in algorithms:
            guard.get_run(session, user, run_id)
    rows = session.scalars(
        select(TrainingJobRunMetric)
        .where(TrainingJobRunMetric.run_id.in_(algorithms))
        .order_by(TrainingJobRunMetric.run_id, TrainingJobRunMetric.epoch)
    )
    columns = ["run_id", "algorithm", "epoch", "train_loss", "val_loss"]
    records = [
        {
            "run_id": row.run_id,
            "algorithm": algorithms[row.run_id],
            "epoch": row.epoch,
            "train_loss": row.train_loss,
            "val_loss": row.val_loss,
            **(row.metrics or {}),
        }
        for row in rows
    ]
    return pd.DataFrame(records) if records else pd.DataFrame(columns=columns)


def run_log(
    session: Session, user: CurrentUser, run_id: int, page: Page = LAST_LINES
) -> Listed[LogLine]:
    """A page of a run's log, oldest line first; the first page has the last lines."""
    guard.get_run(session, user, run_id)
    query = select(TrainingJobRunLog).where(TrainingJobRunLog.run_id == run_id)
    return log_page(session, query, TrainingJobRunLog, page)


def log_page(
    session: Session, query: Select[Any], table: LogTable, page: Page = LAST_LINES
) -> Listed[LogLine]:
    """A page of a log whose access was checked; `next` leads to older lines."""
    ids = page_ids(session, query, table.id, BY_AGE, page)
    if not ids:
        return ids.replaced([])
    rows = session.scalars(query.where(table.id.in_(ids)).order_by(table.id))
    return ids.replaced([LogLine(row.created_at, row.level, row.message) for row in rows])


def _describe(session: Session, jobs: list[TrainingJob]) -> list[JobInfo]:
    ids = [job.id for job in jobs]
    names = dict(
        session.execute(
            select(Dataset.id, Dataset.name).where(Dataset.id.in_({j.dataset_id for j in jobs}))
        ).all()
    )
    runs = session.scalars(
        select(TrainingJobRun).where(TrainingJobRun.job_id.in_(ids)).order_by(TrainingJobRun.id)
    ).all()
    run_ids = [run.id for run in runs]
    tasks = latest_tasks(session, "TRAIN", run_ids)
    models = dict(
        session.execute(
            select(ModelVersion.run_id, ModelVersion.id).where(ModelVersion.run_id.in_(run_ids))
        ).all()
    )
    counts = session.execute(
        select(TrainingJobBattery.job_id, TrainingJobBattery.split_role, func.count())
        .where(TrainingJobBattery.job_id.in_(ids))
        .group_by(TrainingJobBattery.job_id, TrainingJobBattery.split_role)
    ).all()
    by_id = {job.id: job for job in jobs}
    own: dict[int, list[RunInfo]] = {job.id: [] for job in jobs}
    for run in runs:
        job = by_id[run.job_id]
        name, model_id, task = names[job.dataset_id], models.get(run.id), tasks.get(run.id)
        own[job.id].append(_run_info(run, job, name, model_id, task))
    roles: dict[int, dict[str, int]] = {job.id: {} for job in jobs}
    for job_id, role, n in counts:
        roles[job_id][role] = n
    return [
        _job_info(job, names[job.dataset_id], roles[job.id], tuple(own[job.id])) for job in jobs
    ]


def _job_info(
    job: TrainingJob, dataset_name: str, roles: dict[str, int], runs: tuple[RunInfo, ...]
) -> JobInfo:
    return JobInfo(
        id=job.id,
        name=job.name or dataset_name,
        dataset_id=job.dataset_id,
        dataset_name=dataset_name,
        target=job.target,
        status=job.status,
        progress=sum(run.progress for run in runs) / len(runs)
        if job.status == "RUNNING" and runs
        else float(job.progress),
        hyperparams=TrainingSettings.from_json(job.hyperparams),
        roles=roles,
        created_at=job.created_at,
        started_at=job.started_at,
        finished_at=job.finished_at,
        runs=runs,
        group_key=job.group_key,
        overruled=stored_overruled(job.overruled),
    )


def _run_info(
    run: TrainingJobRun,
    job: TrainingJob,
    dataset_name: str,
    model_version_id: int | None,
    task: TaskState | None,
) -> RunInfo:
    return RunInfo(
        id=run.id,
        job_id=job.id,
        job_name=job.name or dataset_name,
        dataset_id=job.dataset_id,
        dataset_name=dataset_name,
        target=job.target,
        algorithm=run.algorithm,
        status=run.status,
        current_epoch=run.current_epoch,
        total_epochs=run.total_epochs,
        created_at=job.created_at,
        started_at=run.started_at,
        finished_at=run.finished_at,
        model_version_id=model_version_id,
        task=task,
    )
