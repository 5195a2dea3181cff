"""Export files of results. They are queued with the test, so a click downloads at once."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import update
from sqlalchemy.orm import Session

from core.access import guard
from core.access.actor import CurrentUser
from core.base import storage
from core.base.errors import Conflict, InvalidInput, NotFound
from core.jobs.queue import TaskState, enqueue, latest_tasks
from core.jobs.states import ACTIVE
from db.tables import Dataset, ModelVersion, TestExport, TestJob
from db.tables.columns import EXPORT_FORMATS, ExportFormat, Status


@dataclass(frozen=True)
class ExportInfo:
    """An export; it can be downloaded once `file_size_bytes` is known."""

    id: int
    test_job_id: int
    format: ExportFormat
    file_name: str
    file_size_bytes: int | None
    created_at: datetime
    task: TaskState | None

    @property
    def is_ready(self) -> bool:
        """Whether the file is complete."""
        return self.file_size_bytes is not None

    @property
    def is_active(self) -> bool:
        """Whether the file is being made."""
        return not self.is_ready and self.task is not None and self.task.status in ACTIVE


def create_export(session: Session, user: CurrentUser, test_id: int, file_format: str) -> int:
    """Queue a file of a finished test's results; returns the export's id."""
    guard.get_result(session, user, test_id)
    if file_format not in EXPORT_FORMATS:
        raise InvalidInput(f"The format is CSV or XLSX, not {file_format!r}.")
    return queue_export(session, test_id, user.id, file_format)


def latest_exports(
    session: Session, user: CurrentUser, test_id: int
) -> dict[ExportFormat, ExportInfo]:
    """The newest export of each format of a test."""
    title = _file_title(session, user, test_id)
    rows = session.scalars(
        guard.visible_exports(user).where(TestExport.test_job_id == test_id).order_by(TestExport.id)
    ).all()
    tasks = latest_tasks(session, "EXPORT", [row.id for row in rows])
    return {row.format: _info(row, tasks.get(row.id), title) for row in rows}


def get_export_info(session: Session, user: CurrentUser, export_id: int) -> ExportInfo:
    """One export."""
    row = guard.get_export(session, user, export_id)
    task = latest_tasks(session, "EXPORT", [row.id]).get(row.id)
    return _info(row, task, _file_title(session, user, row.test_job_id))


def open_export(session: Session, user: CurrentUser, export_id: int) -> str:
    """Path of a finished export, for core.base.storage.

    Raises
    ------
    Conflict
        The file is still being made, or making it failed.
    """
    info = get_export_info(session, user, export_id)
    path = guard.get_export(session, user, export_id).file_path
    if not info.is_ready or not storage.exists(path):
        raise Conflict("This file is not ready. Wait a moment, or ask for it again.")
    return path


def queue_export(session: Session, test_id: int, user_id: int, file_format: ExportFormat) -> int:
    """Insert the row of an export and queue the work that writes its file."""
    export = TestExport(test_job_id=test_id, user_id=user_id, format=file_format, file_path="")
    session.add(export)
    session.flush()
    export.file_path = storage.export_path(user_id, test_id, export.id, file_format)
    session.flush()
    enqueue(session, user_id, "EXPORT", export.id)
    return export.id


def begin(session: Session, export_id: int) -> None:
    """The process that makes the file starts."""


def settle(session: Session, export_id: int, status: Status, message: str) -> None:
    """Record that no file could be made; the task's message says why."""
    session.execute(update(TestExport).where(TestExport.id == export_id).values(file_size=None))


def _file_title(session: Session, user: CurrentUser, test_id: int) -> str:
    names = session.execute(
        guard.visible_tests(user)
        .where(TestJob.id == test_id)
        .join(ModelVersion, ModelVersion.id == TestJob.model_version_id)
        .join(Dataset, Dataset.id == TestJob.dataset_id)
        .with_only_columns(ModelVersion.name, ModelVersion.version, Dataset.name)
    ).one_or_none()
    if names is None:
        raise NotFound("test")
    model, version, dataset = names
    title = f"{model} {version} on {dataset}"
    safe = "".join(c if c.isalnum() or c in "-_." else "_" for c in title)
    return f"{safe[:100]}_test{test_id}"


def _info(row: TestExport, task: TaskState | None, title: str) -> ExportInfo:
    return ExportInfo(
        id=row.id,
        test_job_id=row.test_job_id,
        format=row.format,
        file_name=f"{title}.{row.format.lower()}",
        file_size_bytes=row.file_size,
        created_at=row.created_at,
        task=task,
    )
