"""Migrations lead from nothing to the declared tables and back."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, delete, inspect, select, text
from sqlalchemy.exc import DBAPIError

from core.base.database import alembic_config
from core.base.settings import Settings
from db.engine import make_engine
from db.location import configured_url
from db.migrations.choices import (
    add_algorithm,
    add_task_kind,
    remove_algorithm,
    remove_task_kind,
)
from db.tables import Base, columns
from models.settings.catalogue import ALGORITHMS
from tests.db.rows import insert_row, table_named
from tests.db.schema_text import describe
from tests.paths import ROOT


def test_migrated_tables_are_the_declared_ones(engine: Engine, empty_url: str) -> None:
    created = make_engine(empty_url)
    Base.metadata.create_all(created)
    assert describe(created) == describe(engine)
    created.dispose()


def test_autogenerate_has_nothing_to_add(migrated_url: str) -> None:
    command.check(alembic_config(migrated_url))


def test_there_is_one_line_of_history() -> None:
    assert len(ScriptDirectory.from_config(alembic_config("sqlite://")).get_heads()) == 1


def test_up_down_and_up_again(empty_url: str, engine: Engine) -> None:
    config = alembic_config(empty_url)
    migrating = make_engine(empty_url)
    command.upgrade(config, "head")
    command.downgrade(config, "base")
    assert inspect(migrating).get_table_names() == ["alembic_version"]
    if migrating.dialect.name == "postgresql":
        assert inspect(migrating).get_enums() == []
    migrating.dispose()
    command.upgrade(config, "head")
    assert describe(migrating) == describe(engine)
    migrating.dispose()


def test_a_second_upgrade_changes_nothing(migrated_url: str, engine: Engine) -> None:
    before = describe(engine)
    command.upgrade(alembic_config(migrated_url), "head")
    assert describe(engine) == before


@pytest.mark.parametrize("server", ["sqlite"], indirect=True)
def test_the_alembic_command_migrates_the_configured_database(
    empty_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FADEBENCH_DATABASE_URL", empty_url)
    done = subprocess.run(
        [sys.executable, "-m", "alembic", "upgrade", "head"], cwd=ROOT, capture_output=True
    )
    assert done.returncode == 0, done.stderr.decode()
    migrated = make_engine(empty_url)
    assert set(Base.metadata.tables) < set(inspect(migrated).get_table_names())
    migrated.dispose()


@pytest.mark.parametrize(
    ("database_url", "data_dir"),
    [("", None), ("", "elsewhere"), ("", "/tmp/absolute"), ("mysql+pymysql://u:p%40@h/d", None)],
)
def test_env_and_settings_choose_the_same_database(
    monkeypatch: pytest.MonkeyPatch, database_url: str, data_dir: str | None
) -> None:
    monkeypatch.setenv("FADEBENCH_DATABASE_URL", database_url)
    monkeypatch.delenv("FADEBENCH_DATA_DIR", raising=False)
    if data_dir:
        monkeypatch.setenv("FADEBENCH_DATA_DIR", data_dir)
    assert configured_url() == Settings().resolved_database_url


@pytest.mark.parametrize("server", ["sqlite", "postgresql"], indirect=True)
def test_a_failed_migration_leaves_nothing_behind(empty_url: str) -> None:
    """Not so on MySQL, which commits every DDL statement at once."""
    engine = make_engine(empty_url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE background_task (id INTEGER)"))
    with pytest.raises(Exception, match="background_task"):
        command.upgrade(alembic_config(empty_url), "head")
    engine.dispose()
    assert set(inspect(engine).get_table_names()) <= {"background_task", "alembic_version"}
    engine.dispose()


def test_rows_survive_the_wider_choices(empty_url: str) -> None:
    config, runs = alembic_config(empty_url), table_named("training_job_run")
    command.upgrade(config, "0001")
    engine = make_engine(empty_url)
    with engine.begin() as connection:
        kept = insert_row(connection, runs, algorithm="BILSTM")
        metric = insert_row(connection, table_named("training_job_run_metric"), run_id=kept)
        last = insert_row(connection, runs, algorithm="DEEPHPM")
        connection.execute(delete(runs).where(runs.c.id == last))
    engine.dispose()
    command.upgrade(config, "head")
    with engine.begin() as connection:
        assert connection.execute(select(runs.c.id, runs.c.algorithm)).all() == [(kept, "BILSTM")]
        found = connection.execute(text("SELECT id, run_id FROM training_job_run_metric")).all()
        assert found == [(metric, kept)]
        added = insert_row(connection, runs, algorithm="TREES")
        assert added > last
        connection.execute(delete(runs).where(runs.c.id == added))
    with engine.connect() as connection, pytest.raises(DBAPIError):
        connection.execute(text("UPDATE training_job_run SET algorithm = 'MAGIC'"))
    with engine.connect() as connection, pytest.raises(DBAPIError):
        connection.execute(text("DELETE FROM training_job_run"))
    engine.dispose()
    command.downgrade(config, "0001")
    with engine.connect() as connection:
        assert connection.execute(select(runs.c.id, runs.c.algorithm)).all() == [(kept, "BILSTM")]
    engine.dispose()


def test_one_line_of_a_migration_adds_an_algorithm(empty_url: str) -> None:
    command.upgrade(alembic_config(empty_url), "head")
    migrating = make_engine(empty_url)
    with migrating.begin() as connection:
        insert_row(connection, table_named("model_version"), algorithm="TREES")
    runs, models = table_named("training_job_run"), table_named("model_version")
    with migrating.connect() as connection, _off_foreign_keys(connection):
        before = connection.execute(select(models.c.id, models.c.algorithm)).all()
        with Operations.context(MigrationContext.configure(connection)):
            add_algorithm("MEDIAN")
        connection.commit()
        assert connection.execute(select(models.c.id, models.c.algorithm)).all() == before
        for table in (runs, models):
            connection.exec_driver_sql(f"UPDATE {table.name} SET algorithm = 'MEDIAN'")
        with pytest.raises(DBAPIError):
            connection.exec_driver_sql("UPDATE model_version SET algorithm = 'OTHER'")
        connection.rollback()
        with Operations.context(MigrationContext.configure(connection)):
            remove_algorithm("MEDIAN")
        connection.commit()
    with migrating.connect() as connection:
        changed = compare_metadata(MigrationContext.configure(connection), Base.metadata)
    assert not [entry for entry in changed if "algorithm" in str(entry)]
    migrating.dispose()


def test_one_line_of_a_migration_adds_a_kind_of_work(empty_url: str) -> None:
    command.upgrade(alembic_config(empty_url), "head")
    migrating, tasks = make_engine(empty_url), table_named("background_task")
    with migrating.begin() as connection:
        insert_row(connection, tasks, kind="STUDY")
    with migrating.connect() as connection, _off_foreign_keys(connection):
        with Operations.context(MigrationContext.configure(connection)):
            add_task_kind("REPORT")
        connection.commit()
        assert connection.execute(select(tasks.c.kind)).all() == [("STUDY",)]
        connection.exec_driver_sql("UPDATE background_task SET kind = 'REPORT'")
        with pytest.raises(DBAPIError):
            connection.exec_driver_sql("UPDATE background_task SET kind = 'OTHER'")
        connection.rollback()
        with Operations.context(MigrationContext.configure(connection)):
            remove_task_kind("REPORT")
        connection.commit()
        with pytest.raises(DBAPIError):
            connection.exec_driver_sql("UPDATE background_task SET kind = 'REPORT'")
    migrating.dispose()


@contextmanager
def _off_foreign_keys(connection: Connection) -> Iterator[None]:
    """As db/migrations/env.py has it: a table that is copied would take others along."""
    if connection.dialect.name == "sqlite":
        connection.connection.cursor().execute("PRAGMA foreign_keys=OFF")
    yield


def test_the_tables_take_the_algorithms_of_the_catalogue() -> None:
    assert set(columns.ALGORITHMS) == set(ALGORITHMS)
