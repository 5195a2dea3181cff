"""Which changes of status are allowed; every change of a status goes through `move`."""

from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session

from db.tables import BackgroundTask, DataUpload, Study, TestJob, TrainingJob, TrainingJobRun
from db.tables.columns import Status, UploadStatus

AnyStatus = Status | UploadStatus

ACTIVE: tuple[Status, ...] = ("PENDING", "RUNNING")
FINISHED: tuple[Status, ...] = ("SUCCEEDED", "FAILED", "CANCELED")
# The message of a task, and of its subject, that the user has cancelled.
CANCELLED_BY_USER = "cancelled by you"

_JOB_MOVES: dict[AnyStatus, tuple[AnyStatus, ...]] = {
    "RUNNING": ("PENDING",),
    "SUCCEEDED": ("RUNNING",),
    "FAILED": ("PENDING", "RUNNING"),
    "CANCELED": ("PENDING", "RUNNING"),
}
# A failed upload keeps its file and may be read again with another mapping.
_UPLOAD_MOVES: dict[AnyStatus, tuple[AnyStatus, ...]] = {
    "PENDING": ("FAILED",),
    "PROCESSING": ("PENDING",),
    "SUCCEEDED": ("PROCESSING",),
    "FAILED": ("PENDING", "PROCESSING"),
}

Stateful = type[BackgroundTask | DataUpload | Study | TestJob | TrainingJob | TrainingJobRun]


def move(session: Session, table: Stateful, row_id: int, to: AnyStatus, **values: Any) -> bool:
    """Change the status of one row; False if its present status does not allow the change.

    One statement checks and changes, so that of two processes only one succeeds.
    """
    moves = _UPLOAD_MOVES if table is DataUpload else _JOB_MOVES
    result = session.execute(
        update(table)
        .where(table.id == row_id, table.status.in_(moves[to]))
        .values(status=to, **values)
    )
    return bool(result.rowcount == 1)  # type: ignore[attr-defined]
