"""Many processes and threads read, then write, and nobody loses or is refused."""

import multiprocessing
import threading
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from datetime import datetime

import pytest
from sqlalchemy import Engine, delete, select, text, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from db.engine import BUSY_TIMEOUT_S, make_engine, session_scope
from db.tables import LoginThrottle

WORKERS = 4
TURNS = 25

only_sqlite = pytest.mark.parametrize("server", ["sqlite"], indirect=True)


def count_up(url: str, turns: int) -> int:
    """Read a number and write the next one, `turns` times; returns the number of failures."""
    engine, failures = make_engine(url), 0
    for _ in range(turns):
        try:
            with session_scope(engine) as session:
                row = session.scalars(select(LoginThrottle).with_for_update()).one()
                row.failures += 1
        except OperationalError:
            failures += 1
    engine.dispose()
    return failures


def start_counter(engine: Engine) -> None:
    """One row with the number zero."""
    with session_scope(engine) as session:
        session.execute(delete(LoginThrottle))
        present = datetime(2026, 1, 1)
        session.add(LoginThrottle(email_hash="counter", failures=0, last_failure_at=present))


def counted(engine: Engine) -> int:
    """The number now."""
    with session_scope(engine, write=False) as session:
        return session.scalars(select(LoginThrottle.failures)).one()


def test_threads_never_fail(migrated_url: str, engine: Engine) -> None:
    start_counter(engine)
    with ThreadPoolExecutor(WORKERS) as pool:
        failures = list(pool.map(count_up, [migrated_url] * WORKERS, [TURNS] * WORKERS))
    assert failures == [0] * WORKERS
    assert counted(engine) == WORKERS * TURNS


def test_processes_never_fail(migrated_url: str, engine: Engine) -> None:
    start_counter(engine)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(2, mp_context=context) as pool:
        failures = list(pool.map(count_up, [migrated_url] * 2, [TURNS] * 2))
    assert failures == [0, 0]
    assert counted(engine) == 2 * TURNS


def test_an_error_undoes_everything(engine: Engine) -> None:
    start_counter(engine)
    with pytest.raises(ZeroDivisionError), session_scope(engine) as session:
        session.execute(update(LoginThrottle).values(failures=99))
        session.flush()
        raise ZeroDivisionError
    assert counted(engine) == 0


@pytest.mark.parametrize("server", ["mysql", "mariadb", "postgresql"], indirect=True)
def test_what_another_session_committed_is_seen(engine: Engine) -> None:
    """Also within a transaction that has read before; SQLite instead keeps writers apart."""
    start_counter(engine)
    with session_scope(engine) as session:
        assert session.scalars(select(LoginThrottle.failures)).one() == 0
        with session_scope(engine) as other:
            other.execute(update(LoginThrottle).values(failures=1))
        assert session.scalars(select(LoginThrottle.failures)).one() == 1


@only_sqlite
def test_sqlite_settings(engine: Engine) -> None:
    with engine.connect() as connection:
        found = [
            connection.scalar(text(f"PRAGMA {name}"))
            for name in ("journal_mode", "foreign_keys", "busy_timeout")
        ]
    assert found == ["wal", 1, BUSY_TIMEOUT_S * 1000]


@only_sqlite
def test_sqlite_reads_while_another_writes(engine: Engine) -> None:
    start_counter(engine)
    with session_scope(engine) as session:
        session.execute(update(LoginThrottle).values(failures=5))
        started = time.monotonic()
        assert counted(engine) == 0
        assert time.monotonic() - started < 1


@only_sqlite
def test_sqlite_writers_take_turns_from_the_start(engine: Engine) -> None:
    """The second writer waits before it reads, so it reads what the first one wrote."""
    start_counter(engine)
    seen: list[int] = []

    def second() -> None:
        with session_scope(engine) as session:
            seen.append(session.scalars(select(LoginThrottle.failures)).one())

    with session_scope(engine) as session:
        assert session.scalars(select(LoginThrottle.failures)).one() == 0
        thread = threading.Thread(target=second)
        thread.start()
        time.sleep(0.1)
        session.execute(update(LoginThrottle).values(failures=6))
    thread.join(10)
    assert seen == [6]


@only_sqlite
def test_sqlite_would_fail_without_begin_immediate(engine: Engine) -> None:
    """Why `session_scope` does not simply BEGIN: no patience helps who has read an older state."""
    start_counter(engine)
    with engine.connect().execution_options(fadebench_write=False) as connection:
        session = Session(connection)
        session.scalars(select(LoginThrottle.failures)).one()
        with session_scope(engine) as other:
            other.execute(update(LoginThrottle).values(failures=1))
        with pytest.raises(OperationalError, match="database is locked"):
            session.execute(update(LoginThrottle).values(failures=2))
        session.rollback()
