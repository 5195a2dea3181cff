"""Making a backup: all rows as of one moment, then the files that these rows name."""

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import BinaryIO

from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, Engine

from core.backups.archive import CHUNK_BYTES, ArchiveWriter, Report
from core.backups.counters import last_id
from core.backups.manifest import FORMAT, FORMAT_VERSION, FileEntry, Manifest, TableEntry
from core.backups.named_files import builtin_paths, is_still_named, paths_in
from core.backups.snapshot import open_snapshot, read_rows
from core.backups.tables import TableShape, is_known, tables_at
from core.base import storage
from core.base.errors import Conflict, NotFound
from core.base.version import VERSION

# Sessions of signed-in browsers are left out: restoring an old archive must not revive a session
# that was ended since. Everybody signs in again after a restore.
LEFT_OUT = ("auth_session",)
# One encoder for all rows: `json.dumps` with options makes a new one at each call.
_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


@dataclass
class _Found:
    """Files that rows name, the column that names each, and those that could not be found."""

    named: dict[str, tuple[str, str]] = field(default_factory=dict)
    others: list[str] = field(default_factory=list)
    vanished: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)


def make_backup(engine: Engine, target: BinaryIO, report: Report) -> Manifest:
    """Write the database and the files of users to `target`; the app may keep running.

    The database may be older than this release. A file whose row was deleted during the backup, or
    that is missing although a row names it, is listed in the manifest and is no error.

    Raises
    ------
    Conflict
        There is no database yet, or a newer release made it.
    """
    with closing(ArchiveWriter(target)) as writer:
        manifest = _write(writer, engine, report)
        writer.add_manifest(manifest)
    report("Done", 1.0)
    return manifest


def _write(writer: ArchiveWriter, engine: Engine, report: Report) -> Manifest:
    """Write all rows and files; returns the manifest."""
    found = _Found()
    with open_snapshot(engine) as connection:
        revision = require_revision(connection)
        shapes = [shape for shape in tables_at(revision) if shape.name not in LEFT_OUT]
        tables = [
            _add_table(writer, connection, shape, found, _part(report, i, len(shapes), 0.0, 0.6))
            for i, shape in enumerate(shapes)
        ]
    files = _add_files(writer, engine, found, report)
    return Manifest(
        format=FORMAT,
        format_version=FORMAT_VERSION,
        product_version=VERSION,
        revision=revision,
        made_at=datetime.now(UTC).replace(microsecond=0),
        dialect=engine.dialect.name,
        tables=tuple(tables),
        files=tuple(files),
        vanished=tuple(found.vanished),
        missing=tuple(found.missing),
    )


def require_revision(connection: Connection) -> str:
    """Return the database's revision; raises `Conflict` if it has none, or one unknown here."""
    revision = MigrationContext.configure(connection).get_current_revision()
    if revision is None:
        raise Conflict("There is no FadeBench database yet, so there is nothing to back up.")
    if not is_known(revision):
        raise Conflict(
            f"A newer release made this database (revision {revision}). Use that release."
        )
    return revision


def _add_table(
    writer: ArchiveWriter,
    connection: Connection,
    shape: TableShape,
    found: _Found,
    report: Report,
) -> TableEntry:
    count = 0

    def lines() -> Iterator[bytes]:
        nonlocal count
        for rows in read_rows(connection, shape):
            for path, column in paths_in(shape, rows).items():
                found.named[path] = (shape.name, column)
            found.others += builtin_paths(shape, rows)
            count += len(rows)
            report(f"{shape.name}: {count:,} rows", 0.0)
            yield "".join(f"{_ENCODER.encode(row)}\n" for row in rows).encode()

    highest = last_id(connection, shape) if shape.counts_ids else None
    size, digest = writer.add(f"tables/{shape.name}.jsonl", lines())
    return TableEntry(
        name=shape.name,
        columns=shape.columns,
        rows=count,
        last_id=highest,
        bytes=size,
        sha256=digest,
    )


def _add_files(
    writer: ArchiveWriter, engine: Engine, found: _Found, report: Report
) -> list[FileEntry]:
    entries = []
    paths = [*found.named, *found.others]
    for i, path in enumerate(paths):
        _part(report, i, len(paths), 0.6, 1.0)(f"File {i + 1:,} of {len(paths):,}", 0.0)
        try:
            # Opened before the member begins, so that a missing file leaves no empty member.
            stream = storage.open_file(path)
        except NotFound:
            _note_absent(engine, found, path)
            continue
        with stream:
            size, digest = writer.add(f"files/{path}", _chunks(stream))
        entries.append(FileEntry(path=path, bytes=size, sha256=digest))
    return entries


def _note_absent(engine: Engine, found: _Found, path: str) -> None:
    if path not in found.named:
        found.vanished.append(path)
        return
    with open_snapshot(engine) as connection:
        still = is_still_named(connection, *found.named[path], path)
    (found.missing if still else found.vanished).append(path)


def _chunks(stream: BinaryIO) -> Iterator[bytes]:
    while chunk := stream.read(CHUNK_BYTES):
        yield chunk


def _part(report: Report, index: int, count: int, start: float, end: float) -> Report:
    """Return a callback that reports one of `count` equal steps between two shares of the work."""
    width = (end - start) / max(count, 1)
    return lambda stage, share: report(stage, start + width * (index + share))
