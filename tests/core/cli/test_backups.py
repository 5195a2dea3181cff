"""`backup` and `restore` on the command line."""

import stat
from pathlib import Path

import pytest

from core.base import data_folder
from core.base.database import get_engine
from core.cli import backups
from tests.core.backups.installations import installation, rows_of
from tests.core.cli.test_commands import answer, refusal, run
from tests.core.seeding import World


def test_everything_goes_into_one_file_and_comes_back(world: World, tmp_path: Path) -> None:
    out = tmp_path / "a.zip"
    made = answer("backup", out)
    rows = rows_of(get_engine())
    assert made["rows"] == sum(map(len, rows.values()))
    assert (made["path"], made["bytes"]) == (str(out), out.stat().st_size)
    assert (made["revision"], made["files"]) == ("0004", 4)
    assert made["missing_files"] == made["vanished_files"] == []
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    with installation("sqlite", tmp_path / "target") as engine:
        restored = answer("restore", out)
        assert rows_of(engine) == rows
    assert (restored["rows"], restored["files"]) == (made["rows"], 4)
    assert (restored["cut_off_tasks"], restored["replaced_database"]) == (0, None)


def test_a_file_is_replaced_only_when_told(world: World, tmp_path: Path) -> None:
    out = tmp_path / "a.zip"
    out.write_text("mine")
    assert "add --force" in refusal("backup", out)
    assert out.read_text() == "mine"
    answer("backup", out, "--force")
    assert "no folder" in refusal("backup", tmp_path / "none" / "a.zip")
    assert [path.name for path in tmp_path.glob(".*")] == []


def test_deleting_what_is_here_wants_a_typed_word(world: World, tmp_path: Path) -> None:
    out = tmp_path / "a.zip"
    answer("backup", out)
    rows = rows_of(get_engine())
    assert "has 1 account and 1 dataset. Restore into a new one" in refusal("restore", out)
    for typed in ("yes\n", "\n"):
        refused = run("restore", out, "--replace", typed=typed)
        assert refused.exit_code == 1 and "Nothing was changed" in refused.stderr
        assert "accounts: 1, datasets: 1" in refused.stderr
        assert rows_of(get_engine()) == rows
    typed = run("restore", out, "--replace", typed="replace\n")
    assert typed.exit_code == 0, typed.output
    assert "Everybody signs in again." in typed.stdout and "is kept as" in typed.stdout
    answered = answer("restore", out, "--replace", "--yes")
    assert Path(answered["replaced_database"]).is_file()


def test_refusals_are_one_line(world: World, tmp_path: Path) -> None:
    out = tmp_path / "a.zip"
    assert "There is no file at" in refusal("restore", out)
    out.write_bytes(b"x")
    assert "not a backup" in refusal("restore", out)
    answer("backup", out, "--force")
    with data_folder.in_use():
        said = refusal("restore", out, "--replace", "--yes")
    assert "Stop the app and its background work first." in said


def test_a_backup_that_fails_leaves_no_file(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(backups, "make_backup", full)
    assert refusal("backup", tmp_path / "a.zip") == "No space left on device"
    assert [path.name for path in tmp_path.iterdir() if "zip" in path.name] == []


def test_an_empty_installation_has_nothing_to_back_up(data_dir: Path, tmp_path: Path) -> None:
    assert "nothing to back up" in refusal("backup", tmp_path / "a.zip")
