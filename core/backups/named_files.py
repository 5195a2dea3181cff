"""Which files of users the rows of the database name."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy import column as sql_column
from sqlalchemy import table as sql_table

from core.backups.tables import TableShape
from core.base import storage

# A column whose name ends so holds the path of a file; tests/core/backups/test_backups.py lists
# them.
PATH_ENDING = "_path"
# Where a row has this column, NULL means that its file is not made yet.
SIZE_COLUMN = "file_size"


def paths_in(shape: TableShape, rows: Sequence[Sequence[Any]]) -> dict[str, str]:
    """Column by path of every file that packed rows name and that is complete."""
    names = [name for name, _ in shape.columns]
    at = [i for i, name in enumerate(names) if name.endswith(PATH_ENDING)]
    if SIZE_COLUMN in names:
        size = names.index(SIZE_COLUMN)
        rows = [row for row in rows if row[size] is not None]
    return {row[i]: names[i] for row in rows for i in at if row[i]}


def builtin_paths(shape: TableShape, rows: Sequence[Sequence[Any]]) -> list[str]:
    """Files behind built-in datasets: no column names them, they lie in the dataset's folder."""
    if shape.name != "dataset":
        return []
    names = [name for name, _ in shape.columns]
    row_id, source = names.index("id"), names.index("source_type")
    folders = [f"builtin/{row[row_id]}" for row in rows if row[source] == "BUILTIN"]
    return [path for folder in folders for path in storage.list_files(folder)]


def is_still_named(connection: Connection, table: str, column: str, path: str) -> bool:
    """Whether a row names the file now."""
    named = sql_table(table, sql_column(column))
    query = select(named.c[column]).where(named.c[column] == path).limit(1)
    return connection.execute(query).first() is not None
