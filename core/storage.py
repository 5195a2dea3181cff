"""Stored files of users: paths are made of ids only, and a file is written whole or not at all.

Layout below the data folder: `{user_id}/uploads/{upload_id}/`, `{user_id}/models/{model_id}/`,
`{user_id}/exports/{test_job_id}/`. Names from outside never become paths.
"""

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from sqlalchemy import event
from sqlalchemy.orm import Session

from core.errors import InvalidInput
from core.settings import get_settings

CHUNK_BYTES = 1024 * 1024
UPLOAD_SUFFIXES = (".mat", ".csv", ".csv.gz", ".xlsx", ".zip", ".txt", ".tsv")


def upload_path(user_id: int, upload_id: int, original_name: str) -> str:
    """Relative path of an uploaded file; only a known suffix of its name is kept."""
    lowered = original_name.lower()
    suffix = next(
        (s for s in sorted(UPLOAD_SUFFIXES, key=len, reverse=True) if lowered.endswith(s)), ".bin"
    )
    return f"{user_id}/uploads/{upload_id}/raw_data{suffix}"


def checkpoint_path(user_id: int, model_id: int) -> str:
    """Relative path of the checkpoint of a model version."""
    return f"{user_id}/models/{model_id}/checkpoint.pt"


def export_path(user_id: int, test_id: int, export_id: int, file_format: str) -> str:
    """Relative path of an export."""
    return f"{user_id}/exports/{test_id}/result_{export_id}.{file_format.lower()}"


def resolve(relative: str) -> Path:
    """Absolute path of a stored file.

    Raises
    ------
    InvalidInput
        The path would leave the data folder.
    """
    pure = PurePosixPath(relative)
    if pure.is_absolute() or ".." in pure.parts:
        raise InvalidInput("The stored path of this file is not valid.")
    return get_settings().files_root.joinpath(*pure.parts)


@contextmanager
def atomic_file(relative: str) -> Iterator[Path]:
    """Yield a temporary path beside the target; flush and rename it when no error was raised."""
    target = resolve(relative)
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.partial")
    try:
        yield partial
        with partial.open("rb+") as stream:
            os.fsync(stream.fileno())
        partial.replace(target)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def save_stream(relative: str, stream: BinaryIO, max_bytes: int) -> tuple[int, str]:
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
            if size > max_bytes:
                raise InvalidInput(
                    f"The file is larger than {max_bytes // 1_000_000} MB. Split it, or compress "
                    "it as ZIP; an administrator can raise FADEBENCH_MAX_UPLOAD_MB."
                )
            digest.update(chunk)
            out.write(chunk)
    return size, digest.hexdigest()


def move_file(source: str, target: str) -> None:
    """Move a stored file, and create the folder of its new place."""
    path = resolve(target)
    path.parent.mkdir(parents=True, exist_ok=True)
    resolve(source).replace(path)


def remove_on_rollback(session: Session, relative: str) -> None:
    """Delete a stored file if the transaction that stores its path does not commit."""
    event.listen(session, "after_rollback", lambda _session: remove_file(relative), once=True)


def remove_file(relative: str) -> bool:
    """Delete a stored file, and its folder if that becomes empty; False if there was no file."""
    path = resolve(relative)
    found = path.is_file()
    path.unlink(missing_ok=True)
    path.with_name(f".{path.name}.partial").unlink(missing_ok=True)
    if path.parent.is_dir() and not any(path.parent.iterdir()):
        path.parent.rmdir()
    return found


def remove_folder(relative: str) -> None:
    """Delete a folder below the data folder with everything in it."""
    folder = resolve(relative)
    if relative and folder != get_settings().files_root and folder.is_dir():
        shutil.rmtree(folder)
