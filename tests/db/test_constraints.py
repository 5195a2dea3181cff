"""Every constraint refuses what it should, on every server alike."""

from itertools import product
from typing import Any

import pytest
from sqlalchemy import (
    Connection,
    Enum,
    Table,
    UniqueConstraint,
    delete,
    insert,
    null,
    type_coerce,
)
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.types import String

from db.tables import Base
from tests.db.rows import insert_row, insert_values, table_named, valid_values

TABLES = sorted(Base.metadata.tables)
MISSING_ID = 987_654_321


def refusal(connection: Connection, table: Table, values: dict[str, Any]) -> str:
    """The server's message when it refuses `values`; fails when it accepts them."""
    with pytest.raises(DBAPIError) as caught, connection.begin_nested():
        connection.execute(insert(table).values(values))
    return str(caught.value.orig)


@pytest.mark.parametrize("name", TABLES)
def test_valid_rows_are_accepted(connection: Connection, name: str) -> None:
    table = table_named(name)
    first = insert_values(connection, table, valid_values(connection, table))
    second = insert_values(connection, table, valid_values(connection, table))
    assert first != second


@pytest.mark.parametrize("name", TABLES)
def test_null_is_refused(connection: Connection, name: str) -> None:
    table = table_named(name)
    values = valid_values(connection, table)
    required = [c for c in table.columns if not c.nullable and c is not table.autoincrement_column]
    assert required
    for column in required:
        assert column.name in refusal(connection, table, values | {column.name: null()})


@pytest.mark.parametrize("name", TABLES)
def test_columns_without_default_must_be_given(connection: Connection, name: str) -> None:
    table = table_named(name)
    values = valid_values(connection, table)
    for column in table.columns:
        if column.nullable or column.server_default is not None or column.primary_key:
            continue
        # MySQL's rule for a NOT NULL ENUM that is left out: its first value.
        if isinstance(column.type, Enum) and connection.dialect.name == "mysql":
            continue
        left_out = {key: value for key, value in values.items() if key != column.name}
        assert column.name in refusal(connection, table, left_out)


@pytest.mark.parametrize("name", TABLES)
def test_unknown_choices_are_refused(connection: Connection, name: str) -> None:
    table = table_named(name)
    values = valid_values(connection, table)
    for column in table.columns:
        if not isinstance(column.type, Enum):
            continue
        known = column.type.enums[0]
        for wrong in ("NONSENSE", "", known.swapcase()):
            refusal(connection, table, values | {column.name: type_coerce(wrong, String)})


@pytest.mark.parametrize("name", TABLES)
def test_every_choice_is_accepted(connection: Connection, name: str) -> None:
    table = table_named(name)
    for column in table.columns:
        if isinstance(column.type, Enum) and (name, column.name) != ("dataset", "source_type"):
            for choice in column.type.enums:
                insert_row(connection, table, **{column.name: choice})


@pytest.mark.parametrize("name", TABLES)
def test_duplicates_are_refused(connection: Connection, name: str) -> None:
    table = table_named(name)
    first = valid_values(connection, table)
    insert_values(connection, table, first)
    for key in [c for c in table.constraints if isinstance(c, UniqueConstraint)]:
        if any(column.name not in first for column in key.columns):
            continue
        same = {column.name: first[column.name] for column in key.columns}
        message = refusal(connection, table, valid_values(connection, table, **same))
        assert str(key.name) in message or f"{name}.{key.columns[0].name}" in message
        for column in key.columns[:] if len(key.columns) > 1 else ():
            rest = {k: v for k, v in same.items() if k != column.name}
            if not isinstance(column.type, Enum):
                insert_values(connection, table, valid_values(connection, table, **rest))


@pytest.mark.parametrize("name", ["training_job_battery", "test_job_battery"])
def test_a_battery_appears_once_in_a_job(connection: Connection, name: str) -> None:
    table = table_named(name)
    values = valid_values(connection, table)
    insert_values(connection, table, values)
    refusal(connection, table, values)


@pytest.mark.parametrize("name", TABLES)
def test_unknown_parents_are_refused(connection: Connection, name: str) -> None:
    table = table_named(name)
    values = valid_values(connection, table)
    for column in table.columns:
        if column.foreign_keys:
            message = refusal(connection, table, values | {column.name: MISSING_ID})
            assert "foreign key" in message.lower()


@pytest.mark.parametrize("name", TABLES)
def test_parents_with_children_cannot_be_deleted(connection: Connection, name: str) -> None:
    table = table_named(name)
    for column in table.columns:
        for reference in column.foreign_keys:
            parent = reference.column.table
            parent_id = insert_row(connection, parent)
            insert_row(connection, table, **{column.name: parent_id})
            with pytest.raises(IntegrityError), connection.begin_nested():
                connection.execute(delete(parent).where(parent.c.id == parent_id))


def test_a_dataset_is_built_in_or_uploaded(connection: Connection) -> None:
    dataset = table_named("dataset")
    owner = insert_row(connection, table_named("user"))
    good = {("BUILTIN", False, False), ("UPLOAD", True, True)}
    for case in product(("BUILTIN", "UPLOAD"), (False, True), (False, True)):
        upload = insert_row(connection, table_named("data_upload"), user_id=owner)
        values = {
            "name": "cells",
            "source_type": case[0],
            "owner_user_id": owner if case[1] else None,
            "upload_id": upload if case[2] else None,
        }
        if case in good:
            insert_values(connection, dataset, values)
        else:
            assert "chk_builtin_nulls" in refusal(connection, dataset, values)


def test_several_built_in_datasets_share_the_absence_of_an_upload(connection: Connection) -> None:
    for name in ("one", "two"):
        values = {"name": name, "source_type": "BUILTIN", "owner_user_id": None, "upload_id": None}
        insert_values(connection, table_named("dataset"), values)
