"""What a kind of background work is, and the places that `core.wiring` fills."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module

from sqlalchemy import ColumnElement
from sqlalchemy.orm import Session

from core.jobs.queue import end_task
from db.tables import BackgroundTask
from db.tables.columns import Status, TaskKind


class NotWired(RuntimeError):
    """Background work was asked for before `core.wiring.wire` was called: a defect."""

    def __init__(self) -> None:
        super().__init__(
            "No kind of background work is known. Call core.wiring.wire() where the process starts."
        )


@dataclass(frozen=True)
class Kind:
    """One kind of work.

    begin, settle : move the subject along with the task, in the task's transaction
    work_module : imported only in the process that does the work (it may import torch)
    lane : tasks of one lane share FADEBENCH_MAX_PROCESSES, so that a long training never keeps
        an upload waiting
    """

    begin: Callable[[Session, int], None]
    settle: Callable[[Session, int, Status, str], None]
    work_module: str
    lane: str

    def load_work(self) -> Callable[..., None]:
        """The function that does the work."""
        work: Callable[..., None] = import_module(self.work_module).work
        return work


@dataclass(frozen=True)
class Sweep:
    """Removal of what was deleted, cancelled or left by a dead process.

    is_needed : makes the condition, in SQL, that there is anything to remove
    run : removes it
    """

    is_needed: Callable[[], ColumnElement[bool]]
    run: Callable[[], None]


_KINDS: dict[TaskKind, Kind] = {}
_SWEEPS: list[Sweep] = []


def wire_work(kinds: Mapping[TaskKind, Kind], sweep: Sweep) -> None:
    """Make the kinds of work, and the sweep, known to this process."""
    _KINDS.clear()
    _KINDS.update(kinds)
    _SWEEPS[:] = [sweep]


def get_kinds() -> Mapping[TaskKind, Kind]:
    """All kinds of work by name; `NotWired` while there are none."""
    if not _KINDS:
        raise NotWired
    return _KINDS


def get_sweep() -> Sweep:
    """What is to be removed; `NotWired` while nobody has said."""
    if not _SWEEPS:
        raise NotWired
    return _SWEEPS[0]


def settle_task(session: Session, task: BackgroundTask, status: Status, message: str) -> bool:
    """End a task without success, together with its subject; False if it had ended before."""
    kind = get_kinds()[task.kind]
    if not end_task(session, task.id, status, message):
        return False
    kind.settle(session, task.subject_id, status, message)
    return True
