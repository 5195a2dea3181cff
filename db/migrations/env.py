"""The script that Alembic runs: it chooses the database and runs the migrations.

The application passes the URL in `config.attributes["url"]`, or an open connection in
`config.attributes["connection"]`, whose transaction the migrations join. The command
`python -m alembic ...` takes the URL from the environment. An SQLite file is copied beside itself
first (db.sqlite_copies).
"""

import logging
from pathlib import Path
from typing import Any, Literal

from alembic import context
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, TypeDecorator
from sqlalchemy.sql.functions import current_timestamp

from db.engine import make_engine
from db.location import configured_url
from db.sqlite_copies import copy_beside
from db.tables import Base
from db.tables.columns import BigId

TRANSACTIONAL_DDL = ("sqlite", "postgresql")

log = logging.getLogger("fadebench.migrations")


def belongs_here(item: Any, _name: str | None, _kind: str, reflected: bool, _other: Any) -> bool:
    """Whether a declared index exists on this database (see `index_named_per_table`)."""
    dialects = None if reflected else item.info.get("dialects")
    return dialects is None or context.get_context().dialect.name in dialects


def write_item(kind: str, item: Any, _autogen: Any) -> str | Literal[False]:
    """How `alembic revision --autogenerate` writes a type of db/tables/columns.py, and the present.

    A migration is history, so it says what the type was then instead of importing it.
    """
    if kind == "server_default" and isinstance(item.arg, current_timestamp):
        return "sa.func.current_timestamp()"
    if isinstance(item, BigId):
        return 'sa.BigInteger().with_variant(sa.Integer(), "sqlite")'
    if isinstance(item, TypeDecorator):
        return f"sa.{type(item.impl).__name__}()"
    return False


def migrate(url: str) -> None:
    """Run the migrations; a failed one is undone where the database can undo DDL."""
    engine = make_engine(url)
    try:
        with engine.connect() as connection:
            if engine.dialect.name == "sqlite":
                _copy_before_changes(connection)
                # Dropping a table that was copied would also delete the rows that refer to it.
                connection.connection.cursor().execute("PRAGMA foreign_keys=OFF")
            run_on(connection)
    finally:
        engine.dispose()


def run_on(connection: Connection) -> None:
    """Run the migrations; they commit unless the caller has opened a transaction."""
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        include_object=belongs_here,
        render_item=write_item,
        transactional_ddl=connection.dialect.name in TRANSACTIONAL_DDL,
        render_as_batch=connection.dialect.name == "sqlite",
    )
    with context.begin_transaction():
        context.run_migrations()


def _copy_before_changes(connection: Connection) -> None:
    try:
        wanted = context.get_revision_argument()
    except KeyError:
        return  # a command that only looks, such as `alembic current`
    found = MigrationContext.configure(connection).get_current_revision()
    connection.rollback()
    database = connection.engine.url.database
    if found is not None and found != wanted and database and Path(database).is_file():
        log.info("Copied the database to %s.", copy_beside(Path(database), _plain(wanted)))


def _plain(revision: Any) -> str:
    """Return a revision fit for a file name; it may be relative, such as "-1"."""
    return "".join(c for c in str(revision or "removal") if c.isalnum())


def print_sql(url: str) -> None:
    """Write the SQL of `alembic upgrade head --sql` instead of running it."""
    context.configure(url=url, target_metadata=Base.metadata, literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()


if context.config.cmd_opts is not None:
    logging.basicConfig(level=logging.INFO, format="%(message)s")
chosen_url = context.config.attributes.get("url") or configured_url()
open_connection = context.config.attributes.get("connection")
if context.is_offline_mode():
    print_sql(chosen_url)
elif open_connection is not None:
    run_on(open_connection)
else:
    migrate(chosen_url)
