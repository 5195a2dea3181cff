"""Runs one of our functions on a file in a short-lived process with limits on memory and time.

A hostile file can make a parser allocate without end, or end the process that reads it without a
Python exception. Neither may happen to the process that serves the pages.
"""

import os
import pickle
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from tempfile import TemporaryFile
from typing import Any, ParamSpec, TypeVar

import psutil

from core.base.errors import BadFile, FadeBenchError
from core.base.settings import ROOT, get_settings

P = ParamSpec("P")
R = TypeVar("R")

_LOOK_EVERY_S = 0.2
_SERVE = "from core.ingest.limited import serve; serve()"
# Each thread of a numeric library reserves memory, which counts against the limit.
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
# Linux counts what is reserved and refuses more; elsewhere the process is watched from outside.
_HAS_LIMIT = sys.platform == "linux"


@dataclass(frozen=True)
class _Task:
    function: Callable[..., Any]
    positional: tuple[Any, ...]
    named: dict[str, Any]
    memory_mb: int


@dataclass(frozen=True)
class _Outcome:
    """What a process found: a value, an error for the user in parts, or a defect as text."""

    value: Any = None
    error: tuple[type[FadeBenchError], tuple[Any, ...], dict[str, Any]] | None = None
    no_memory: bool = False
    defect: str = ""


def run_limited(
    name: str,
    function: Callable[P, R],
    *positional: P.args,
    **named: P.kwargs,
) -> R:
    """Call a function of a module on values that can be pickled, within the limits of the settings.

    Parameters
    ----------
    name : the file, as its owner calls it, for messages

    Raises
    ------
    FadeBenchError
        What the function raised.
    BadFile
        It needed more memory or time than allowed, or its process died.
    RuntimeError
        It failed otherwise, which is a defect of FadeBench; the text holds the traceback.
    """
    settings = get_settings()
    return run_within(
        settings.read_memory_mb, settings.read_seconds, name, function, *positional, **named
    )


def run_within(
    memory_mb: int,
    seconds: float,
    name: str,
    function: Callable[P, R],
    *positional: P.args,
    **named: P.kwargs,
) -> R:
    """As `run_limited`, with limits of its own."""
    task = _Task(function, positional, dict(named), memory_mb)
    child = _start(pickle.dumps(task))
    try:
        output, said = _communicate(child, name, memory_mb, seconds)
    finally:
        child.kill()
        child.wait()
    if child.returncode != 0:
        raise _death(child.returncode, said, name, memory_mb)
    return _unpacked(pickle.loads(output), name, memory_mb)


@contextmanager
def memory_limit(name: str) -> Iterator[None]:
    """Limit how much more memory this process may take while the block reads a file.

    Raises BadFile where Python notices the lack. Other code dies by a signal instead, so this is
    for processes whose end somebody watches. The limit ends with the block, as processes started
    later would inherit it.
    """
    memory_mb = get_settings().read_memory_mb
    with _soft_limit(memory_mb):
        try:
            yield
        except MemoryError as error:
            raise too_much_memory(name, memory_mb) from error


def too_much_memory(name: str, memory_mb: int) -> BadFile:
    """The error for a file whose reading needs more memory than allowed."""
    return BadFile(
        f"Reading {name} needed more than {_size(memory_mb)} of memory. Save it as CSV, leave out "
        "columns and sheets that are not needed, or split it into smaller files."
    )


def serve() -> None:
    """Do the task that stands on standard input; the outcome goes to standard output."""
    with os.fdopen(os.dup(1), "wb") as answer:
        # What libraries print must not mix with the outcome.
        os.dup2(2, 1)
        answer.write(_outcome(sys.stdin.buffer.read()))


def _start(task: bytes) -> "subprocess.Popen[bytes]":
    # From a file: `communicate` loses what a full pipe does not take before its time is over.
    with TemporaryFile() as given:
        given.write(task)
        given.seek(0)
        return subprocess.Popen(
            # -P: the folder that the command is started in must not hide our packages.
            [sys.executable, "-P", "-c", _SERVE],
            env=os.environ | _ONE_THREAD | {"PYTHONPATH": _python_path()},
            stdin=given,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )


def _outcome(content: bytes) -> bytes:
    try:
        task: _Task = pickle.loads(content)
        with _soft_limit(task.memory_mb):
            return pickle.dumps(_Outcome(task.function(*task.positional, **task.named)), 5)
    except FadeBenchError as error:
        # In parts, because some classes build their message from another argument.
        return pickle.dumps(_Outcome(error=(type(error), error.args, dict(vars(error)))))
    except MemoryError:
        return pickle.dumps(_Outcome(no_memory=True))
    except Exception:
        return pickle.dumps(_Outcome(defect=traceback.format_exc()))


def _unpacked(outcome: _Outcome, name: str, memory_mb: int) -> Any:
    if outcome.no_memory:
        raise too_much_memory(name, memory_mb)
    if outcome.error is not None:
        kind, arguments, attributes = outcome.error
        error = kind.__new__(kind)
        error.args = arguments
        error.__dict__.update(attributes)
        raise error
    if outcome.defect:
        raise RuntimeError(f"Reading {name} failed in its process:\n{outcome.defect}")
    return outcome.value


def _communicate(
    child: "subprocess.Popen[bytes]", name: str, memory_mb: int, seconds: float
) -> tuple[bytes, bytes]:
    end = time.monotonic() + seconds
    while True:
        with suppress(subprocess.TimeoutExpired):
            return child.communicate(timeout=_LOOK_EVERY_S)
        if time.monotonic() > end:
            raise BadFile(
                f"Reading {name} took more than {seconds:,.0f} seconds. Save it as CSV, leave out "
                "columns and sheets that are not needed, or split it into smaller files."
            )
        if not _HAS_LIMIT and _used_mb(child.pid) > memory_mb:
            raise too_much_memory(name, memory_mb)


def _death(code: int, said: bytes, name: str, memory_mb: int) -> BadFile:
    """The error for a process that ended by a signal, or by itself without an outcome."""
    if -code in _signals("SIGABRT", "SIGKILL") or b"emory" in said:
        return too_much_memory(name, memory_mb)
    return BadFile(
        f"{name} cannot be read: the program that reads such files ended without a result "
        f"({code}), as it does on damaged files. Open it where it was made, and save it as CSV."
    )


def _signals(*names: str) -> set[int]:
    return {int(getattr(signal, name)) for name in names if hasattr(signal, name)}


@contextmanager
def _soft_limit(memory_mb: int) -> Iterator[None]:
    """Let this process take so much memory beside what it has already, where the system can."""
    if not _HAS_LIMIT:
        yield
        return
    import resource

    before, hard = resource.getrlimit(resource.RLIMIT_AS)
    wanted = psutil.Process().memory_info().vms + memory_mb * 1_000_000
    bounds = [wanted, *(bound for bound in (before, hard) if bound != resource.RLIM_INFINITY)]
    resource.setrlimit(resource.RLIMIT_AS, (min(bounds), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (before, hard))


def _used_mb(pid: int) -> float:
    try:
        return float(psutil.Process(pid).memory_info().rss / 1e6)
    except psutil.Error:
        return 0.0


def _python_path() -> str:
    given = os.environ.get("PYTHONPATH")
    return os.pathsep.join([str(ROOT), *([given] if given else [])])


def _size(memory_mb: int) -> str:
    return f"{memory_mb / 1000:g} GB" if memory_mb >= 1000 else f"{memory_mb} MB"
