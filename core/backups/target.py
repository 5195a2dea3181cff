"""Fills a database from an archive, in one transaction where the database can undo DDL."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any

from alembic import command
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, Engine, func, insert, inspect, select, text
from sqlalchemy import column as sql_column
from sqlalchemy import table as sql_table
from sqlalchemy.exc import DatabaseError

from core.backups.archive import ArchiveReader, Report
from core.backups.counters import set_last_id
from core.backups.make import require_revision
from core.backups.manifest import TableEntry
from core.backups.tables import VERSION_TABLE, TableShape, tables_at
from core.backups.values import unpack_row
from core.base.database import alembic_config
from core.base.errors import Conflict, TaskFailed
from core.datasets.builtin import DEMO_NAME
from db.tables import Base

CHUNK_ROWS = 2000


def list_occupants(engine: Engine) -> dict[str, int]:
    """Return how much of each kind a restore would delete; empty for a new installation.

    The demonstration fleet is not counted: the app makes it again.
    """
    accounts, datasets = sql_table("user"), sql_table("dataset", sql_column("name"))
    found = {}
    try:
        with engine.connect() as connection:
            known = set(inspect(connection).get_table_names())
            if "user" in known:
                users = select(func.count()).select_from(accounts)
                found["accounts"] = connection.scalar(users) or 0
            if "dataset" in known:
                others = select(func.count()).where(datasets.c.name != DEMO_NAME)
                found["datasets"] = connection.scalar(others) or 0
    except DatabaseError as error:
        raise Conflict(
            f"The database that is there cannot be read ({error.orig}). Move it away, or restore "
            "into another one."
        ) from error
    return {noun: count for noun, count in found.items() if count}


def fill_database(engine: Engine, archive: ArchiveReader, report: Report) -> None:
    """Replace all rows by those of a verified archive, and migrate to the newest revision.

    If this fails, the database is as before on SQLite and PostgreSQL. MySQL cannot undo dropping
    tables: there it is empty.

    Raises
    ------
    TaskFailed
        The database refused; the message says what it holds now.
    """
    undoes = engine.dialect.name in ("sqlite", "postgresql")
    try:
        with _one_transaction(engine) as connection:
            _fill(connection, archive, report)
    except BaseException as error:
        state = "It is as it was before."
        if not undoes:
            with _one_transaction(engine) as connection:
                drop_tables(connection, archive.manifest.revision)
            state = "It is empty now."
        if not isinstance(error, Exception):
            raise
        reason = getattr(error, "orig", None) or error
        raise TaskFailed(
            f"The database refused the backup: {reason}. {state} Remove the cause, such as a full "
            "disk, and restore again."
        ) from error


def drop_tables(connection: Connection, revision: str) -> None:
    """Drop every table of FadeBench, at whatever revision the database is.

    Raises
    ------
    Conflict
        A newer release made the database; its tables are not known here.
    """
    present = set(inspect(connection).get_table_names())
    ours = {shape.name for shape in tables_at(revision)} | set(Base.metadata.tables)
    if MigrationContext.configure(connection).get_current_revision() is not None:
        ours |= {shape.name for shape in tables_at(require_revision(connection))}
    names = sorted((ours | {VERSION_TABLE}) & present)
    choices = _choice_types(connection, names)
    quote = connection.dialect.identifier_preparer.quote
    on_mysql = connection.dialect.name in ("mysql", "mariadb")
    if on_mysql:
        connection.exec_driver_sql("SET FOREIGN_KEY_CHECKS = 0")
    cascade = " CASCADE" if connection.dialect.name == "postgresql" else ""
    for name in names:
        connection.exec_driver_sql(f"DROP TABLE {quote(name)}{cascade}")
    for name in choices:
        connection.exec_driver_sql(f"DROP TYPE {quote(name)}")
    if on_mysql:
        connection.exec_driver_sql("SET FOREIGN_KEY_CHECKS = 1")


@contextmanager
def _one_transaction(engine: Engine) -> Iterator[Connection]:
    """Open a connection for the restore alone, in one transaction that commits at the end."""
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            # Migrations copy and drop tables, so foreign keys are checked at the end instead.
            # SQLite switches them off only outside of a transaction.
            connection.connection.cursor().execute("PRAGMA foreign_keys=OFF")
        try:
            with connection.begin():
                yield connection
        finally:
            # It must not return to the pool: other code relies on checked foreign keys.
            connection.invalidate()


def _fill(connection: Connection, archive: ArchiveReader, report: Report) -> None:
    manifest = archive.manifest
    drop_tables(connection, manifest.revision)
    _upgrade(connection, manifest.revision)
    version = sql_table(VERSION_TABLE, sql_column("version_num"))
    # Should MySQL fail from here on, the missing revision shows that the database is incomplete.
    connection.execute(version.delete())
    shapes = {shape.name: shape for shape in tables_at(manifest.revision)}
    # Shapes are ordered so that rows come after those that they refer to.
    entries = sorted(manifest.tables, key=lambda entry: list(shapes).index(entry.name))
    total, done = max(sum(entry.rows for entry in entries), 1), 0
    for entry in entries:
        for rows in _chunks(archive.rows(entry)):
            _insert(connection, shapes[entry.name], entry, rows)
            done += len(rows)
            report(f"Writing {entry.name}", done / total)
    connection.execute(version.insert().values(version_num=manifest.revision))
    for entry in entries:
        if entry.last_id is not None:
            set_last_id(connection, shapes[entry.name], entry.last_id)
    _upgrade(connection, "head")
    _check_references(connection)


def _insert(
    connection: Connection, shape: TableShape, entry: TableEntry, rows: Sequence[list[Any]]
) -> None:
    names = [name for name, _ in entry.columns]
    kinds = [kind for _, kind in entry.columns]
    values = [dict(zip(names, unpack_row(kinds, row), strict=True)) for row in rows]
    connection.execute(insert(shape.to_write()), values)


def _upgrade(connection: Connection, revision: str) -> None:
    config = alembic_config()
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def _check_references(connection: Connection) -> None:
    if connection.dialect.name != "sqlite":
        return  # the server checks each row
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
    if broken is not None:
        raise TaskFailed(
            f"A row of {broken[0]} refers to a row of {broken[2]} that the backup does not have. "
            "The database is as it was before."
        )


def _choice_types(connection: Connection, tables: Sequence[str]) -> Sequence[str]:
    """Return the names of the ENUM types that the tables use on PostgreSQL."""
    if connection.dialect.name != "postgresql":
        return []
    query = text(
        "SELECT DISTINCT t.typname FROM pg_attribute a "
        "JOIN pg_class c ON c.oid = a.attrelid JOIN pg_type t ON t.oid = a.atttypid "
        "WHERE t.typtype = 'e' AND c.relnamespace = current_schema()::regnamespace "
        "AND c.relname = ANY(:tables)"
    )
    return connection.scalars(query, {"tables": list(tables)}).all()


def _chunks(rows: Iterator[list[Any]]) -> Iterator[list[list[Any]]]:
    while chunk := list(islice(rows, CHUNK_ROWS)):
        yield chunk
