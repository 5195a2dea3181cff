"""Where the database servers of the tests are, and throw-away databases on them."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import URL, create_engine, make_url

SERVERS = ("sqlite", "mysql", "mariadb", "postgresql")


@dataclass(frozen=True)
class Place:
    """How to find one kind of server: a variable and, where there is a usual one, its URL."""

    variable: str
    usual_url: str


PLACES = {
    "mysql": Place("FADEBENCH_TEST_MYSQL_URL", ""),
    "mariadb": Place("FADEBENCH_TEST_MARIADB_URL", "mysql+pymysql://root@127.0.0.1:3306"),
    "postgresql": Place(
        "FADEBENCH_TEST_POSTGRES_URL", "postgresql+psycopg://root@127.0.0.1:5432/postgres"
    ),
}


@contextmanager
def throwaway_database(server: str, folder: Path) -> Iterator[str]:
    """URL of an empty database that is dropped afterwards; skips where there is no server."""
    if server == "sqlite":
        yield f"sqlite:///{(folder / f'{uuid4().hex}.db').as_posix()}"
        return
    admin_url = _admin_url(server)
    name = f"fadebench_test_{uuid4().hex[:12]}"
    _run(admin_url, f"CREATE DATABASE {name}")
    try:
        yield admin_url.set(database=name).render_as_string(hide_password=False)
    finally:
        forced = " WITH (FORCE)" if server == "postgresql" else ""
        _run(admin_url, f"DROP DATABASE {name}{forced}")


def _admin_url(server: str) -> URL:
    place = PLACES[server]
    given = os.environ.get(place.variable)
    if not given and not place.usual_url:
        _do_without(f"no {server} server: {place.variable} is not set")
    url = make_url(given or place.usual_url)
    if not _listens(url):
        _do_without(f"no {server} server: nothing listens on {url.host}:{url.port}")
    # MySQL connects without a database; PostgreSQL needs the one named in the URL.
    return url if server == "postgresql" else url._replace(database=None)


def _do_without(reason: str) -> None:
    if os.environ.get("FADEBENCH_REQUIRE_SERVERS") == "1":
        pytest.fail(f"{reason}, and FADEBENCH_REQUIRE_SERVERS=1")
    pytest.skip(reason)


def _listens(url: URL) -> bool:
    usual_port = 5432 if url.get_backend_name() == "postgresql" else 3306
    try:
        socket.create_connection((url.host or "127.0.0.1", url.port or usual_port), 2).close()
    except OSError:
        return False
    return True


def _run(url: URL, statement: str) -> None:
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(statement)
    engine.dispose()
