"""SQLite is copied beside itself before its tables change."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import text

from core.base.database import alembic_config, get_engine, migrate
from db.sqlite_copies import copy_beside, list_copies

ROW = (
    "INSERT INTO login_throttle (email_hash, failures, last_failure_at) "
    "VALUES ('abc', 3, '2026-01-02 03:04:05')"
)


def revision_of(path: Path) -> str:
    with closing(sqlite3.connect(path)) as connection:
        return str(connection.execute("SELECT version_num FROM alembic_version").fetchone()[0])


def test_the_app_copies_an_old_database_before_it_migrates(data_dir: Path) -> None:
    command.upgrade(alembic_config(), "0001")
    database = data_dir / "fadebench.db"
    writing = get_engine().connect()
    writing.execute(text(ROW))
    writing.commit()  # still open: the row is in the write-ahead log only
    migrate()
    writing.close()
    (copy,) = list_copies(database)
    assert copy.name.startswith("fadebench.before-0004.2") and copy.suffix == ".db"
    assert revision_of(copy) == "0001" and revision_of(database) == "0004"
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("SELECT email_hash FROM login_throttle").fetchall() == [("abc",)]
        tables = connection.execute("SELECT name FROM sqlite_master").fetchall()
        assert ("study",) not in tables
    migrate()
    assert list_copies(database) == [copy]
    get_engine().dispose()


def test_nothing_is_copied_where_nothing_is_or_nothing_changes(tmp_path: Path) -> None:
    config = alembic_config(f"sqlite:///{(tmp_path / 'a.db').as_posix()}")
    for _ in range(2):
        command.upgrade(config, "head")
        command.check(config)
        command.current(config)
    assert list_copies(tmp_path / "a.db") == []


def test_the_last_three_copies_are_kept(tmp_path: Path) -> None:
    database = tmp_path / "a.db"
    config = alembic_config(f"sqlite:///{database.as_posix()}")
    command.upgrade(config, "0001")
    for step in ("head", "0001", "head", "-1", "head"):
        go = command.upgrade if step == "head" else command.downgrade
        go(config, step)
    copies = list_copies(database)
    assert [revision_of(path) for path in copies] == ["0001", "0004", "0003"]
    assert [path.name.split(".")[1] for path in copies] == [
        "before-0004",
        "before-1",
        "before-0004",
    ]


@pytest.mark.parametrize("name", ["fadebench", "fade[1].db", "a.b.db"])
def test_copies_of_a_database_of_any_name_are_found_and_the_newest_stays(
    name: str, tmp_path: Path
) -> None:
    database = tmp_path / name
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("CREATE TABLE x (y)")
    made = [copy_beside(database, reason) for reason in ("restore", "0004", "0002", "restore")]
    assert list_copies(database) == made[1:]
    assert copy_beside(database, "0004").exists()


def test_a_copy_that_cannot_be_made_stops_the_migration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = tmp_path / "a.db"
    config = alembic_config(f"sqlite:///{database.as_posix()}")
    command.upgrade(config, "0001")

    def full(_path: Path, _target: Path) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space"):
        command.upgrade(config, "head")
    assert revision_of(database) == "0001"
    assert [path.name for path in tmp_path.iterdir() if "before" in path.name] == []
