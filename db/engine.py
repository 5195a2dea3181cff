"""Engines and sessions for SQLite, MySQL and PostgreSQL."""

import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from db.text import lower

BUSY_TIMEOUT_S = 15


def make_engine(url: str) -> Engine:
    """Make an engine for `url`; times are in UTC, and JSON columns never hold NaN or infinities."""
    parsed = make_url(url)
    options: dict[str, Any] = {"json_serializer": dump_json, "pool_pre_ping": True}
    if parsed.get_backend_name() == "sqlite":
        if parsed.database and parsed.database != ":memory:":
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(parsed, connect_args={"timeout": BUSY_TIMEOUT_S}, **options)
        _prepare_sqlite(engine)
        return engine
    # Under REPEATABLE READ, MySQL's default, a count of runs would miss one that has just ended.
    engine = create_engine(parsed, pool_recycle=1800, isolation_level="READ COMMITTED", **options)
    _use_utc(engine)
    return engine


@contextmanager
def session_scope(engine: Engine, *, write: bool = True) -> Iterator[Session]:
    """Open a session that commits at the end, and rolls everything back on an error.

    On SQLite a writing session takes the write lock at once (BEGIN IMMEDIATE): reading first and
    writing later fails under concurrency (tests/db/test_concurrency.py).
    """
    with engine.connect() as connection:
        connection = connection.execution_options(fadebench_write=write)
        with Session(connection, expire_on_commit=False) as session:
            try:
                yield session
                session.commit()
            except BaseException:
                session.rollback()
                raise


def dump_json(value: Any) -> str:
    """Return JSON text in which every number that is not finite is null."""
    return json.dumps(finite(value), ensure_ascii=False, allow_nan=False)


def finite(value: Any) -> Any:
    """Replace NaN and infinities by None, at any depth, and NumPy values by Python's own."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, dict):
        return {str(key): finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _prepare_sqlite(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def set_pragmas(dbapi_connection: Any, _record: Any) -> None:
        # The driver would begin a transaction late, at the first write; SQLAlchemy does it below.
        dbapi_connection.isolation_level = None
        cursor = dbapi_connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=NORMAL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.close()
        dbapi_connection.create_function("unicode_lower", 1, _lowered, deterministic=True)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        write = connection.get_execution_options().get("fadebench_write", True)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


def _lowered(value: Any) -> str | None:
    return None if value is None else lower(str(value))


def _use_utc(engine: Engine) -> None:
    statement = (
        "SET TIME ZONE 'UTC'" if engine.dialect.name == "postgresql" else "SET time_zone = '+00:00'"
    )

    @event.listens_for(engine, "connect")
    def set_time_zone(dbapi_connection: Any, _record: Any) -> None:
        cursor = dbapi_connection.cursor()
        cursor.execute(statement)
        cursor.close()
        dbapi_connection.commit()
