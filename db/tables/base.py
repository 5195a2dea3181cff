"""The declarative base and the options every table shares."""

from typing import Any

from sqlalchemy import Dialect, Index, MetaData
from sqlalchemy.orm import DeclarativeBase

# Without a name a constraint cannot be dropped by a later migration.
NAMING = {
    "ix": "idx_%(table_name)s_%(column_0_name)s",
    "uq": "uk_%(table_name)s_%(column_0_name)s",
    "ck": "%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}

# A binary collation makes MySQL compare text exactly as SQLite and PostgreSQL do;
# ignoring case is our own rule (see db.tables.users), not the server's.
TABLE_OPTIONS: dict[str, Any] = {
    "mysql_engine": "InnoDB",
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_bin",
    "mariadb_engine": "InnoDB",
    "mariadb_charset": "utf8mb4",
    "mariadb_collate": "utf8mb4_bin",
    "sqlite_autoincrement": True,
}
# SQLite refuses AUTOINCREMENT on tables with a composite key.
LINK_TABLE_OPTIONS = {k: v for k, v in TABLE_OPTIONS.items() if k != "sqlite_autoincrement"}

MYSQL_FAMILY = ("mysql", "mariadb")
OTHERS = ("sqlite", "postgresql")


class Base(DeclarativeBase):
    """The base class of all tables."""

    metadata = MetaData(naming_convention=NAMING)


def index_named_per_table(mysql_name: str, other_name: str, *columns: str) -> tuple[Index, Index]:
    """Declare an index whose name the seed uses on two tables, which only MySQL allows."""
    return _index_on(MYSQL_FAMILY, mysql_name, *columns), _index_on(OTHERS, other_name, *columns)


def _index_on(dialects: tuple[str, ...], name: str, *columns: str) -> Index:
    def applies(*_: Any, dialect: Dialect, **__: Any) -> bool:
        return dialect.name in dialects

    # Alembic's autogenerate knows nothing of ddl_if; db/migrations/env.py reads the info.
    return Index(name, *columns, info={"dialects": dialects}).ddl_if(callable_=applies)
