"""Backups bring back every row and every file, on every database and from one to another."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from sqlalchemy import Engine, delete, insert, select, update

from core.accounts.sessions import start_session
from core.backups.make import LEFT_OUT, make_backup
from core.backups.manifest import Manifest
from core.backups.named_files import PATH_ENDING
from core.backups.restore import CUT_OFF, restore_backup
from core.base import data_folder, storage
from core.base.database import alembic_config, get_engine, is_current, migrate, session_scope
from core.base.errors import Conflict, TaskFailed
from core.datasets.builtin import add_builtin
from db.engine import make_engine
from db.tables import AuthSession, BackgroundTask, Base, ModelVersion, TestExport, User
from tests.core.backups.installations import Rows, files_of, installation, rows_of
from tests.core.backups.stored_files import on_disk
from tests.core.seeding import World, add_account, add_dataset, work_off, write_csv
from tests.db.rows import insert_row, table_named

SERVERS = ("sqlite", "mysql", "postgresql")
# From each kind of database to another one.
MOVES = [("sqlite", "mysql"), ("mysql", "postgresql"), ("postgresql", "sqlite")]
TEXT = "Zellen für Ærø 電池 🔋 ' \" \\ %s :x\n\t"
FLOATS = (0.1 + 0.2, 1 / 3, 5e-324, 1.7976931348623157e308, -2.5e-8, 123456789.123456789, 0.0, -1.0)
JSON = {"ä": [0.1 + 0.2, 1e-7, 2**53 + 1, None, True, TEXT], "empty": {}, "list": [], "b": {"a": 1}}


def backup(path: Path, report=lambda stage, share: None) -> Manifest:  # type: ignore[no-untyped-def]
    """Back the configured installation up."""
    with path.open("wb") as target:
        return make_backup(get_engine(), target, report)


def restore(path: Path, replace: bool = False) -> None:
    """Restore into the configured installation."""
    restore_backup(get_engine(), path, replace, lambda stage, share: None)


def fill_every_table(engine: Engine) -> None:
    """A row in each table beside those that are there, with values that are easily spoilt."""
    special = {
        "cycle_data": {
            **{f"feature_{i}": value for i, value in enumerate(FLOATS, 1)},
            "pcl": None,
            "rul": 0,
        },
        "cycle_feature": {"further": list(FLOATS)},
        "data_upload": {
            "original_filename": TEXT,
            "report": JSON,
            "file_size": 2**40 + 1,
            "processed_at": datetime(1999, 12, 31, 23, 59, 59),
        },
        "dataset": {"loading": True, "name": "x"},
        "training_job": {"progress": 0.33333, "deleting": False, "hyperparams": {}},
        "study": {"deleting": True, "result": JSON},
    }
    with engine.begin() as connection:
        for table in Base.metadata.sorted_tables:
            if table.name not in ("test_job_battery", "training_job_battery"):
                insert_row(connection, table, **special.get(table.name, {}))
        for name in ("test_job_battery", "training_job_battery"):
            insert_row(connection, table_named(name))


@pytest.fixture
def every_table(world: World, tmp_path: Path) -> Iterator[tuple[Path, Rows, dict[str, bytes]]]:
    """A backup of an account's things and of a row in each table; its rows and files."""
    fill_every_table(get_engine())
    path = tmp_path / "sqlite.zip"
    manifest = backup(path)
    assert all("stored_path" in p or "_path" in p for p in manifest.missing)
    yield path, rows_of(get_engine()), files_of([world.user.id])


def same(found: Rows, expected: Rows) -> None:
    """Compare table by table; sessions are left out of a backup."""
    assert found.keys() == expected.keys()
    for name, rows in expected.items():
        assert rows, f"nothing to compare in {name}"
        assert found[name] == ([] if name in LEFT_OUT else rows), name


@pytest.mark.parametrize(
    "route",
    [
        ("sqlite",),
        ("mysql", "sqlite"),
        ("postgresql", "sqlite"),
        ("mysql", "postgresql", "mysql"),
        ("mariadb", "sqlite"),
    ],
    ids="-".join,
)
def test_everything_survives_the_way(
    route: tuple[str, ...], every_table: tuple[Path, Rows, dict[str, bytes]], tmp_path: Path
) -> None:
    """Each database is filled from the backup of the one before; the first one is SQLite."""
    path, rows, files = every_table
    assert files
    for step, server in enumerate(route):
        with installation(server, tmp_path / f"{step}") as engine:
            restore(path)
            assert is_current()
            same(rows_of(engine), rows)
            assert files_of([1]) == files
            path = tmp_path / f"{step}.zip"
            backup(path)


@pytest.mark.parametrize("server", SERVERS)
def test_rows_are_those_of_one_moment(server: str, tmp_path: Path) -> None:
    """What others write while tables are read is in the backup whole or not at all."""
    with installation(server, tmp_path / "source") as engine:
        migrate()
        first = add_account("ann@example.org")
        add_dataset(first, tmp_path)
        before = rows_of(engine)

        def write() -> None:
            second = add_account("bob@example.org")
            add_dataset(second, tmp_path, "Bob's fleet")

        def report(stage: str, _share: float) -> None:
            if stage.startswith("user:"):
                with ThreadPoolExecutor(1) as pool:
                    pool.submit(write).result()

        manifest = backup(tmp_path / "a.zip", report)
        assert len(rows_of(engine)["user"]) == 2
    assert [entry.path for entry in manifest.files] == ["1/uploads/1/raw_data.csv"]
    with installation("sqlite", tmp_path / "target") as engine:
        restore(tmp_path / "a.zip")
        assert rows_of(engine) == before


@pytest.mark.parametrize(("server", "target"), MOVES)
def test_an_old_installation_is_saved_and_comes_back_at_the_revision_of_today(
    server: str, target: str, tmp_path: Path
) -> None:
    runs = table_named("training_job_run")
    with installation(server, tmp_path / "old") as engine:
        command.upgrade(alembic_config(), "0001")
        with engine.begin() as connection:
            assert insert_row(connection, runs, algorithm="DEEPHPM", current_epoch=3) == 1
        manifest = backup(tmp_path / "old.zip")
    assert manifest.revision == "0001"
    assert "study" not in [entry.name for entry in manifest.tables]
    with installation(target, tmp_path / "new") as engine:
        restore(tmp_path / "old.zip")
        assert is_current()
        rows = rows_of(engine)
        assert [row[2:5] for row in rows["training_job_run"]] == [("DEEPHPM", "PENDING", 3)]
        assert rows["study"] == []
        command.check(alembic_config())
        with engine.begin() as connection:
            assert insert_row(connection, runs, algorithm="TREES") == 2


@pytest.mark.parametrize(("server", "target"), MOVES)
def test_ids_of_deleted_rows_are_not_given_out_again(
    server: str, target: str, tmp_path: Path
) -> None:
    with installation(server, tmp_path / "source"):
        migrate()
        ids = [add_account(f"{name}@example.org").id for name in ("ann", "bob", "cy")]
        with session_scope() as session:
            session.execute(delete(User).where(User.id == ids[-1]))
        backup(tmp_path / "a.zip")
    with installation(target, tmp_path / "target"):
        restore(tmp_path / "a.zip")
        assert add_account("dan@example.org").id == ids[-1] + 1
        with session_scope() as session:
            session.add(BackgroundTask(kind="EXPORT", subject_id=1))
            session.flush()
            assert session.scalar(select(BackgroundTask.id)) == 1


def test_files_that_are_gone_are_told_apart(world: World, tmp_path: Path) -> None:
    """Deleted with its row while the backup was made: no harm. Otherwise it is missing."""
    with session_scope() as session:
        exports = list(session.scalars(select(TestExport.file_path).order_by(TestExport.id)))
        checkpoint = session.scalar(select(ModelVersion.checkpoint_path))
        waiting = insert(TestExport).values(
            test_job_id=world.test_id, user_id=1, format="CSV", file_path="1/exports/1/later.csv"
        )
        session.execute(waiting)
    assert checkpoint and len(exports) == 2
    on_disk(checkpoint).unlink()

    def report(stage: str, _share: float) -> None:
        if stage.startswith("File 1 "):
            with session_scope() as session:
                session.execute(delete(TestExport).where(TestExport.file_path == exports[0]))
            storage.remove_file(exports[0])

    manifest = backup(tmp_path / "a.zip", report)
    assert manifest.vanished == (exports[0],)
    assert manifest.missing == (checkpoint,)
    assert {entry.path for entry in manifest.files} == {exports[1], "1/uploads/1/raw_data.csv"}


def test_the_files_of_built_in_datasets_come_along(fresh_database: Path, tmp_path: Path) -> None:
    with session_scope() as session:
        add_builtin(session, write_csv(tmp_path / "fleet.csv"), "Fleet")
    work_off()
    files = files_of([])
    assert list(files) == ["builtin/1/raw_data.csv"]
    backup(tmp_path / "a.zip")
    with installation("sqlite", tmp_path / "target"):
        restore(tmp_path / "a.zip")
        assert files_of([]) == files


def test_every_column_that_holds_a_path_is_known() -> None:
    """Whoever adds one: is it the path of a stored file? Then a backup takes the file along."""
    found = {
        f"{table.name}.{column.name}"
        for table in Base.metadata.sorted_tables
        for column in table.columns
        if "path" in column.name or "file" in column.name
    }
    paths = {"data_upload.stored_path", "model_version.checkpoint_path", "test_export.file_path"}
    others = {"data_upload.original_filename", "data_upload.file_size", "test_export.file_size"}
    assert found == paths | others
    assert {name for name in found if name.endswith(PATH_ENDING)} == paths


def test_work_that_was_under_way_ends_as_after_a_crash(world: World, tmp_path: Path) -> None:
    """Or the copy would wait for the processes of the original, and end them when asked to."""
    with session_scope() as session:
        task = session.scalars(select(BackgroundTask).order_by(BackgroundTask.id)).first()
        assert task is not None
        session.execute(
            update(BackgroundTask)
            .where(BackgroundTask.id == task.id)
            .values(status="RUNNING", pid=1, host="here")
        )
        session.add(BackgroundTask(kind="EXPORT", subject_id=9, status="PENDING"))
    backup(tmp_path / "a.zip")
    with installation("sqlite", tmp_path / "target") as engine:
        restore(tmp_path / "a.zip")
        with engine.connect() as connection:
            rows = connection.execute(
                select(BackgroundTask.status, BackgroundTask.message).order_by(BackgroundTask.id)
            ).all()
    assert rows[0] == ("FAILED", CUT_OFF)
    assert rows[-1] == ("PENDING", None)


def test_everybody_signs_in_again(world: World, tmp_path: Path) -> None:
    with session_scope() as session:
        start_session(session, world.user)
    secret = data_folder.secret_path("cookie_secret")
    secret.write_text("s" * 64)
    path = tmp_path / "a.zip"
    backup(path)
    assert b"s" * 64 not in path.read_bytes()
    restore(path, replace=True)
    with session_scope() as session:
        assert session.scalar(select(AuthSession.id)) is None
    assert secret.read_text() == "s" * 64


@pytest.mark.parametrize("server", SERVERS)
def test_only_a_new_installation_is_filled_unless_told(
    server: str, world: World, tmp_path: Path
) -> None:
    path = tmp_path / "a.zip"
    backup(path)
    expected, files = rows_of(get_engine()), files_of([1])
    with installation(server, tmp_path / "target") as engine:
        migrate()
        for name in ("bob", "cy"):
            add_dataset(add_account(f"{name}@example.org"), tmp_path, f"{name}'s fleet")
        kept, kept_files = rows_of(engine), files_of([1, 2])
        with pytest.raises(Conflict, match="2 accounts and 2 datasets"):
            restore(path)
        assert (rows_of(engine), files_of([1, 2])) == (kept, kept_files)
        restored = restore_backup(engine, path, True, lambda stage, share: None)
        assert rows_of(engine) == expected
        assert files_of([1, 2]) == files
        if server == "sqlite":
            assert restored.copy is not None
            copy = make_engine(f"sqlite:///{restored.copy.as_posix()}")
            assert rows_of(copy) == kept
            copy.dispose()


def test_nothing_is_restored_while_the_app_runs(world: World, tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    backup(path)
    before = rows_of(get_engine())
    with (
        data_folder.in_use(),
        pytest.raises(Conflict, match=r"runs on this data folder \(process \d+"),
    ):
        restore(path, replace=True)
    assert rows_of(get_engine()) == before
    # What a killed process leaves behind is not taken for the app.
    dead = on_disk("in_use/host_1_dead.lock")
    dead.touch()
    restore(path, replace=True)
    assert not dead.exists()


def test_a_folder_that_is_a_link_to_another_disk_is_replaced(world: World, tmp_path: Path) -> None:
    backup(tmp_path / "b.zip")
    before = files_of([world.user.id])
    folder, elsewhere = on_disk(str(world.user.id)), tmp_path / "elsewhere"
    folder.rename(elsewhere)
    folder.symlink_to(elsewhere, target_is_directory=True)
    restore(tmp_path / "b.zip", replace=True)
    assert files_of([world.user.id]) == before
    assert not folder.is_symlink() and elsewhere.is_dir()


def test_files_that_cannot_be_put_in_place_say_where_they_lie(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup(tmp_path / "b.zip")
    before, move = files_of([world.user.id]), Path.replace

    def refused(self: Path, target: Path) -> Path:
        if "restoring" in self.parts:
            raise OSError(18, "Invalid cross-device link")
        return move(self, target)

    monkeypatch.setattr(Path, "replace", refused)
    monkeypatch.setattr(storage, "save_stream", _save_plainly)
    with pytest.raises(TaskFailed, match=r"cross-device link.*'restoring'.*--replace"):
        restore(tmp_path / "b.zip", replace=True)
    # The files of before are back, and the others wait.
    assert files_of([world.user.id]) == before
    assert on_disk(f"restoring/{world.user.id}").is_dir()
    monkeypatch.undo()


def _save_plainly(relative: str, stream: Any) -> None:
    path = on_disk(relative)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(stream.read())


def test_one_restore_at_a_time(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data_folder, "PATIENCE_S", 0.1)
    with (
        data_folder.alone(),
        pytest.raises(Conflict, match="Another restore runs"),
        data_folder.alone(),
    ):
        pass
    with data_folder.alone():
        pass


def test_background_work_waits_for_the_end_of_a_restore(fresh_database: Path) -> None:
    with ThreadPoolExecutor(1) as pool:
        with data_folder.alone():
            begun = pool.submit(data_folder.in_use().__enter__)
            with pytest.raises(TimeoutError):
                begun.result(timeout=0.3)
        begun.result(timeout=10)


def test_there_must_be_something_to_back_up(data_dir: Path, tmp_path: Path) -> None:
    with pytest.raises(Conflict, match="nothing to back up"):
        backup(tmp_path / "a.zip")
