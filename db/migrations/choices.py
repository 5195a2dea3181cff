"""Functions for migrations that change the allowed values of an ENUM column."""

import re
from collections.abc import Iterable

import sqlalchemy as sa
from alembic import op

# Table, column and name of the ENUM of each column that names an algorithm, or a kind of work.
OF_ALGORITHMS = (
    ("training_job_run", "algorithm", "run_algorithm"),
    ("model_version", "algorithm", "model_algorithm"),
)
OF_TASK_KINDS = (("background_task", "kind", "task_kind"),)


def add_algorithm(key: str) -> None:
    """Add an algorithm to the allowed values of all columns that name one."""
    _add(OF_ALGORITHMS, key)


def remove_algorithm(key: str) -> None:
    """Undo `add_algorithm`; fails where a row names it."""
    _remove(OF_ALGORITHMS, key)


def add_task_kind(key: str) -> None:
    """Let background tasks be of one more kind."""
    _add(OF_TASK_KINDS, key)


def remove_task_kind(key: str) -> None:
    """Undo `add_task_kind`; fails where a task is of that kind."""
    _remove(OF_TASK_KINDS, key)


def _add(places: Iterable[tuple[str, str, str]], key: str) -> None:
    for table, column, name in places:
        before = _current_values(table, column)
        change_choice(table, column, name, before, (*before, key))


def _remove(places: Iterable[tuple[str, str, str]], key: str) -> None:
    for table, column, name in places:
        before = _current_values(table, column)
        change_choice(table, column, name, before, tuple(v for v in before if v != key))


def _current_values(table: str, column: str) -> tuple[str, ...]:
    """Return the values that a column allows now; needs a connection, so not with `--sql`."""
    connection = op.get_bind()
    if connection.dialect.name == "sqlite":
        query = sa.text("SELECT sql FROM sqlite_master WHERE name = :table")
        created = connection.execute(query, {"table": table}).scalar_one()
        (listed,) = re.findall(rf"{column} IN \(([^)]*)\)", created)
        return tuple(re.findall(r"'([^']*)'", listed))
    columns = {c["name"]: c["type"] for c in sa.inspect(connection).get_columns(table)}
    found = columns[column]
    if not isinstance(found, sa.Enum):
        raise RuntimeError(f"{table}.{column} takes any text.")
    return tuple(found.enums)


def change_choice(
    table: str, column: str, name: str, before: tuple[str, ...], after: tuple[str, ...]
) -> None:
    """Change the allowed values of a column; rows keep theirs.

    name : of the ENUM type; before, after : all values, in the order of the declaration
    """
    dialect = op.get_context().dialect.name
    if dialect == "sqlite":
        _rewrite_table(table, column, before, after)
    elif dialect == "postgresql":
        _replace_type(table, column, name, after)
    else:
        op.alter_column(table, column, type_=sa.Enum(*after, name=name), existing_nullable=False)


def _replace_type(table: str, column: str, name: str, values: tuple[str, ...]) -> None:
    op.execute(f"ALTER TYPE {name} RENAME TO {name}_before")
    op.execute(f"CREATE TYPE {name} AS ENUM {_listed(values)}")
    op.execute(
        f"ALTER TABLE {table} ALTER COLUMN {column} TYPE {name} USING {column}::text::{name}"
    )
    op.execute(f"DROP TYPE {name}_before")


def _rewrite_table(
    table: str, column: str, before: tuple[str, ...], after: tuple[str, ...]
) -> None:
    """Copy a table into one with another CHECK: SQLite cannot change one in place.

    Foreign keys are off meanwhile (db/migrations/env.py).
    """
    connection = op.get_bind()
    master = "SELECT sql FROM sqlite_master WHERE tbl_name = ? AND type = ? AND sql IS NOT NULL"
    (created,) = connection.exec_driver_sql(master, (table, "table")).scalars()
    indexes = connection.exec_driver_sql(master, (table, "index")).scalars().all()
    head, body = created.split("(", 1)
    for form in (_sqlite_type, _sqlite_check):
        if form(column, before) not in body:
            raise RuntimeError(f"The table {table} is not the one that this migration knows.")
        body = body.replace(form(column, before), form(column, after))
    copy = head.replace(table, f"{table}_copy") + "(" + body
    counter = "SELECT seq FROM sqlite_sequence WHERE name = ?"
    last_id = connection.exec_driver_sql(counter, (table,)).scalar()
    connection.exec_driver_sql(copy)
    connection.exec_driver_sql(f"INSERT INTO {table}_copy SELECT * FROM {table}")
    connection.exec_driver_sql(f"DROP TABLE {table}")
    connection.exec_driver_sql(f"ALTER TABLE {table}_copy RENAME TO {table}")
    for statement in indexes:
        connection.exec_driver_sql(statement)
    if last_id is not None:
        # Otherwise ids of deleted rows would be given again.
        connection.exec_driver_sql("DELETE FROM sqlite_sequence WHERE name = ?", (table,))
        connection.exec_driver_sql("INSERT INTO sqlite_sequence VALUES (?, ?)", (table, last_id))


def _sqlite_type(column: str, values: tuple[str, ...]) -> str:
    return f"{column} VARCHAR({max(map(len, values))})"


def _sqlite_check(column: str, values: tuple[str, ...]) -> str:
    return f"{column} IN {_listed(values)}"


def _listed(values: tuple[str, ...]) -> str:
    return "(" + ", ".join(f"'{value}'" for value in values) + ")"
