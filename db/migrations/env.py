"""What Alembic runs: which database, how, and against which tables.

The application passes the URL in `config.attributes["url"]`; `python -m alembic ...` takes it from
the environment.
"""

import logging
from typing import Any

from alembic import context

from db.engine import make_engine
from db.location import configured_url
from db.tables import Base

TRANSACTIONAL_DDL = ("sqlite", "postgresql")


def belongs_here(item: Any, _name: str | None, _kind: str, reflected: bool, _other: Any) -> bool:
    """Whether a declared item exists on this dialect (db.tables.base.index_named_per_table)."""
    dialects = None if reflected else item.info.get("dialects")
    return dialects is None or context.get_context().dialect.name in dialects


def migrate(url: str) -> None:
    """Run the migrations; a failed one leaves nothing behind where the server can undo DDL."""
    engine = make_engine(url)
    try:
        with engine.connect() as connection:
            if engine.dialect.name == "sqlite":
                # A table that is copied and dropped would take the rows that point to it along.
                connection.connection.cursor().execute("PRAGMA foreign_keys=OFF")
            context.configure(
                connection=connection,
                target_metadata=Base.metadata,
                include_object=belongs_here,
                transactional_ddl=engine.dialect.name in TRANSACTIONAL_DDL,
                render_as_batch=engine.dialect.name == "sqlite",
            )
            with context.begin_transaction():
                context.run_migrations()
    finally:
        engine.dispose()


def print_sql(url: str) -> None:
    """Write the SQL of `alembic upgrade head --sql` instead of running it."""
    context.configure(url=url, target_metadata=Base.metadata, literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()


if context.config.cmd_opts is not None:
    logging.basicConfig(level=logging.INFO, format="%(message)s")
chosen_url = context.config.attributes.get("url") or configured_url()
if context.is_offline_mode():
    print_sql(chosen_url)
else:
    migrate(chosen_url)
