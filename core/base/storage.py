"""Files of users, by relative path: the only way to them, so that another store can replace it.

Layout: `{user_id}/uploads/{upload_id}/`, `{user_id}/models/{model_id}/`,
`{user_id}/exports/{test_job_id}/`, `builtin/{dataset_id}/`. Paths are made of ids only: names from
outside never become paths. A file is written whole or not at all. Today the store is the data
folder; what else lies there (locks, logs) is the business of core.base.data_folder.
"""

import hashlib
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from sqlalchemy import event
from sqlalchemy.orm import Session

from core.base.errors import InvalidInput, NotFound
from core.base.settings import get_settings

CHUNK_BYTES = 1024 * 1024
PARTIAL = ".partial"
BUILTIN = "builtin"
# Where files lie while others take their place.
REPLACED = "replaced"
ENDING = re.compile(r"(\.csv)?\.[a-z]{1,8}\Z", re.ASCII)


def upload_path(user_id: int, upload_id: int, original_name: str) -> str:
    """Relative path of an uploaded file; of its name only a plain ending is kept."""
    found = ENDING.search(original_name.lower())
    suffix = found[0] if found else ".bin"
    return f"{user_id}/uploads/{upload_id}/raw_data{suffix}"


def checkpoint_path(user_id: int, model_id: int) -> str:
    """Relative path of the checkpoint of a model version."""
    return f"{user_id}/models/{model_id}/checkpoint.pt"


def export_path(user_id: int, test_id: int, export_id: int, file_format: str) -> str:
    """Relative path of an export."""
    return f"{user_id}/exports/{test_id}/result_{export_id}.{file_format.lower()}"


def open_file(relative: str) -> BinaryIO:
    """A stored file, opened for reading; `NotFound` if it is not there."""
    try:
        return _resolve(relative).open("rb")
    except FileNotFoundError as error:
        raise NotFound("file") from error


@contextmanager
def local_path(relative: str) -> Iterator[Path]:
    """A path on this machine with the content of a stored file, for reading inside the context.

    For libraries that open paths only. Raises `NotFound` if the file is not there.
    """
    if not exists(relative):
        raise NotFound("file")
    yield _resolve(relative)


def exists(relative: str) -> bool:
    """Whether a file is stored under this path."""
    return _resolve(relative).is_file()


def file_size(relative: str) -> int:
    """Size of a stored file in bytes; `NotFound` if it is not there."""
    try:
        return _resolve(relative).stat().st_size
    except FileNotFoundError as error:
        raise NotFound("file") from error


def list_files(folder: str) -> list[str]:
    """Paths of all complete files in a folder and below it, sorted; empty if there is none."""
    top = _resolve(folder)
    paths = [path for path in top.rglob("*") if path.is_file()] if top.is_dir() else []
    complete = [path for path in paths if not path.name.endswith(PARTIAL)]
    return sorted(path.relative_to(_root()).as_posix() for path in complete)


def hash_stream(stream: BinaryIO) -> tuple[int, str]:
    """Size in bytes and SHA-256 of what is left to read of a stream."""
    digest, size = hashlib.sha256(), 0
    while chunk := stream.read(CHUNK_BYTES):
        size += len(chunk)
        digest.update(chunk)
    return size, digest.hexdigest()


@contextmanager
def atomic_file(relative: str) -> Iterator[Path]:
    """Yield a temporary path beside the target; flush and rename it when no error was raised."""
    target = _resolve(relative)
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}{PARTIAL}")
    try:
        yield partial
        with partial.open("rb+") as stream:
            os.fsync(stream.fileno())
        partial.replace(target)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def save_stream(relative: str, stream: BinaryIO, max_bytes: int | None = None) -> tuple[int, str]:
    """Store `stream` and return its size in bytes and its SHA-256.

    Raises
    ------
    InvalidInput
        The stream is longer than `max_bytes`; nothing is kept.
    """
    digest, size = hashlib.sha256(), 0
    with atomic_file(relative) as partial, partial.open("wb") as out:
        while chunk := stream.read(CHUNK_BYTES):
            size += len(chunk)
            if max_bytes is not None and size > max_bytes:
                raise InvalidInput(
                    f"The file is larger than {max_bytes // 1_000_000} MB. Split it, or compress "
                    "it as ZIP; an administrator can raise FADEBENCH_MAX_UPLOAD_MB."
                )
            digest.update(chunk)
            out.write(chunk)
    return size, digest.hexdigest()


def move_file(source: str, target: str) -> None:
    """Move a stored file, and create the folder of its new place."""
    path = _resolve(target)
    path.parent.mkdir(parents=True, exist_ok=True)
    _resolve(source).replace(path)


def remove_on_rollback(session: Session, relative: str) -> None:
    """Delete a stored file if the transaction that stores its path does not commit."""
    event.listen(session, "after_rollback", lambda _session: remove_file(relative), once=True)


def remove_file(relative: str) -> bool:
    """Delete a stored file, and its folder if that becomes empty; False if there was no file."""
    path = _resolve(relative)
    found = path.is_file()
    path.unlink(missing_ok=True)
    path.with_name(f".{path.name}{PARTIAL}").unlink(missing_ok=True)
    if path.parent.is_dir() and not any(path.parent.iterdir()):
        path.parent.rmdir()
    return found


def remove_folder(relative: str) -> None:
    """Delete a folder of the store with everything in it."""
    folder = _resolve(relative)
    if relative and folder != _root() and folder.is_dir():
        shutil.rmtree(folder)


def replace_everything(staged: str) -> None:
    """Put what a folder holds in the place of all files of users and built-in datasets.

    Raises
    ------
    OSError
        A folder could not be moved; the files of before are back, and the staged ones where
        they were.
    """
    aside, source = _resolve(REPLACED), _resolve(staged)
    remove_folder(REPLACED)
    aside.mkdir(parents=True)
    moves = [(folder, aside / folder.name) for folder in _root().iterdir() if _is_owned(folder)]
    if source.is_dir():
        moves += [(folder, _root() / folder.name) for folder in source.iterdir()]
    done: list[tuple[Path, Path]] = []
    try:
        for old, new in moves:
            old.replace(new)
            done.append((old, new))
    except OSError:
        for old, new in reversed(done):
            new.replace(old)
        raise
    remove_folder(REPLACED)


def _is_owned(folder: Path) -> bool:
    return folder.is_dir() and (folder.name.isdigit() or folder.name == BUILTIN)


def _root() -> Path:
    return get_settings().files_root


def _resolve(relative: str) -> Path:
    """Absolute path of a stored file; `InvalidInput` if it would leave the store."""
    pure = PurePosixPath(relative)
    if pure.is_absolute() or ".." in pure.parts:
        raise InvalidInput("The stored path of this file is not valid.")
    return _root().joinpath(*pure.parts)
