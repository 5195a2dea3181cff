"""The golden installations, and how a test gets one of its own on any kind of database."""

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import JSON, Engine, MetaData, create_engine, func, insert, select, text

from core.base.database import alembic_config, get_engine
from core.base.settings import get_settings
from tests.conftest import settings_of
from tests.db.servers import throwaway_database

FOLDER = Path(__file__).parent
# By archive: the migration that its database stands at.
INSTALLATIONS = {"installation_1.zip": "0002"}
PASSWORD = "correct horse battery"
# By e-mail: the name. The first is the administrator and owns nearly everything, the second a few
# private things, the third nothing.
ACCOUNTS = {"ann@example.org": "Ann", "bob@example.org": "Bob", "cy@example.org": "Cy"}
DATABASE = "fadebench.db"
NOT_OWNED = {"alembic_version"}


@contextmanager
def place_installation(archive: str, server: str, folder: Path) -> Iterator[dict[str, int]]:
    """Unpack an installation, its database on a server, not migrated; settings point there.

    Yields the number of rows by table. Skips where there is no such server.
    """
    data = folder / "data"
    with zipfile.ZipFile(FOLDER / archive) as packed:
        packed.extractall(data)
    with (
        throwaway_database(server, folder) as url,
        settings_of(data),
        pytest.MonkeyPatch.context() as patch,
    ):
        if server != "sqlite":
            command.upgrade(alembic_config(url), INSTALLATIONS[archive])
            _copy_rows(data / DATABASE, url)
            # So that nothing can be read from it by mistake.
            (data / DATABASE).unlink()
            patch.setenv("FADEBENCH_DATABASE_URL", url)
            get_settings.cache_clear()
        try:
            yield count_rows(get_engine())
        finally:
            get_engine().dispose()


def count_rows(engine: Engine) -> dict[str, int]:
    """Rows of every table, by its name."""
    tables = _tables(engine)
    with engine.connect() as connection:
        return {
            table.name: connection.scalar(select(func.count()).select_from(table)) or 0
            for table in tables.sorted_tables
            if table.name not in NOT_OWNED
        }


def _copy_rows(database: Path, url: str) -> None:
    """Copy all rows of an SQLite file into the same tables elsewhere, which are empty."""
    source, target = create_engine(f"sqlite:///{database}"), create_engine(url)
    there, here = _tables(target), _tables(source)
    with source.connect() as reader, target.begin() as writer:
        for table in there.sorted_tables:
            if table.name in NOT_OWNED:
                continue
            rows = [dict(row) for row in reader.execute(select(here.tables[table.name])).mappings()]
            if rows:
                writer.execute(insert(table), rows)
            if rows and target.dialect.name == "postgresql" and "id" in table.columns:
                last = f"SELECT setval(pg_get_serial_sequence('\"{table.name}\"', 'id'), :last)"
                writer.execute(text(last), {"last": max(row["id"] for row in rows)})
    for engine in (source, target):
        engine.dispose()


def _tables(engine: Engine) -> MetaData:
    tables = MetaData()
    tables.reflect(engine)
    for table in tables.tables.values():
        for column in table.columns:
            if isinstance(column.type, JSON):
                # An empty value is NULL here, not the word null.
                column.type = JSON(none_as_null=True)
    return tables
