"""Installations on any kind of database, and what they hold, for tests that compare them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select

from core.accounts import passwords
from core.base import storage
from core.base.database import get_engine
from core.base.settings import get_settings
from db.tables import Base
from tests.core.backups.stored_files import on_disk
from tests.db.servers import throwaway_database

Rows = dict[str, list[tuple[Any, ...]]]


@contextmanager
def installation(server: str, folder: Path) -> Iterator[Engine]:
    """The engine of an empty database on this kind of server; settings point to it and `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    with throwaway_database(server, folder) as url, pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "ROUNDS", 4)
        patch.setenv("FADEBENCH_DATA_DIR", str(folder / "data"))
        patch.setenv("FADEBENCH_DATABASE_URL", url)
        get_settings.cache_clear()
        try:
            yield get_engine()
        finally:
            get_engine().dispose()
            patch.undo()
            get_settings.cache_clear()


def rows_of(engine: Engine) -> Rows:
    """Every row of every declared table, as the product reads them."""
    with engine.connect() as connection:
        return {
            table.name: [
                tuple(row)
                for row in connection.execute(select(table).order_by(*table.primary_key.columns))
            ]
            for table in Base.metadata.sorted_tables
        }


def files_of(user_ids: list[int]) -> dict[str, bytes]:
    """Content of every stored file of some accounts and of the built-in datasets, by path."""
    folders = ["builtin", *map(str, user_ids)]
    paths = [path for folder in folders for path in storage.list_files(folder)]
    return {path: on_disk(path).read_bytes() for path in paths}
