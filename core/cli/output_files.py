"""Files that a command writes for its user: where they may go, whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.base.errors import Conflict, InvalidInput


def check_target(out: Path, force: bool) -> None:
    """Refuse a path that cannot be written, before any work is done.

    Raises
    ------
    InvalidInput, Conflict
        It is a folder, has no folder, or exists and `force` is not given.
    """
    if out.is_dir():
        raise InvalidInput(f"{out} is a folder. Add a file name to it.")
    if not out.parent.is_dir():
        raise InvalidInput(f"There is no folder {out.parent}. Create it first.")
    if out.exists() and not force:
        raise Conflict(f"{out} exists already. Choose another path, or add --force to replace it.")


@contextmanager
def whole_file(out: Path, mode: int = 0o666) -> Iterator[Path]:
    """A path to write to, renamed at the end: a full disk leaves no half a file under this name.

    mode : permissions of a new file, from which the process's mask is taken away
    """
    partial = out.with_name(f".{out.name}.partial-{os.getpid()}")
    try:
        partial.touch(mode)
        yield partial
        with partial.open("rb+") as stream:
            os.fsync(stream.fileno())
        partial.replace(out)
    finally:
        partial.unlink(missing_ok=True)
