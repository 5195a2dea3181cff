"""Files of users: one way to them, whole or not at all."""

import io
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.base import data_folder, settings, storage
from core.base.errors import InvalidInput, NotFound
from tests.core.backups.stored_files import on_disk
from tests.paths import ROOT

PATH = "7/uploads/3/raw_data.csv"
# Who may know where the data folder is.
KNOWING = {Path(module.__file__ or "") for module in (data_folder, settings, storage)}


def test_nothing_else_joins_paths_under_the_data_folder() -> None:
    folders = ("core", "models", "pages", "shell", "ui")
    sources = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    assert set(sources) > KNOWING
    names = re.compile(r"\b(files_root|data_dir|FADEBENCH_DATA_DIR)\b")
    knowing = {path for path in sources if names.search(path.read_text(encoding="utf-8"))}
    assert knowing <= KNOWING


def test_what_is_stored_can_be_read_listed_moved_and_removed(data_dir: Path) -> None:
    size, digest = storage.save_stream(PATH, io.BytesIO(b"a,b\n"), 10)
    assert size == storage.file_size(PATH) == 4
    with storage.open_file(PATH) as stream:
        assert storage.hash_stream(stream) == (size, digest)
    with storage.local_path(PATH) as path:
        assert path.read_bytes() == b"a,b\n"
    storage.move_file(PATH, "7/models/1/checkpoint.pt")
    assert not storage.exists(PATH)
    assert storage.list_files("7") == ["7/models/1/checkpoint.pt"]
    assert storage.remove_file("7/models/1/checkpoint.pt")
    assert not storage.remove_file("7/models/1/checkpoint.pt")
    assert storage.list_files("7") == storage.list_files("8") == []
    assert not on_disk("7/models/1").exists()


def test_a_file_that_is_not_there_is_said(data_dir: Path) -> None:
    for ask in (storage.open_file, storage.file_size):
        with pytest.raises(NotFound):
            ask(PATH)
    with pytest.raises(NotFound), storage.local_path(PATH):
        pass
    assert not storage.exists(PATH)


def test_half_a_file_is_never_seen(data_dir: Path) -> None:
    storage.save_stream(PATH, io.BytesIO(b"before"))
    with pytest.raises(OSError, match="disk full"), storage.atomic_file(PATH) as path:
        path.write_bytes(b"half")
        assert storage.list_files("7") == [PATH]
        raise OSError("disk full")
    with storage.open_file(PATH) as stream:
        assert stream.read() == b"before"
    with pytest.raises(InvalidInput, match="larger"):
        storage.save_stream(PATH, io.BytesIO(b"too long"), 3)
    assert [path.name for path in on_disk(PATH).parent.iterdir()] == ["raw_data.csv"]


def test_a_folder_goes_with_everything_but_never_the_whole_store(data_dir: Path) -> None:
    storage.save_stream(PATH, io.BytesIO(b"x"))
    storage.remove_folder("")
    storage.remove_folder(".")
    assert storage.exists(PATH)
    storage.remove_folder("7")
    assert not storage.exists(PATH)


@pytest.mark.parametrize("path", ["/etc/passwd", "../x", "1/../../x"])
def test_a_path_out_of_the_store_is_refused(data_dir: Path, path: str) -> None:
    with pytest.raises(InvalidInput):
        storage.open_file(path)


@given(st.text(max_size=60))
def test_names_from_outside_never_become_paths(name: str) -> None:
    path = storage.upload_path(7, 3, name)
    assert re.fullmatch(r"7/uploads/3/raw_data(\.[a-z.]+)", path)
