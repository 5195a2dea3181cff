"""Valid rows for any table, made from its declaration, parents included."""

from datetime import datetime
from itertools import count
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Connection,
    DateTime,
    Enum,
    ForeignKey,
    Integer,
    String,
    Table,
    insert,
)

from db.tables import Base
from db.tables.columns import FiniteNumbers

_numbers = count(1)
SPECIAL = {("dataset", "source_type"): "UPLOAD"}


def table_named(name: str) -> Table:
    """A declared table."""
    return Base.metadata.tables[name]


def valid_values(connection: Connection, table: Table, **given: Any) -> dict[str, Any]:
    """Values of a row that nothing refuses; missing parents are inserted first."""
    values = dict(given)
    for column in table.columns:
        if (
            column.name in values
            or _numbers_itself(column)
            or (column.nullable and not _keyed(column))
        ):
            continue
        values[column.name] = _parent_id(connection, column) or _plain_value(column)
    return values


def insert_values(connection: Connection, table: Table, values: dict[str, Any]) -> tuple[Any, ...]:
    """Insert one row; returns its primary key."""
    result = connection.execute(insert(table), values)
    return tuple(result.inserted_primary_key or ())


def insert_row(connection: Connection, table: Table, **given: Any) -> int:
    """Insert a valid row; returns the first column of its primary key."""
    return int(insert_values(connection, table, valid_values(connection, table, **given))[0])


def _keyed(column: Column[Any]) -> bool:
    """Whether a nullable column must be filled all the same (an uploaded dataset's parents)."""
    return column.table.name == "dataset" and bool(column.foreign_keys)


def _numbers_itself(column: Column[Any]) -> bool:
    return column is column.table.autoincrement_column


def _parent_id(connection: Connection, column: Column[Any]) -> int | None:
    reference: ForeignKey | None = next(iter(column.foreign_keys), None)
    if reference is None:
        return None
    return insert_row(connection, reference.column.table)


def _plain_value(column: Column[Any]) -> Any:
    number = next(_numbers)
    kind = column.type
    if isinstance(kind, Enum):
        return SPECIAL.get((column.table.name, column.name), kind.enums[0])
    if isinstance(kind, String):
        return f"{column.name[: (kind.length or 99) - 9]}{number}"
    if isinstance(kind, JSON):
        return {"number": number}
    if isinstance(kind, FiniteNumbers):
        return [0.5, float(number)]
    if isinstance(kind, DateTime):
        return datetime(2026, 1, 2, 3, 4, 5)
    if isinstance(kind, Boolean):
        return False
    return number if kind._type_affinity is Integer else 0.5
