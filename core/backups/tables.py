"""The tables and columns of the database at a given revision of its migrations."""

import tempfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from alembic import command
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import Column, MetaData, Table
from sqlalchemy import column as sql_column
from sqlalchemy import table as sql_table
from sqlalchemy.sql.expression import TableClause

import db.engine
from core.backups.values import Kind, kind_of, type_to_read, type_to_write
from core.base.database import alembic_config

VERSION_TABLE = "alembic_version"


@dataclass(frozen=True)
class TableShape:
    """A table at a revision; `counts_ids` where the database numbers its rows."""

    name: str
    columns: tuple[tuple[str, Kind], ...]
    key: tuple[str, ...]
    counts_ids: bool

    def to_read(self) -> TableClause:
        """Return the table as SELECT needs it."""
        return sql_table(self.name, *(sql_column(n, type_to_read(k)) for n, k in self.columns))

    def to_write(self) -> TableClause:
        """Return the table as INSERT needs it."""
        return sql_table(self.name, *(sql_column(n, type_to_write(k)) for n, k in self.columns))


def is_known(revision: str) -> bool:
    """Whether this release has the migration; it lacks those of newer releases."""
    try:
        return ScriptDirectory.from_config(alembic_config()).get_revision(revision) is not None
    except CommandError:
        return False


@lru_cache(maxsize=8)
def tables_at(revision: str) -> tuple[TableShape, ...]:
    """Return every table at a revision; a table comes after those that its foreign keys refer to.

    The tables are read from an empty SQLite database migrated to the revision: it tells booleans
    from integers and JSON from text, which MySQL and MariaDB do not.
    """
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{(Path(folder) / 'shape.db').as_posix()}"
        command.upgrade(alembic_config(url), revision)
        engine = db.engine.make_engine(url)
        try:
            found = MetaData()
            found.reflect(engine)
        finally:
            engine.dispose()
    return tuple(_shape(table) for table in found.sorted_tables if table.name != VERSION_TABLE)


def _shape(table: Table) -> TableShape:
    columns = tuple((column.name, kind_of(column.type)) for column in table.columns)
    key: list[Column[object]] = list(table.primary_key.columns)
    counts_ids = len(key) == 1 and kind_of(key[0].type) == "int" and not key[0].foreign_keys
    return TableShape(table.name, columns, tuple(column.name for column in key), counts_ids)
