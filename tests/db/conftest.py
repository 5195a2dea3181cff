"""A migrated database on each kind of server; the whole folder runs once per kind."""

from collections.abc import Iterator

import pytest
from alembic import command
from sqlalchemy import Connection, Engine

from core.base.database import alembic_config
from db.engine import make_engine
from tests.db.servers import SERVERS, throwaway_database


@pytest.fixture(scope="session", params=SERVERS)
def server(request: pytest.FixtureRequest) -> str:
    """The kind of database under test."""
    return str(request.param)


@pytest.fixture(scope="session")
def migrated_url(server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A migrated database, shared by all tests of one kind of server."""
    with throwaway_database(server, tmp_path_factory.mktemp("db")) as url:
        command.upgrade(alembic_config(url), "head")
        yield url


@pytest.fixture(scope="session")
def engine(migrated_url: str) -> Iterator[Engine]:
    """The product's own engine on the migrated database."""
    engine = make_engine(migrated_url)
    yield engine
    engine.dispose()


@pytest.fixture
def connection(engine: Engine) -> Iterator[Connection]:
    """A connection whose changes are rolled back after the test."""
    with engine.connect() as connection:
        transaction = connection.begin()
        yield connection
        transaction.rollback()


@pytest.fixture
def empty_url(server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An empty database of this test alone."""
    with throwaway_database(server, tmp_path_factory.mktemp("empty")) as url:
        yield url


@pytest.fixture
def other_empty_url(server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A second one, to compare with."""
    with throwaway_database(server, tmp_path_factory.mktemp("other")) as url:
        yield url
