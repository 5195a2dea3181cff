"""The task as seen by the process that works on it, and how its progress reaches the database.

The work only appends records to a list in memory. A second thread writes them to the database once
a second, renews the heartbeat and looks for a request to cancel. So recording hardly slows the
work down, and cancelling stops work that never checks for it.
"""

import logging
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from core.base.database import read_scope, session_scope
from core.base.errors import TaskFailed
from core.jobs.kinds import settle_task
from core.jobs.queue import end_task
from core.jobs.states import CANCELLED_BY_USER
from db.tables import BackgroundTask
from db.tables.columns import TaskKind, utc_now

log = logging.getLogger(__name__)

# Twice as often as pages are refreshed.
CANCEL_POLL_S = 0.5
FLUSH_EVERY_POLLS = 2
STAGE_LENGTH = 120

Writer = Callable[[Session, list[Any]], None]


@dataclass
class TaskContext:
    """The running task: its ids, the threads it may use, and records not yet in the database."""

    task_id: int
    kind: TaskKind
    subject_id: int
    user_id: int | None
    threads: int
    stage: str = "Starting"
    progress: float = 0.0
    _pending: list[tuple[Writer, Any]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _flush_lock: threading.Lock = field(default_factory=threading.Lock)
    _done: threading.Event = field(default_factory=threading.Event)

    def report(self, stage: str, progress: float) -> None:
        """Set the stage shown to the user and the share of the work that is done (0 to 1)."""
        self.stage, self.progress = stage[:STAGE_LENGTH], min(max(progress, 0.0), 1.0)

    def record(self, writer: Writer, item: Any) -> None:
        """Keep `item` for the next flush, which passes `writer` all of its items at once."""
        with self._lock:
            self._pending.append((writer, item))

    def flush(self) -> None:
        """Write everything recorded so far, in order, in one transaction.

        If the database is busy, the records are kept for the next flush and the error is raised.
        """
        with self._flush_lock:
            with self._lock:
                pending, self._pending = self._pending, []
            try:
                self._write(pending)
            except OperationalError:
                with self._lock:
                    self._pending = pending + self._pending
                raise

    def _write(self, pending: list[tuple[Writer, Any]]) -> None:
        batches: dict[Writer, list[Any]] = {}
        for writer, item in pending:
            batches.setdefault(writer, []).append(item)
        with session_scope() as session:
            session.execute(
                update(BackgroundTask)
                .where(BackgroundTask.id == self.task_id, BackgroundTask.status == "RUNNING")
                .values(stage=self.stage, progress=self.progress, heartbeat_at=utc_now())
            )
            for writer, items in batches.items():
                writer(session, items)

    def finish(self, session: Session) -> None:
        """Mark the task as succeeded inside the transaction that makes its result visible.

        Call it before anything else in that transaction. Cancelling locks the task and then its
        subject; the opposite order here could deadlock with it.

        Raises
        ------
        TaskFailed
            The task has been ended in the meantime (cancelled); the transaction must not commit.
        """
        if not end_task(session, self.task_id, "SUCCEEDED"):
            raise TaskFailed("The task was ended while its result was being stored.")

    def watch(self) -> threading.Thread:
        """Start the thread that flushes, renews the heartbeat and obeys a request to cancel."""
        thread = threading.Thread(target=self._watch, name="task-watch", daemon=True)
        thread.start()
        return thread

    def stop_watching(self) -> None:
        """Stop the thread that `watch` started."""
        self._done.set()

    def _watch(self) -> None:
        polls = 0
        while not self._done.wait(CANCEL_POLL_S):
            polls += 1
            try:
                self._obey()
                if polls % FLUSH_EVERY_POLLS == 0:
                    self.flush()
            except Exception:
                log.exception("Could not record progress; trying again.")

    def _obey(self) -> None:
        """End this process if its task is to be cancelled or was ended by another process."""
        with read_scope() as session:
            task = session.get(BackgroundTask, self.task_id)
        if task is not None and task.status == "RUNNING":
            if task.cancel_requested and self._settle_as_cancelled(task):
                _leave()
        elif (task is None or task.status != "SUCCEEDED") and not self._done.is_set():
            _leave()

    def _settle_as_cancelled(self, task: BackgroundTask) -> bool:
        with session_scope() as session:
            return settle_task(session, task, "CANCELED", CANCELLED_BY_USER)


def _leave() -> None:
    """End the process at once; open transactions are rolled back by the database."""
    logging.shutdown()
    os._exit(0)


def load_context(session: Session, task_id: int) -> TaskContext:
    """Return the context of a task that the supervisor has just started."""
    task = session.get_one(BackgroundTask, task_id)
    return TaskContext(task.id, task.kind, task.subject_id, task.user_id, task.threads or 1)
