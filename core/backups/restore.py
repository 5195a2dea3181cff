"""Restoring a backup: the archive is checked first, then everything is replaced at once."""

import sqlite3
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from sqlalchemy import Engine, select

from core.backups.archive import ArchiveReader, Report, open_archive
from core.backups.manifest import Manifest
from core.backups.tables import is_known, tables_at
from core.backups.target import fill_database, list_occupants
from core.base import data_folder, storage
from core.base.database import read_scope, session_scope
from core.base.errors import BadFile, Conflict, TaskFailed
from core.jobs.kinds import settle_task
from db.sqlite_copies import copy_beside
from db.tables import BackgroundTask

STAGING = "restoring"
CUT_OFF = (
    "This work was under way when the backup was made. Nothing of it was kept; start it again."
)


@dataclass(frozen=True)
class Restored:
    """What was restored; `copy` is the copy of the replaced SQLite file, if there was one."""

    manifest: Manifest
    rows: int
    files: int
    cut_off_tasks: int
    copy: Path | None


def restore_backup(engine: Engine, path: Path, replace: bool, report: Report) -> Restored:
    """Put a backup into the database and the store of files, and migrate it to this release.

    Parameters
    ----------
    engine : of the configured database (SQLite, MySQL or PostgreSQL)
    replace : delete what the installation holds; without it the installation must be new

    Raises
    ------
    BadFile
        The archive is damaged, or made by a newer release; nothing was changed.
    Conflict
        The app is running, or the installation is not new; nothing was changed.
    TaskFailed
        The database refused; the message says in which state it is.
    """
    with open_archive(path) as archive, data_folder.alone():
        _require_readable(archive.manifest)
        occupants = list_occupants(engine)
        if occupants and not replace:
            raise Conflict(
                f"This installation has {_listed(occupants)}. Restore into a new one, or add "
                "--replace to delete what is here."
            )
        archive.verify(lambda stage, share: report(stage, 0.3 * share))
        _stage_files(archive, lambda stage, share: report(stage, 0.3 + 0.2 * share))
        try:
            copy = _copy_sqlite(engine) if occupants else None
            fill_database(engine, archive, lambda stage, share: report(stage, 0.5 + 0.45 * share))
        except BaseException:
            storage.remove_folder(STAGING)
            raise
        report("Putting files in place", 0.95)
        _put_in_place()
        cut_off = _settle_cut_off_tasks()
    report("Done", 1.0)
    rows = sum(entry.rows for entry in archive.manifest.tables)
    return Restored(archive.manifest, rows, len(archive.manifest.files), cut_off, copy)


def _require_readable(manifest: Manifest) -> None:
    """Raise `BadFile` for a revision, table, column or file path unknown to this release."""
    if not is_known(manifest.revision):
        raise BadFile(
            f"A newer release made this backup ({manifest.product_version}, revision "
            f"{manifest.revision}). Install that release or a later one, and restore there."
        )
    shapes = {shape.name: shape.columns for shape in tables_at(manifest.revision)}
    strange = [entry.name for entry in manifest.tables if shapes.get(entry.name) != entry.columns]
    if strange:
        raise BadFile(
            f"The table {strange[0]} of this backup is not that of revision {manifest.revision}. "
            "The backup was changed; use another copy of it."
        )
    if len({entry.path for entry in manifest.files}) < len(manifest.files):
        raise BadFile("The backup names a file twice. It was changed; use another copy of it.")
    for entry in manifest.files:
        parts = PurePosixPath(entry.path).parts
        if len(parts) < 2 or not (parts[0].isdigit() or parts[0] == "builtin") or ".." in parts:
            raise BadFile(
                f"The backup has a file at {entry.path}, where no file of a user lies. "
                "The backup was changed; use another copy of it."
            )


def _stage_files(archive: ArchiveReader, report: Report) -> None:
    """Write all files to a folder aside, so that a full disk shows before anything is replaced."""
    storage.remove_folder(STAGING)
    files = archive.manifest.files
    try:
        for i, entry in enumerate(files):
            report(f"File {i + 1:,} of {len(files):,}", i / len(files))
            with archive.open_file(entry) as stream:
                storage.save_stream(f"{STAGING}/{entry.path}", stream)
    except BaseException:
        storage.remove_folder(STAGING)
        raise


def _put_in_place() -> None:
    try:
        storage.replace_everything(STAGING)
    except OSError as error:
        raise TaskFailed(
            f"The database is restored, but the files could not be put in place ({error}). They "
            f"lie in the folder {STAGING!r} of the data folder. Remove the cause and restore "
            "again with --replace."
        ) from error
    storage.remove_folder(STAGING)


def _copy_sqlite(engine: Engine) -> Path | None:
    """Copy the SQLite file that is about to be replaced; nothing on other databases."""
    database = engine.url.database
    if engine.dialect.name != "sqlite" or not database:
        return None
    try:
        return copy_beside(Path(database), "restore")
    except (sqlite3.Error, OSError) as error:
        raise TaskFailed(
            f"The copy of the present database could not be made ({error}). Nothing was changed; "
            "free space on the disk and restore again."
        ) from error


def _settle_cut_off_tasks() -> int:
    """Fail the tasks that ran when the backup was made, as after a crash; returns their number.

    Their processes belong to another installation: this one can neither watch nor end them.
    """
    with read_scope() as session:
        running = select(BackgroundTask).where(BackgroundTask.status == "RUNNING")
        tasks = session.scalars(running).all()
    for task in tasks:
        with session_scope() as session:
            settle_task(session, task, "FAILED", CUT_OFF)
    return len(tasks)


def _listed(occupants: dict[str, int]) -> str:
    """ "3 accounts and 1 dataset"."""
    return " and ".join(
        f"{count} {noun if count != 1 else noun.removesuffix('s')}"
        for noun, count in occupants.items()
    )
