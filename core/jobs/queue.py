"""The queue of background tasks: add, read, cancel, end and remove them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from core.base import data_folder
from core.jobs.states import ACTIVE, CANCELLED_BY_USER, move
from db.tables import BackgroundTask
from db.tables.columns import Status, TaskKind, utc_now

MESSAGE_LENGTH = 2000


@dataclass(frozen=True)
class TaskState:
    """What a page shows of a background task; times in UTC, `progress` from 0 to 1."""

    id: int
    kind: TaskKind
    subject_id: int
    status: Status
    stage: str | None
    progress: float | None
    message: str | None
    cancel_requested: bool
    pid: int | None
    threads: int | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None

    @property
    def is_active(self) -> bool:
        """Whether it waits or runs."""
        return self.status in ACTIVE

    @property
    def elapsed_s(self) -> float:
        """Seconds from its start until its end, or until now while it runs."""
        if self.started_at is None:
            return 0.0
        return ((self.finished_at or utc_now()) - self.started_at).total_seconds()

    @property
    def remaining_s(self) -> float | None:
        """Estimated seconds until it ends, at the pace so far; None where too little is done."""
        if self.status != "RUNNING" or not self.progress or self.progress < 0.02:
            return None
        return self.elapsed_s * (1 - self.progress) / self.progress


def enqueue(session: Session, user_id: int | None, kind: TaskKind, subject_id: int) -> int:
    """Put work at the end of the queue and return the task's id."""
    task = BackgroundTask(user_id=user_id, kind=kind, subject_id=subject_id)
    session.add(task)
    session.flush()
    return task.id


def enqueue_all(
    session: Session, user_id: int | None, kind: TaskKind, subject_ids: Sequence[int]
) -> None:
    """Put work on several subjects at the end of the queue, in their order."""
    if subject_ids:
        rows = [{"user_id": user_id, "kind": kind, "subject_id": i} for i in subject_ids]
        session.execute(insert(BackgroundTask), rows)


def latest_tasks(session: Session, kind: TaskKind, subject_ids: list[int]) -> dict[int, TaskState]:
    """The newest task of each subject, by subject id; the caller has checked access to them."""
    rows = session.scalars(
        select(BackgroundTask)
        .where(BackgroundTask.kind == kind, BackgroundTask.subject_id.in_(subject_ids))
        .order_by(BackgroundTask.id)
    )
    return {row.subject_id: _state(row) for row in rows}


def is_busy(session: Session, kind: TaskKind, subject_ids: list[int]) -> bool:
    """Whether work on one of these subjects waits or runs."""
    return any(task.is_active for task in latest_tasks(session, kind, subject_ids).values())


def is_idle(session: Session, user_id: int | None = None) -> bool:
    """Whether no task waits or runs, of any account or of the given one."""
    query = select(BackgroundTask.id).where(BackgroundTask.status.in_(ACTIVE))
    if user_id is not None:
        query = query.where(BackgroundTask.user_id == user_id)
    return session.scalar(query.limit(1)) is None


def cancel_task(session: Session, kind: TaskKind, subject_id: int) -> bool:
    """Ask the active task of a subject to stop.

    A task that waits, or whose process has not reported its process id yet, is ended here: then
    True is returned, and the caller must end the subject. A task at work is asked to stop: its own
    process ends it and the subject, and False is returned, as for a subject without active task.
    """
    task = session.scalars(
        select(BackgroundTask)
        .where(
            BackgroundTask.kind == kind,
            BackgroundTask.subject_id == subject_id,
            BackgroundTask.status.in_(ACTIVE),
        )
        .order_by(BackgroundTask.id.desc())
        .limit(1)
    ).one_or_none()
    if task is None:
        return False
    session.execute(
        update(BackgroundTask).where(BackgroundTask.id == task.id).values(cancel_requested=True)
    )
    return task.pid is None and end_task(session, task.id, "CANCELED", CANCELLED_BY_USER)


def ask_to_stop(session: Session, kind: TaskKind, subject_ids: Collection[int]) -> None:
    """Ask the active tasks of several subjects to stop; `cancel_task` does the rest for each."""
    session.execute(
        update(BackgroundTask)
        .where(
            BackgroundTask.kind == kind,
            BackgroundTask.subject_id.in_(subject_ids),
            BackgroundTask.status.in_(ACTIVE),
        )
        .values(cancel_requested=True)
    )


def end_task(session: Session, task_id: int, status: Status, message: str | None = None) -> bool:
    """Give a task its final status; False if another process has already done so."""
    values = {"message": message[:MESSAGE_LENGTH]} if message else {}
    if status == "SUCCEEDED":
        values["progress"] = 1.0  # type: ignore[assignment]
    return move(session, BackgroundTask, task_id, status, finished_at=utc_now(), **values)


def remove_tasks(session: Session, kind: TaskKind, subject_ids: Sequence[int]) -> None:
    """Delete all tasks of some subjects, and the log files of their processes."""
    chosen = (BackgroundTask.kind == kind, BackgroundTask.subject_id.in_(subject_ids))
    remove_task_logs(session.scalars(select(BackgroundTask.id).where(*chosen)).all())
    session.execute(delete(BackgroundTask).where(*chosen))


def remove_task_logs(task_ids: Sequence[int]) -> None:
    """Delete the log files of some tasks."""
    for task_id in task_ids:
        log_path(task_id).unlink(missing_ok=True)


def log_path(task_id: int) -> Path:
    """Return the file that the process of a task prints to."""
    return data_folder.log_path(f"task_{task_id}")


def _state(row: BackgroundTask) -> TaskState:
    return TaskState(
        id=row.id,
        kind=row.kind,
        subject_id=row.subject_id,
        status=row.status,
        stage=row.stage,
        progress=row.progress,
        message=row.message,
        cancel_requested=bool(row.cancel_requested),
        pid=row.pid,
        threads=row.threads,
        created_at=row.created_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
    )
