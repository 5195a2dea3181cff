"""The declared tables are those of the database design, name by name."""

from collections.abc import Callable

import pytest
from sqlalchemy import (
    CheckConstraint,
    Column,
    Dialect,
    Enum,
    Inspector,
    Table,
    UniqueConstraint,
    inspect,
)
from sqlalchemy.dialects import mysql

from db.engine import make_engine
from db.tables import Base
from tests.db.seed import SNAPSHOT, SeedColumn, one_line, read_seed, statements
from tests.paths import ROOT

SEED_FILE = ROOT.parent / "shared" / "seeds" / "002_35e4ece9fb38de0b.txt"
SEED = read_seed(SNAPSHOT.read_text(encoding="utf-8"))
NAMES = sorted(SEED)
# ENUMs to which values of ours were added, after the seed's.
WIDENED = {("training_job_run", "algorithm"), ("model_version", "algorithm")}
MYSQL: Dialect = mysql.dialect()


def declared(name: str) -> Table:
    return Base.metadata.tables[name]


def as_the_seed_writes(column: Column[object]) -> SeedColumn:
    """A declared column in the seed's words."""
    kind = column.type.compile(MYSQL).replace("NUMERIC", "DECIMAL")
    kind = kind.replace("INTEGER", "INT").replace(", ", ",")
    default = column.server_default
    argument = getattr(default, "arg", None)
    text = None if argument is None else str(argument)
    return SeedColumn(kind, bool(column.nullable), text)


def test_the_design_has_eighteen_tables() -> None:
    assert len(SEED) == 18


@pytest.mark.skipif(not SEED_FILE.is_file(), reason="the database design is not on this machine")
def test_the_snapshot_is_the_design() -> None:
    assert read_seed(SEED_FILE.read_text(encoding="utf-8")) == SEED


@pytest.mark.parametrize("name", NAMES)
def test_columns(name: str) -> None:
    table, seed = declared(name), SEED[name]
    written = {column: as_the_seed_writes(table.c[column]) for column in seed.columns}
    for column, kind in written.items():
        if (name, column) in WIDENED:
            assert kind.type.startswith(seed.columns[column].type.rstrip(")"))
        else:
            assert kind == seed.columns[column]
    assert [c.name for c in table.columns][: len(seed.columns)] == list(seed.columns)


@pytest.mark.parametrize("name", NAMES)
def test_our_own_columns_may_be_empty_and_come_last(name: str) -> None:
    for column in declared(name).columns:
        if column.name not in SEED[name].columns:
            assert column.nullable and column.server_default is None
            assert not column.foreign_keys


@pytest.mark.parametrize("name", NAMES)
def test_primary_and_unique_keys(name: str) -> None:
    table, seed = declared(name), SEED[name]
    assert tuple(column.name for column in table.primary_key.columns) == seed.primary_key
    ours = {
        str(key.name): tuple(column.name for column in key.columns)
        for key in table.constraints
        if isinstance(key, UniqueConstraint)
    }
    assert {key: ours.get(key) for key in seed.unique_keys} == seed.unique_keys
    for key, columns in ours.items():
        assert key in seed.unique_keys or not set(columns) & set(seed.columns)


@pytest.mark.parametrize("name", NAMES)
def test_indexes(name: str) -> None:
    ours = {
        str(index.name): tuple(column.name for column in index.columns)
        for index in declared(name).indexes
        if "mysql" in index.info.get("dialects", ("mysql",))
    }
    assert ours == SEED[name].indexes


@pytest.mark.parametrize("name", NAMES)
def test_foreign_keys_restrict(name: str) -> None:
    keys = declared(name).foreign_key_constraints
    ours = {
        str(key.name): (key.column_keys[0], key.referred_table.name, key.elements[0].column.name)
        for key in keys
    }
    assert ours == SEED[name].foreign_keys
    assert {key.ondelete for key in keys} | {key.onupdate for key in keys} <= {None}


@pytest.mark.parametrize("name", NAMES)
def test_checks(name: str) -> None:
    ours = {
        str(check.name): one_line(str(check.sqltext))
        for check in declared(name).constraints
        if isinstance(check, CheckConstraint) and not getattr(check, "_type_bound", False)
    }
    assert ours == SEED[name].checks


def test_enum_types_have_names_of_their_own() -> None:
    """PostgreSQL keeps ENUM types per schema, so two tables must not share a name."""
    names = [
        column.type.name
        for table in Base.metadata.tables.values()
        for column in table.columns
        if isinstance(column.type, Enum)
    ]
    assert len(names) == len(set(names))


def _columns(inspector: Inspector, table: str) -> dict[str, tuple[str, bool, object]]:
    return {
        column["name"]: (_without_collation(column["type"]), column["nullable"], column["default"])
        for column in inspector.get_columns(table)
    }


def _without_collation(kind: object) -> str:
    return str(kind).split(" CHARACTER SET")[0].split(" COLLATE")[0]


def _keys(read: Callable[[str], list[dict[str, object]]], table: str) -> dict[object, object]:
    return {key["name"]: {k: v for k, v in key.items() if k != "name"} for key in read(table)}


@pytest.mark.parametrize("server", ["mysql", "mariadb"], indirect=True)
def test_a_server_sees_the_design_in_the_migrated_tables(migrated_url: str, empty_url: str) -> None:
    """Whatever the design's own statements create, the migrations create too."""
    designed, migrated = make_engine(empty_url), make_engine(migrated_url)
    with designed.begin() as connection:
        for statement in statements(SNAPSHOT.read_text(encoding="utf-8")):
            connection.exec_driver_sql(statement)
    theirs, ours = inspect(designed), inspect(migrated)
    for name in theirs.get_table_names():
        columns = _columns(theirs, name)
        found = _columns(ours, name)
        same = {column for column in columns if (name, column) not in WIDENED}
        assert {c: found[c] for c in same} == {c: columns[c] for c in same}
        assert _keys(ours.get_foreign_keys, name) == _keys(theirs.get_foreign_keys, name)
        indexes = _keys(theirs.get_indexes, name)
        found_indexes = _keys(ours.get_indexes, name)
        assert {index: found_indexes[index] for index in indexes} == indexes
        assert ours.get_pk_constraint(name) == theirs.get_pk_constraint(name)
    designed.dispose()
    migrated.dispose()


def test_what_the_seed_lacks_is_explained() -> None:
    """Every column and table of our own is named in a decision record."""
    records = (ROOT / "docs" / "decisions").glob("00[12]-*.md")
    written = "\n".join(record.read_text(encoding="utf-8") for record in records)
    for table in Base.metadata.sorted_tables:
        if table.name not in SEED:
            assert f"`{table.name}`" in written
            continue
        for column in table.columns:
            assert (
                column.name in SEED[table.name].columns
                or f"`{table.name}.{column.name}`" in written
            )
