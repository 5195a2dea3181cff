"""Functions that tests of `core.ingest.limited` run in its process."""

import ctypes
import os
import signal
import sys
import time

import numpy as np

from core.base.errors import BadFile, NotFound


def modules() -> list[str]:
    """Names of the modules that this process has loaded."""
    return sorted(sys.modules)


def doubled(values: np.ndarray) -> np.ndarray:
    """Twice the values, after noise on standard output."""
    os.write(1, b"noise\n")
    return 2 * values


def refuse(cell: str) -> None:
    """Raise the error of a file that cannot be used."""
    raise BadFile(f"Cell {cell} holds a date.")


def miss() -> None:
    """Raise an error whose message differs from its argument."""
    raise NotFound("dataset")


def fail() -> None:
    """Fail as a defect does."""
    raise KeyError("a defect")


def allocate(megabytes: int) -> int:
    """Fill memory through numpy; returns the number of bytes."""
    return int(np.ones(megabytes * 1_000_000, dtype=np.uint8).nbytes)


def abort_for_memory() -> None:
    """End as native code does whose allocation fails."""
    os.kill(os.getpid(), signal.SIGABRT)


def crash() -> None:
    """Read memory that is not there."""
    ctypes.string_at(8)


def sleep(seconds: float) -> None:
    """Take time."""
    time.sleep(seconds)
