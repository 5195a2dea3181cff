"""Waits for background work with a progress bar, or leaves it running."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Protocol, TypeVar

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from core.base import data_folder
from core.base.errors import TaskFailed
from core.base.settings import ROOT
from core.jobs.queue import TaskState
from core.jobs.supervisor import Supervisor

INTERRUPTED = 130


@dataclass(frozen=True)
class Glance:
    """Progress of the awaited work; `share` from 0 to 1."""

    stage: str
    share: float
    done: bool


class Awaited(Protocol):
    """A row, such as a test, whose work one background task does."""

    @property
    def status(self) -> str:
        """The row's own status."""
        ...

    @property
    def task(self) -> TaskState | None:
        """The task, or None if it is gone."""
        ...


Job = TypeVar("Job", bound=Awaited)


def finish_task(what: str, read: Callable[[], Job], no_wait: bool, see: str) -> tuple[Job, bool]:
    """Wait for the work, unless told not to; return its row, and whether Ctrl-C ended the wait.

    Parameters are those of `finish_or_leave`; `read` gets the row as it is now.

    Raises
    ------
    TaskFailed: it ended without success.
    """
    finished = finish_or_leave(what, lambda: glance_at(read().task), no_wait, see)
    job = read()
    if finished and job.status != "SUCCEEDED":
        message = job.task.message if job.task else None
        raise TaskFailed(message or f"{what} ended as {job.status}. Start it again.")
    return job, not (finished or no_wait)


def finish_or_leave(what: str, look: Callable[[], Glance], no_wait: bool, see: str) -> bool:
    """Wait for the work, or leave it to a detached process; False if it is not finished.

    Parameters
    ----------
    what : name of the work, such as "Training 3"
    look : returns the progress; called about twice a second
    see : the command that shows the progress later
    """
    if no_wait:
        work_detached()
        return False
    if wait(what, look):
        return True
    work_detached()
    typer.echo(f"Stopped waiting. {what} goes on in the background; see `{see}`.", err=True)
    return False


def wait(what: str, look: Callable[[], Glance]) -> bool:
    """Run a supervisor until `look` reports the end; False if Ctrl-C ended the wait."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
    )
    with interruptible() as interrupted, Progress(*columns, console=Console(stderr=True)) as bar:
        shown = bar.add_task(what, total=1.0)
        done = False

        def enough() -> bool:
            nonlocal done
            glance = look()
            bar.update(shown, description=f"{what}: {glance.stage}", completed=glance.share)
            done = glance.done
            return done or interrupted()

        Supervisor().run(enough)
    return done


@contextmanager
def interruptible() -> Iterator[Callable[[], bool]]:
    """Record Ctrl-C instead of raising it, so that it does not interrupt the start of a process."""
    seen: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        seen.append(number)

    before = signal.signal(signal.SIGINT, note)
    try:
        yield lambda: bool(seen)
    finally:
        signal.signal(signal.SIGINT, before)


def work_detached() -> None:
    """Start a process that works on the queue until nothing waits or runs, then ends."""
    with data_folder.log_path("serve_jobs").open("ab") as output:
        subprocess.Popen(
            [sys.executable, "-m", "core", "serve-jobs", "--until-idle"],
            cwd=ROOT,
            env=os.environ,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def glance_at(task: TaskState | None) -> Glance:
    """Return the progress of a task; a task that no longer exists counts as done."""
    if task is None:
        return Glance("gone", 1.0, True)
    stage = "Waiting" if task.status == "PENDING" else task.stage or "Starting"
    return Glance(stage, 1.0 if not task.is_active else task.progress or 0.0, not task.is_active)
