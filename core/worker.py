"""The process that does one task: `python -m core.worker TASK_ID`."""

import logging
import os
import sys

import psutil
from sqlalchemy import update
from sqlalchemy.exc import DBAPIError

from core.base import data_folder
from core.base.database import read_scope, session_scope
from core.base.defects import ADVICE, report_defect
from core.jobs.context import TaskContext, load_context
from core.jobs.kinds import get_kinds, settle_task
from core.jobs.supervisor import Supervisor
from core.wiring import wire
from db.tables import BackgroundTask

log = logging.getLogger(__name__)


def main(task_id: int) -> None:
    """Do the task, record its end, then start the next waiting task."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    with data_folder.in_use():
        _work(task_id)


def _work(task_id: int) -> None:
    if not _announce(task_id):
        return
    with read_scope() as session:
        context = load_context(session, task_id)
    context.watch()
    try:
        get_kinds()[context.kind].load_work()(context)
    except Exception as error:
        # Stop watching before the task is marked as failed: the watching thread would take it
        # for a task ended by another process, and end this one too early.
        context.stop_watching()
        _fail(context, error)
    finally:
        context.stop_watching()
    supervisor = Supervisor()
    try:
        supervisor.sweep()
    finally:
        supervisor.start_waiting()


def _announce(task_id: int) -> bool:
    """Store the id of this process in its task; False if the task has already been ended."""
    with session_scope() as session:
        result = session.execute(
            update(BackgroundTask)
            .where(BackgroundTask.id == task_id, BackgroundTask.status == "RUNNING")
            .values(pid=os.getpid(), process_started_at=psutil.Process().create_time())
        )
        return bool(result.rowcount == 1)  # type: ignore[attr-defined]


def _fail(context: TaskContext, error: Exception) -> None:
    message = _explain(context, error)
    try:
        context.flush()
    except Exception:
        log.exception("The last records could not be written.")
    with session_scope() as session:
        settle_task(session, session.get_one(BackgroundTask, context.task_id), "FAILED", message)


def _explain(context: TaskContext, error: Exception) -> str:
    """Return the message for the user.

    An error with advice keeps its text, an error of the database or the disk becomes a sentence,
    and any other error is a defect: it is logged, and the user gets its reference.
    """
    if isinstance(error, ADVICE):
        log.info("Task %s failed: %s", context.task_id, error)
        return str(error)
    if isinstance(error, DBAPIError | OSError):
        log.error("Task %s failed.", context.task_id, exc_info=error)
        # For the database: the text of the server, without the SQL statement and its values.
        said = error.orig if isinstance(error, DBAPIError) else error.strerror or error
        noun = "database" if isinstance(error, DBAPIError) else "disk of the server"
        return f"The {noun} could not be used: {said}. Try again, or tell whoever runs it."
    if isinstance(error, MemoryError):
        log.error("Task %s failed.", context.task_id, exc_info=error)
        return (
            "The server ran out of memory. Use fewer batteries or smaller settings, or have "
            "FADEBENCH_MAX_PROCESSES lowered."
        )
    return report_defect(f"background work ({context.stage.lower()})", error)


if __name__ == "__main__":
    wire()
    main(int(sys.argv[1]))
