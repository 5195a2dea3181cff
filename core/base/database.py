"""The configured database: its engine, its sessions and its migrations."""

import logging
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import lru_cache

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine
from sqlalchemy.orm import Session

import db.engine
from core.base import data_folder
from core.base.settings import ROOT, get_settings

log = logging.getLogger(__name__)


@lru_cache(maxsize=4)
def _engine_for(url: str) -> Engine:
    return db.engine.make_engine(url)


def get_engine() -> Engine:
    """The engine of the configured database, one per process."""
    return _engine_for(get_settings().resolved_database_url)


def session_scope() -> AbstractContextManager[Session]:
    """A session that writes: commits at the end, rolls everything back on an error."""
    return db.engine.session_scope(get_engine(), write=True)


def read_scope() -> AbstractContextManager[Session]:
    """A session that only reads; on SQLite it never waits for a writer."""
    return db.engine.session_scope(get_engine(), write=False)


def alembic_config(url: str | None = None) -> Config:
    """Alembic's configuration for `url`, or for the configured database."""
    config = Config(str(ROOT / "alembic.ini"))
    config.set_main_option("script_location", str(ROOT / "db" / "migrations"))
    config.attributes["url"] = url or get_settings().resolved_database_url
    return config


def is_current() -> bool:
    """Whether the configured database has every migration."""
    head = ScriptDirectory.from_config(alembic_config()).get_current_head()
    with get_engine().connect() as connection:
        return MigrationContext.configure(connection).get_current_revision() == head


def migrate() -> None:
    """Run the migrations that the configured database lacks."""
    if is_current():
        return
    log.info("Migrating the database.")
    with _one_at_a_time():
        if not is_current():
            command.upgrade(alembic_config(), "head")


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Hold a lock file, so that an app and a command line that start together do not collide."""
    with data_folder.lock("migrate", timeout_s=120):
        yield
