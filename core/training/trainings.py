"""Training jobs and their runs: cancel them, and keep their states."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from core.access import guard
from core.access.actor import CurrentUser
from core.base import storage
from core.jobs.queue import ask_to_stop, cancel_task
from core.jobs.states import CANCELLED_BY_USER, FINISHED, move
from core.training import ensembles
from core.training.ensembles import ENSEMBLE
from core.training.views import get_job_info
from db.tables import (
    TrainingJob,
    TrainingJobRun,
    TrainingJobRunLog,
)
from db.tables.columns import Status, utc_now


def cancel_run(session: Session, user: CurrentUser, run_id: int) -> None:
    """Stop a run: a waiting one ends at once, a working one within a second."""
    run = guard.get_run(session, user, run_id)
    if run.algorithm == ENSEMBLE and not ensembles.has_begun(session, run_id):
        # While the job is locked, nobody else can queue the run.
        _lock_job(session, run.job_id)
        if not ensembles.has_begun(session, run_id):
            settle(session, run_id, "CANCELED", CANCELLED_BY_USER)
            return
    if cancel_task(session, "TRAIN", run_id):
        settle(session, run_id, "CANCELED", CANCELLED_BY_USER)


def cancel_job(session: Session, user: CurrentUser, job_id: int) -> None:
    """Stop every run of a job that has not ended."""
    runs = [run for run in get_job_info(session, user, job_id).runs if run.is_active]
    # Tasks are locked before the job, as the processes at work on them do it.
    ask_to_stop(session, "TRAIN", [run.id for run in runs])
    # The ensemble is cancelled first; it would start when the last of the others ends.
    for run in sorted(runs, key=lambda run: run.algorithm != ENSEMBLE):
        cancel_run(session, user, run.id)


def begin(session: Session, run_id: int) -> None:
    """Record that the process of a run has started."""
    move(session, TrainingJobRun, run_id, "RUNNING", started_at=utc_now())
    update_job(session, run_id)


def settle(session: Session, run_id: int, status: Status, message: str) -> None:
    """Record that a run ended without a model."""
    if move(session, TrainingJobRun, run_id, status, finished_at=utc_now()):
        run = session.get_one(TrainingJobRun, run_id)
        job = session.get_one(TrainingJob, run.job_id)
        _remove_unfinished(job.user_id, run_id)
        level = "ERROR" if status == "FAILED" else "INFO"
        text = message[:1].upper() + message[1:2000]
        session.add(
            TrainingJobRunLog(run_id=run_id, user_id=job.user_id, level=level, message=text)
        )
        session.flush()
    update_job(session, run_id)


def unfinished_checkpoint(user_id: int, run_id: int) -> str:
    """Relative path of a checkpoint whose model is not stored yet."""
    return f"{user_id}/models/run_{run_id}.pt"


def update_job(session: Session, run_id: int) -> None:
    """Set status and progress of a job by its runs, and queue its ensemble when they have ended."""
    job_id = select(TrainingJobRun.job_id).where(TrainingJobRun.id == run_id).scalar_subquery()
    job = _lock_job(session, job_id)
    runs = _run_states(session, job.id)
    if ensembles.advance(session, job.user_id, runs):
        runs = _run_states(session, job.id)
    shares = [
        1.0 if run.status in FINISHED else run.current_epoch / max(run.total_epochs, 1)
        for run in runs
    ]
    job.progress = round(sum(shares) / len(shares), 5)
    session.flush()
    status = job_status([run.status for run in runs])
    now = utc_now()
    if status != "PENDING":
        move(session, TrainingJob, job.id, "RUNNING", started_at=now)
    if status in FINISHED:
        move(session, TrainingJob, job.id, status, finished_at=now)


def _lock_job(session: Session, job_id: Any) -> TrainingJob:
    """Lock the job, so that of two runs that end at once the second sees the first one's end."""
    return session.scalars(
        select(TrainingJob).where(TrainingJob.id == job_id).with_for_update()
    ).one()


def _run_states(session: Session, job_id: int) -> Sequence[Row[Any]]:
    columns = ("id", "algorithm", "status", "current_epoch", "total_epochs")
    return session.execute(
        select(*(getattr(TrainingJobRun, name) for name in columns)).where(
            TrainingJobRun.job_id == job_id
        )
    ).all()


def job_status(runs: Sequence[Status]) -> Status:
    """Status of a job, given the status of each run."""
    if all(status == "PENDING" for status in runs):
        return "PENDING"
    if any(status not in FINISHED for status in runs):
        return "RUNNING"
    if "SUCCEEDED" in runs:
        return "SUCCEEDED"
    return "CANCELED" if "CANCELED" in runs else "FAILED"


def _remove_unfinished(user_id: int, run_id: int) -> None:
    """Delete the file of a process that was killed while it saved its model."""
    storage.remove_file(unfinished_checkpoint(user_id, run_id))
