"""Uploaded files: store, preview, map, read in the background, retry, delete."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.access import guard
from core.access.actor import CurrentUser
from core.base import storage
from core.base.errors import Conflict, InvalidInput
from core.base.names import checked_name
from core.base.paging import FIRST, Listed, Page, page_ids, page_of
from core.base.settings import get_settings
from core.datasets.filters import EVERY_UPLOAD, UPLOAD_ORDERS, UploadFilter, filtered_uploads
from core.ingest.formats.preview import Preview
from core.ingest.formats.readers import preview
from core.ingest.limited import run_limited
from core.ingest.limits import Limits
from core.ingest.mapping import ColumnMapping, Layout, validate_mapping
from core.ingest.outlook import Outlook, make_outlook
from core.jobs.queue import TaskState, cancel_task, enqueue, is_busy, latest_tasks, remove_tasks
from core.jobs.states import CANCELLED_BY_USER, move
from db.tables import Dataset, DataUpload
from db.tables.columns import Status, UploadStatus, utc_now


@dataclass(frozen=True)
class UploadInfo:
    """An upload as a page shows it; times in UTC."""

    id: int
    original_filename: str
    file_size_bytes: int
    status: UploadStatus
    error_message: str | None
    created_at: datetime
    processed_at: datetime | None
    dataset_name: str
    mapping: ColumnMapping | None
    report: dict[str, Any] | None
    dataset_id: int | None
    task: TaskState | None

    @property
    def is_active(self) -> bool:
        """Whether reading waits or runs."""
        return self.task is not None and self.task.is_active

    @property
    def was_cancelled(self) -> bool:
        """Whether reading ended because the user stopped it."""
        return self.status == "FAILED" and self.error_message == CANCELLED_BY_USER

    @property
    def has_unusable_rows(self) -> bool:
        """Whether reading stopped at rows that may be left out."""
        report = self.report or {}
        found = bool(report.get("problem_counts")) and report.get("may_drop", True)
        return self.status == "FAILED" and bool(found)


def receive_upload(
    session: Session, user: CurrentUser, original_name: str, stream: BinaryIO
) -> int:
    """Store a file and return the upload's id; it stays PENDING until a mapping is confirmed.

    Raises
    ------
    InvalidInput
        The file is empty or too large; nothing is kept.
    """
    name = Path(original_name.replace("\\", "/")).name[:255] or "file"
    incoming = f"{user.id}/uploads/incoming_{utc_now():%Y%m%d%H%M%S}_{id(stream):x}"
    # The file is written before the first statement, so that no lock is held meanwhile.
    size, digest = storage.save_stream(incoming, stream, get_settings().max_upload_mb * 1_000_000)
    try:
        if size == 0:
            raise InvalidInput("The file is empty. Choose another one.")
        upload = DataUpload(
            user_id=user.id, original_filename=name, stored_path="", file_size=size, sha256=digest
        )
        session.add(upload)
        session.flush()
        upload.stored_path = storage.upload_path(user.id, upload.id, name)
        storage.remove_on_rollback(session, upload.stored_path)
        storage.move_file(incoming, upload.stored_path)
        session.flush()
    except BaseException:
        storage.remove_file(incoming)
        raise
    return upload.id


def preview_upload(
    session: Session,
    user: CurrentUser,
    upload_id: int,
    sheet: str | None = None,
    layout: Layout | None = None,
) -> Preview:
    """First rows, columns and proposed mapping of an upload.

    Raises
    ------
    BadFile
        The file cannot be used; the message says what to change.
    """
    upload = guard.get_upload(session, user, upload_id)
    with storage.local_path(upload.stored_path) as path:
        name = upload.original_filename
        return run_limited(name, preview, path, name, read_limits(), sheet, layout)


def outlook_of_upload(
    session: Session, user: CurrentUser, upload_id: int, mapping: ColumnMapping
) -> Outlook:
    """What an upload would become under a mapping: its capacities and lives.

    Raises
    ------
    BadFile, InvalidInput
        Reading by this mapping would fail; the message says what to change.
    """
    upload = guard.get_upload(session, user, upload_id)
    with storage.local_path(upload.stored_path) as path:
        name = upload.original_filename
        return run_limited(name, make_outlook, path, name, mapping, read_limits())


def confirm_mapping(
    session: Session,
    user: CurrentUser,
    upload_id: int,
    mapping: ColumnMapping,
    dataset_name: str,
) -> None:
    """Accept a mapping and queue the reading of the file; also how a failed one is retried."""
    upload = guard.get_upload(session, user, upload_id, lock=True)
    name = checked_name(dataset_name, "dataset")
    if upload.status == "SUCCEEDED":
        raise Conflict("This file has been read already; open its dataset.")
    if is_busy(session, "UPLOAD", [upload_id]):
        raise Conflict("This file is being read right now. Cancel that first.")
    if upload.status == "FAILED":
        move(session, DataUpload, upload_id, "PENDING", error_message=None, processed_at=None)
    upload.mapping = {"dataset_name": name, "columns": mapping.to_json()}
    upload.report = None
    enqueue(session, user.id, "UPLOAD", upload_id)


def refuse_upload(session: Session, user: CurrentUser, upload_id: int, message: str) -> None:
    """Mark a file that cannot be used at all as failed; it is kept for download."""
    guard.get_upload(session, user, upload_id)
    if not is_busy(session, "UPLOAD", [upload_id]):
        settle(session, upload_id, "FAILED", message)


def check_mapping(mapping: ColumnMapping, columns: tuple[str, ...]) -> tuple[str, ...]:
    """Warnings about a mapping; raises `InvalidInput` where it cannot be used."""
    return validate_mapping(mapping, columns)


def cancel_upload(session: Session, user: CurrentUser, upload_id: int) -> None:
    """Stop reading; the file stays and can be read again."""
    guard.get_upload(session, user, upload_id)
    if cancel_task(session, "UPLOAD", upload_id):
        settle(session, upload_id, "CANCELED", CANCELLED_BY_USER)


def list_uploads(
    session: Session,
    user: CurrentUser,
    wanted: UploadFilter = EVERY_UPLOAD,
    page: Page = FIRST,
) -> Listed[UploadInfo]:
    """A page of the user's uploads, newest first unless the page says otherwise."""
    query = filtered_uploads(guard.visible_uploads(user), wanted)
    ids = page_ids(session, query, DataUpload.id, UPLOAD_ORDERS, page)
    rows = session.scalars(guard.visible_uploads(user).where(DataUpload.id.in_(ids)))
    return page_of(ids, _describe(session, list(rows)), lambda upload: upload.id)


def get_upload_info(session: Session, user: CurrentUser, upload_id: int) -> UploadInfo:
    """One upload."""
    return _describe(session, [guard.get_upload(session, user, upload_id)])[0]


def open_upload(session: Session, user: CurrentUser, upload_id: int) -> tuple[str, str]:
    """Path of the file, for core.base.storage, and its original name, for downloading it."""
    upload = guard.get_upload(session, user, upload_id)
    return upload.stored_path, upload.original_filename


def delete_upload(session: Session, user: CurrentUser, upload_id: int) -> None:
    """Delete an upload and its file; the dataset made of it must be deleted first."""
    upload = guard.get_upload(session, user, upload_id, lock=True)
    if is_busy(session, "UPLOAD", [upload_id]):
        raise Conflict("This file is being read right now. Cancel that first.")
    if session.scalar(select(Dataset.id).where(Dataset.upload_id == upload_id)) is not None:
        raise Conflict("A dataset was made of this file. Delete the dataset; the file goes too.")
    path = upload.stored_path
    remove_tasks(session, "UPLOAD", [upload_id])
    session.delete(upload)
    session.flush()
    storage.remove_file(path)


def begin(session: Session, upload_id: int) -> None:
    """Record that the reading process has started."""
    move(session, DataUpload, upload_id, "PROCESSING")


def settle(session: Session, upload_id: int, status: Status, message: str) -> None:
    """Record that reading ended without a dataset."""
    values = {"error_message": message[:2000], "processed_at": utc_now()}
    move(session, DataUpload, upload_id, "FAILED", **values)


def read_limits() -> Limits:
    """How much an upload may contain, by the settings."""
    return Limits(max_decompressed_bytes=get_settings().max_decompressed_mb * 1_000_000)


def _describe(session: Session, uploads: list[DataUpload]) -> list[UploadInfo]:
    ids = [upload.id for upload in uploads]
    tasks = latest_tasks(session, "UPLOAD", ids)
    complete = session.execute(
        select(Dataset.upload_id, Dataset.id).where(
            Dataset.upload_id.in_(ids), Dataset.loading.is_not(True)
        )
    )
    datasets = {row.upload_id: row.id for row in complete}
    return [_info(upload, tasks.get(upload.id), datasets.get(upload.id)) for upload in uploads]


def _info(upload: DataUpload, task: TaskState | None, dataset_id: int | None) -> UploadInfo:
    stored = upload.mapping or {}
    columns = stored.get("columns")
    return UploadInfo(
        id=upload.id,
        original_filename=upload.original_filename,
        file_size_bytes=upload.file_size,
        status=upload.status,
        error_message=upload.error_message,
        created_at=upload.created_at,
        processed_at=upload.processed_at,
        dataset_name=stored.get("dataset_name", Path(upload.original_filename).stem),
        mapping=ColumnMapping.from_json(columns) if columns else None,
        report=upload.report,
        dataset_id=dataset_id,
        task=task,
    )
