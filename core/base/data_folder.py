"""What lies in the data folder beside the files of users: locks, logs and the cookie secret.

Always on a disk of this machine, also where core.base.storage keeps the files of users elsewhere.
"""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from filelock import FileLock, Timeout

from core.base.errors import Conflict
from core.base.settings import get_settings

# How long a restore waits for processes that are just beginning, and for another restore.
PATIENCE_S = 5.0


def lock(name: str, timeout_s: float) -> FileLock:
    """A lock that all processes on this data folder share; a negative timeout waits for ever."""
    return FileLock(_path(f"{name}.lock"), timeout=timeout_s)


def log_path(name: str) -> Path:
    """Where a background process prints to; its folder is made."""
    return _path(f"logs/{name}.log")


def secret_path(name: str) -> Path:
    """Where a secret of this installation is kept."""
    return _path(name)


@contextmanager
def in_use() -> Iterator[None]:
    """Say, while this lasts, that this process works on the data folder; waits for a restore."""
    own = _path(f"in_use/{socket.gethostname()}_{os.getpid()}_{uuid4().hex[:8]}.lock")
    mark = FileLock(own)
    with lock("alone", timeout_s=-1):
        _others()
        mark.acquire()
    try:
        yield
    finally:
        mark.release()
        own.unlink(missing_ok=True)


@contextmanager
def alone() -> Iterator[None]:
    """Keep every other process from beginning to work on the data folder while this lasts.

    Raises
    ------
    Conflict
        The app or background work runs already.
    """
    held = lock("alone", timeout_s=PATIENCE_S)
    try:
        held.acquire()
    except Timeout as error:
        raise Conflict("Another restore runs on this data folder. Wait for its end.") from error
    try:
        for name in _others():
            host, pid, _ = name.rsplit("_", 2)
            raise Conflict(
                f"FadeBench runs on this data folder (process {pid} on {host}). Stop the app and "
                "its background work first."
            )
        yield
    finally:
        held.release()


def _others() -> list[str]:
    """Names of the marks of living processes; those of killed ones are removed."""
    living = []
    for path in _path("in_use/any").parent.glob("*.lock"):
        try:
            # What a killed process left behind is free: the system took its locks away.
            with FileLock(path, timeout=0):
                pass
        except (Timeout, OSError):
            # One that may not be opened belongs to another account and may be alive.
            living.append(path.stem)
        else:
            path.unlink(missing_ok=True)
    return living


def _path(relative: str) -> Path:
    path = get_settings().files_root / relative
    path.parent.mkdir(parents=True, exist_ok=True)
    return path
