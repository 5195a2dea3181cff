"""Finds the users' files that rows of the database name."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy import column as sql_column
from sqlalchemy import table as sql_table

from core.backups.tables import TableShape
from core.base import storage

# A column whose name has this ending holds the path of a file; tests/core/backups/test_backups.py
# lists these columns.
PATH_ENDING = "_path"
# In tables with this column, NULL means that the file of the row is not made yet.
SIZE_COLUMN = "file_size"


def paths_in(shape: TableShape, rows: Sequence[Sequence[Any]]) -> dict[str, str]:
    """Return the naming column, by path, of every complete file that packed rows name."""
    names = [name for name, _ in shape.columns]
    at = [i for i, name in enumerate(names) if name.endswith(PATH_ENDING)]
    if SIZE_COLUMN in names:
        size = names.index(SIZE_COLUMN)
        rows = [row for row in rows if row[size] is not None]
    return {row[i]: names[i] for row in rows for i in at if row[i]}


def builtin_paths(shape: TableShape, rows: Sequence[Sequence[Any]]) -> list[str]:
    """Return the files of built-in datasets; no column names them, they lie in a folder."""
    if shape.name != "dataset":
        return []
    names = [name for name, _ in shape.columns]
    row_id, source = names.index("id"), names.index("source_type")
    folders = [f"builtin/{row[row_id]}" for row in rows if row[source] == "BUILTIN"]
    return [path for folder in folders for path in storage.list_files(folder)]


def is_still_named(connection: Connection, table: str, column: str, path: str) -> bool:
    """Whether a row of the database names the file at this moment."""
    named = sql_table(table, sql_column(column))
    query = select(named.c[column]).where(named.c[column] == path).limit(1)
    return connection.execute(query).first() is not None
