"""Reads all rows as of one moment while the app keeps writing."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, Text, cast, select

from core.backups.tables import TableShape
from core.backups.values import pack_row

CHUNK_ROWS = 2000


@contextmanager
def open_snapshot(engine: Engine) -> Iterator[Connection]:
    """Open a connection that sees the database as it is now, whatever others write later.

    It is one read transaction, on every database; no writer waits for it.
    """
    kind = engine.dialect.name
    options: dict[str, Any] = {"fadebench_write": False}
    if kind != "sqlite":
        options["isolation_level"] = "REPEATABLE READ"
    if kind == "postgresql":
        options["postgresql_readonly"] = True
    with engine.connect() as connection:
        connection = connection.execution_options(**options)
        if kind in ("mysql", "mariadb"):
            # Without it each table would be seen as of its first read.
            connection.exec_driver_sql("START TRANSACTION WITH CONSISTENT SNAPSHOT")
        yield connection
        connection.rollback()


def read_rows(connection: Connection, shape: TableShape) -> Iterator[list[list[Any]]]:
    """Yield the packed rows of a table in the order of its key, read chunk by chunk."""
    table = shape.to_read()
    columns = [
        # The driver would parse JSON, and lose the order of keys and the spelling of numbers.
        cast(table.c[name], Text) if kind == "json" and _parses_json(connection) else table.c[name]
        for name, kind in shape.columns
    ]
    kinds = [kind for _, kind in shape.columns]
    statement = select(*columns).order_by(*(table.c[name] for name in shape.key))
    result = connection.execute(statement, execution_options={"yield_per": CHUNK_ROWS})
    for rows in result.partitions():
        yield [pack_row(kinds, row) for row in rows]


def _parses_json(connection: Connection) -> bool:
    return connection.dialect.name == "postgresql"
