"""Files that a command writes for its user: checked before, and written whole or not at all."""

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
        It is a folder, its folder is missing, or it exists and `force` is not given.
    """
    if out.is_dir():
        raise InvalidInput(f"{out} is a folder. Add a file name to it.")
    if not out.parent.is_dir():
        raise InvalidInput(f"There is no folder {out.parent}. Create it first.")
    if out.exists() and not force:
        raise Conflict(f"{out} exists already. Choose another path, or add --force to replace it.")


@contextmanager
def whole_file(out: Path, mode: int = 0o666) -> Iterator[Path]:
    """Give a path to write to, renamed at the end, so that a failure leaves no partial file.

    mode : permissions of a new file, before the process's umask is applied
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
