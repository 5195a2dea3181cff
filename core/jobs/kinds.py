"""The type of a kind of background work, and the table of kinds that `core.wiring` fills."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module

from sqlalchemy import ColumnElement
from sqlalchemy.orm import Session

from core.jobs.queue import end_task
from db.tables import BackgroundTask
from db.tables.columns import Status, TaskKind


class NotWired(RuntimeError):
    """A defect of the program: background work is used before `core.wiring.wire` was called."""

    def __init__(self) -> None:
        super().__init__(
            "No kind of background work is known. Call core.wiring.wire() where the process starts."
        )


@dataclass(frozen=True)
class Kind:
    """One kind of background work.

    begin, settle : change the status of the subject (such as the training run) in the same
        transaction as the status of its task
    work_module : holds the function `work`; imported only by the process that does the work,
        since it may import torch
    lane : each lane may run FADEBENCH_MAX_PROCESSES tasks at once, so that long trainings do
        not hold up uploads
    """

    begin: Callable[[Session, int], None]
    settle: Callable[[Session, int, Status, str], None]
    work_module: str
    lane: str

    def load_work(self) -> Callable[..., None]:
        """Return the function that does the work; imports its module."""
        work: Callable[..., None] = import_module(self.work_module).work
        return work


@dataclass(frozen=True)
class Sweep:
    """Removal of whatever was deleted, cancelled or left behind by a crashed process.

    is_needed : returns the SQL condition that is true when there is anything to remove
    run : removes it
    """

    is_needed: Callable[[], ColumnElement[bool]]
    run: Callable[[], None]


_KINDS: dict[TaskKind, Kind] = {}
_SWEEPS: list[Sweep] = []


def wire_work(kinds: Mapping[TaskKind, Kind], sweep: Sweep) -> None:
    """Set the kinds of work and the sweep of this process."""
    _KINDS.clear()
    _KINDS.update(kinds)
    _SWEEPS[:] = [sweep]


def get_kinds() -> Mapping[TaskKind, Kind]:
    """Return all kinds of work by name; raises `NotWired` before `wire_work`."""
    if not _KINDS:
        raise NotWired
    return _KINDS


def get_sweep() -> Sweep:
    """Return the sweep; raises `NotWired` before `wire_work`."""
    if not _SWEEPS:
        raise NotWired
    return _SWEEPS[0]


def settle_task(session: Session, task: BackgroundTask, status: Status, message: str) -> bool:
    """End a task without success, and its subject with it; False if the task had already ended."""
    kind = get_kinds()[task.kind]
    if not end_task(session, task.id, status, message):
        return False
    kind.settle(session, task.subject_id, status, message)
    return True
