"""A backup that is not whole is refused before anything is written."""

import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import pytest
from sqlalchemy import inspect

from core.backups.archive import ArchiveWriter, open_archive
from core.backups.make import make_backup
from core.backups.manifest import MANIFEST_NAME, Manifest
from core.backups.restore import STAGING, restore_backup
from core.base import storage
from core.base.database import get_engine, migrate
from core.base.errors import BadFile, FadeBenchError, TaskFailed
from tests.core.backups.installations import files_of, installation, rows_of
from tests.core.backups.stored_files import on_disk
from tests.core.seeding import World, add_account, add_dataset

SERVERS = ("sqlite", "mysql", "postgresql")


@dataclass(frozen=True)
class Made:
    """A good archive, and what the installation holds that must not change."""

    content: bytes
    path: Path

    def refusal(self, content: bytes) -> str:
        """The sentence with which a changed archive is refused; nothing was changed."""
        before = rows_of(get_engine()), files_of([1])
        self.path.write_bytes(content)
        with pytest.raises(BadFile) as refused:
            restore_backup(get_engine(), self.path, True, lambda stage, share: None)
        assert (rows_of(get_engine()), files_of([1])) == before
        assert not on_disk(STAGING).exists()
        return str(refused.value)


@pytest.fixture
def made(world: World, tmp_path: Path) -> Made:
    target = io.BytesIO()
    make_backup(get_engine(), target, lambda stage, share: None)
    return Made(target.getvalue(), tmp_path / "a.zip")


def rewritten(
    content: bytes,
    change: Callable[[dict[str, Any]], None] = lambda manifest: None,
    members: dict[str, bytes] | None = None,
) -> bytes:
    """The same archive with another manifest or other members, hashes as they should be."""
    source, target = zipfile.ZipFile(io.BytesIO(content)), io.BytesIO()
    manifest = json.loads(source.read(MANIFEST_NAME))
    change(manifest)
    writer = ArchiveWriter(target)
    for entry in [*manifest["tables"], *manifest["files"]]:
        known = f"tables/{entry['name']}.jsonl" if "name" in entry else f"files/{entry['path']}"
        data = (members or {}).get(known) or source.read(known)
        entry["bytes"], entry["sha256"] = writer.add(known, iter([data]))
        if "name" in entry:
            entry["rows"] = data.count(b"\n")
    writer.add(MANIFEST_NAME, iter([json.dumps(manifest).encode()]))
    writer.close()
    return target.getvalue()


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.9, 0.999999])
def test_a_backup_that_is_cut_off_is_refused(made: Made, share: float) -> None:
    said = made.refusal(made.content[: int(len(made.content) * share)])
    assert "cut off" in said and "another copy" in said


def test_a_flipped_bit_is_noticed_wherever_it_matters(made: Made) -> None:
    """Some bits mean nothing (times of members): then the contents are still the same."""
    random, refused = Random(7), 0
    for _ in range(150):
        changed = bytearray(made.content)
        changed[random.randrange(len(changed))] ^= 1 << random.randrange(8)
        made.path.write_bytes(changed)
        try:
            with open_archive(made.path) as archive:
                archive.verify(lambda stage, share: None)
                assert contents(bytes(changed)) == contents(made.content)
        except BadFile as error:
            refused += 1
            assert "use another copy" in str(error).lower() or "not a backup" in str(error)
    assert refused > 120


def contents(archive: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def test_a_changed_member_is_named(made: Made) -> None:
    source, target = zipfile.ZipFile(io.BytesIO(made.content)), io.BytesIO()
    with zipfile.ZipFile(target, "w") as changed:
        for name in source.namelist():
            data = source.read(name)
            changed.writestr(name, data.replace(b"ann@", b"eve@"))
    said = made.refusal(target.getvalue())
    assert "damaged: tables/user.jsonl is not what was written. Nothing was changed" in said


def test_a_member_more_or_less_is_noticed(made: Made) -> None:
    target = io.BytesIO(made.content)
    with zipfile.ZipFile(target, "a") as archive:
        archive.writestr("files/1/uploads/9/raw_data.csv", b"x")
    assert "list of contents does not fit" in made.refusal(target.getvalue())


@pytest.mark.parametrize("content", [b"", b"battery,cycle\n1,2\n", b"PK\x03\x04" + bytes(100)])
def test_another_file_is_refused(made: Made, content: bytes) -> None:
    assert "not a backup" in made.refusal(content)


def test_another_zip_is_refused(made: Made) -> None:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("b1.csv", b"x")
    assert "it has no manifest" in made.refusal(target.getvalue())
    for manifest in (b"{}", b"[]", b"{", b'{"format": "else"}'):
        target = io.BytesIO()
        with zipfile.ZipFile(target, "w") as archive:
            archive.writestr(MANIFEST_NAME, manifest)
        assert "backup" in made.refusal(target.getvalue())


def test_a_file_that_is_not_there_is_said(fresh_database: Path, tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="no file at"):
        restore_backup(get_engine(), tmp_path / "none.zip", False, lambda stage, share: None)


def test_what_a_newer_release_made_is_refused(made: Made) -> None:
    newer = rewritten(made.content, lambda m: m.update(revision="0999", product_version="9.1"))
    assert made.refusal(newer) == (
        "A newer release made this backup (9.1, revision 0999). Install that release or a later "
        "one, and restore there."
    )
    other = rewritten(made.content, lambda m: m.update(format_version=2))
    assert "has format 2; this release reads format 1" in made.refusal(other)


@pytest.mark.parametrize(
    "path", ["cookie_secret", "fadebench.db", "../x/y", "/etc/passwd", "logs/task_1.log"]
)
def test_files_go_nowhere_but_to_the_files_of_users(made: Made, path: str) -> None:
    def change(manifest: dict[str, Any]) -> None:
        manifest["files"][0]["path"] = path

    content = made.content
    first = Manifest.model_validate_json(contents(content)[MANIFEST_NAME]).files[0]
    renamed = {f"files/{path}": contents(content)[first.member]}
    assert "where no file of a user lies" in made.refusal(rewritten(content, change, renamed))


def test_tables_and_columns_are_those_of_the_revision(made: Made) -> None:
    def change(manifest: dict[str, Any]) -> None:
        manifest["tables"][0]["columns"][0][0] = "id; DROP TABLE user"

    assert "is not that of revision 0003" in made.refusal(rewritten(made.content, change))


@pytest.mark.parametrize("server", SERVERS)
def test_a_database_that_refuses_is_never_left_half(
    server: str, made: Made, tmp_path: Path
) -> None:
    """Rows that break a rule of the database, in an archive whose hashes are right."""
    row = contents(made.content)["tables/test_export.jsonl"].splitlines(keepends=True)[0]
    content = rewritten(made.content, members={"tables/test_export.jsonl": row + row})
    with installation(server, tmp_path / "target") as engine:
        migrate()
        add_dataset(add_account("bob@example.org"), tmp_path, "Bob's fleet")
        before, files = rows_of(engine), files_of([1])
        made.path.write_bytes(content)
        with pytest.raises(TaskFailed, match="The database refused the backup: ") as refused:
            restore_backup(engine, made.path, True, lambda stage, share: None)
        assert not on_disk(STAGING).exists()
        assert files_of([1]) == files
        if server == "mysql":
            assert "It is empty now." in str(refused.value)
            assert inspect(engine).get_table_names() == []
        else:
            assert "It is as it was before." in str(refused.value)
            assert rows_of(engine) == before
        made.path.write_bytes(made.content)
        restore_backup(engine, made.path, True, lambda stage, share: None)
        assert rows_of(engine)["user"][0][2] == "ann@example.org"


def test_a_row_that_refers_to_nothing_is_noticed_on_sqlite(made: Made, tmp_path: Path) -> None:
    content = rewritten(made.content, members={"tables/user.jsonl": b"\n"})
    lines = contents(made.content)["tables/user.jsonl"].replace(b"[1,", b"[5,", 1)
    content = rewritten(made.content, members={"tables/user.jsonl": lines})
    made.path.write_bytes(content)
    with installation("sqlite", tmp_path / "target") as engine:
        with pytest.raises(TaskFailed, match="refers to a row of user"):
            restore_backup(engine, made.path, False, lambda stage, share: None)
        assert inspect(engine).get_table_names() == []


def test_a_full_disk_changes_nothing(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError("No space left on device")

    before, files = rows_of(get_engine()), files_of([1])
    made.path.write_bytes(made.content)
    with monkeypatch.context() as patch:
        patch.setattr(storage, "save_stream", full)
        with pytest.raises((OSError, FadeBenchError), match="No space"):
            restore_backup(get_engine(), made.path, True, lambda stage, share: None)
    assert (rows_of(get_engine()), files_of([1])) == (before, files)
