"""The supervisor starts a process per background task, watches it, and cleans up after a crash.

Several supervisors may run at once (in the app, in commands, in `serve-jobs`). A lock file makes
those of one machine take turns, and every change of status is one conditional SQL statement.
"""

import logging
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import psutil
from filelock import Timeout
from sqlalchemy import ColumnElement, exists, select
from sqlalchemy.orm import Session

from core.base import data_folder
from core.base.database import read_scope, session_scope
from core.base.settings import ROOT, get_settings
from core.jobs.kinds import get_kinds, get_sweep, settle_task
from core.jobs.queue import log_path
from core.jobs.states import CANCELLED_BY_USER, move
from db.tables import BackgroundTask
from db.tables.columns import Status, utc_now

log = logging.getLogger(__name__)

TICK_S = 0.5
TRY_AGAIN = "The supervisor of background tasks will try again."
# Seconds that a process gets to end itself once cancelled, to report its process id after its
# start, and between two signs of life (the latter for processes of other machines).
CANCEL_GRACE_S = 2.0
START_GRACE_S = 60.0
SILENCE_S = 120.0


class Supervisor:
    """The loop over the queue of background tasks; it holds only the processes that it started.

    Raises `NotWired` in a process that has not called `core.wiring.wire`.
    """

    def __init__(self) -> None:
        self._kinds, self._sweep = get_kinds(), get_sweep()
        self.host = socket.gethostname()
        self._children: dict[int, subprocess.Popen[bytes]] = {}
        self._cancel_seen: dict[int, float] = {}

    def tick(self) -> None:
        """End tasks whose process is gone, remove what they left, and start waiting tasks.

        One SQL statement tells which of these steps are needed. A step that fails is logged and
        tried again at the next tick.
        """
        try:
            due = self._steps_due()
        except Exception:
            log.exception(TRY_AGAIN)
            return
        # A step that fails must not hold up the others.
        for step in due:
            try:
                step()
            except Exception:
                log.exception(TRY_AGAIN)

    def run(self, until: Callable[[], bool]) -> None:
        """Call `tick` every half second until `until` returns True."""
        with data_folder.in_use():
            while not until():
                self.tick()
                time.sleep(TICK_S)

    def _steps_due(self) -> list[Callable[[], None]]:
        """The steps that have something to do, found with one SQL statement."""
        question = select(
            _any_task("RUNNING").label("running"),
            self._sweep.is_needed().label("to_remove"),
            _any_task("PENDING").label("waiting"),
        )
        with read_scope() as session:
            found = session.execute(question).one()
        steps = (
            (found.running or self._children, self.watch),
            (found.to_remove, self.sweep),
            (found.waiting, self.start_waiting),
        )
        return [step for is_due, step in steps if is_due]

    def start_waiting(self) -> None:
        """Start as many waiting tasks as there are free places on this machine, oldest first."""
        try:
            with data_folder.lock("registry", timeout_s=0):
                for lane in sorted({kind.lane for kind in self._kinds.values()}):
                    while (task_id := self._claim(lane)) is not None:
                        self._spawn(task_id)
        except Timeout:
            return  # another supervisor is starting tasks right now

    def watch(self) -> None:
        """End tasks whose process is gone, and kill processes that ignore a request to cancel."""
        for task_id, child in list(self._children.items()):
            try:
                if child.poll() is not None:
                    self._settle_dead(task_id, _exit_reason(child.returncode, task_id))
                    del self._children[task_id]
            except Exception:
                # One task that cannot be ended must not keep the others unwatched.
                log.exception(TRY_AGAIN)
        with read_scope() as session:
            running = session.scalars(
                select(BackgroundTask).where(BackgroundTask.status == "RUNNING")
            ).all()
        for task in running:
            try:
                self._watch_one(task)
            except psutil.AccessDenied:
                log.warning("Process %s of task %s is another account's.", task.pid, task.id)
            except Exception:
                log.exception(TRY_AGAIN)

    def sweep(self) -> None:
        """Remove the rows and files of whatever failed, was cancelled or was deleted."""
        self._sweep.run()

    def _watch_one(self, task: BackgroundTask) -> None:
        if task.id in self._children:
            if task.cancel_requested:
                self._insist_on_cancel(task)
            return
        if task.host != self.host:
            if _age_s(task) > SILENCE_S:
                self._settle_dead(task.id, f"Nothing was heard from {task.host} for two minutes.")
        elif task.pid is None:
            if _age_s(task) > START_GRACE_S:
                self._settle_dead(task.id, "The background process did not start. Try again.")
        elif not _is_alive(task):
            self._settle_dead(task.id, _exit_reason(None, task.id))
        elif task.cancel_requested:
            self._insist_on_cancel(task)

    def _insist_on_cancel(self, task: BackgroundTask) -> None:
        first_seen = self._cancel_seen.setdefault(task.id, time.monotonic())
        if time.monotonic() - first_seen < CANCEL_GRACE_S or task.pid is None:
            return
        _kill_tree(task.pid)
        with session_scope() as session:
            settle_task(session, task, "CANCELED", CANCELLED_BY_USER)

    def _claim(self, lane: str) -> int | None:
        kinds = [name for name, kind in self._kinds.items() if kind.lane == lane]
        with session_scope() as session:
            running = session.scalars(
                select(BackgroundTask.id).where(
                    BackgroundTask.status == "RUNNING",
                    BackgroundTask.host == self.host,
                    BackgroundTask.kind.in_(kinds),
                )
            ).all()
            if len(running) >= get_settings().max_processes:
                return None
            waiting = session.scalars(
                select(BackgroundTask)
                .where(BackgroundTask.status == "PENDING", BackgroundTask.kind.in_(kinds))
                .order_by(BackgroundTask.id)
                .limit(1)
            ).one_or_none()
            if waiting is None or not self._take(session, waiting):
                return None
            return waiting.id

    def _take(self, session: Session, task: BackgroundTask) -> bool:
        now = utc_now()
        taken = move(
            session,
            BackgroundTask,
            task.id,
            "RUNNING",
            host=self.host,
            heartbeat_at=now,
            started_at=now,
            threads=get_settings().threads_per_process,
        )
        if taken:
            self._kinds[task.kind].begin(session, task.subject_id)
        return taken

    def _spawn(self, task_id: int) -> None:
        threads = str(get_settings().threads_per_process)
        environment = os.environ | {"OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads}
        with log_path(task_id).open("wb") as output:
            self._children[task_id] = subprocess.Popen(
                [sys.executable, "-m", "core.worker", str(task_id)],
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                # In a process group of its own, so that Ctrl-C in the terminal or a restart of the
                # app does not end the work.
                start_new_session=True,
            )

    def _settle_dead(self, task_id: int, reason: str) -> None:
        with session_scope() as session:
            task = session.get(BackgroundTask, task_id)
            if task is not None and task.status == "RUNNING":
                status: Status = "CANCELED" if task.cancel_requested else "FAILED"
                message = CANCELLED_BY_USER if task.cancel_requested else reason
                settle_task(session, task, status, message)


def start_in_thread() -> threading.Event:
    """Run a supervisor in a daemon thread of this process; setting the event stops it."""
    stop = threading.Event()
    supervisor = Supervisor()

    def run() -> None:
        while not stop.is_set():
            try:
                supervisor.run(stop.is_set)
            except Exception:
                log.exception(TRY_AGAIN)
                stop.wait(TICK_S)

    threading.Thread(target=run, name="task-supervisor", daemon=True).start()
    return stop


def _any_task(status: str) -> ColumnElement[bool]:
    return exists().where(BackgroundTask.status == status)


def _age_s(task: BackgroundTask) -> float:
    seen = task.heartbeat_at or task.started_at or task.created_at
    return (utc_now() - seen) / timedelta(seconds=1)


def _is_alive(task: BackgroundTask) -> bool:
    """Whether the process of the task still runs.

    Its start time is compared, too, because systems use process ids again.
    """
    try:
        process = psutil.Process(task.pid)
        same = abs(process.create_time() - (task.process_started_at or 0.0)) < 2.0
        return same and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _kill_tree(pid: int) -> None:
    try:
        process = psutil.Process(pid)
        for child in [*process.children(recursive=True), process]:
            child.kill()
    except psutil.NoSuchProcess:
        return


def _exit_reason(code: int | None, task_id: int) -> str:
    if code is not None and code < 0:
        return (
            f"The background process was killed (signal {-code}), perhaps for lack of memory. "
            "Nothing of it was kept; start it again, with a smaller file or smaller settings if it "
            "ends the same way."
        )
    # Only the process that started another learns of the signal that ended it.
    cause = ", perhaps killed for lack of memory" if code is None else ""
    lines = _last_lines(log_path(task_id))
    return f"The background process ended without a result{cause}. {lines}".strip()


def _last_lines(path: Path) -> str:
    if not path.is_file():
        return ""
    lines = path.read_text(errors="replace").strip().splitlines()
    return f"Its last line: {lines[-1][:500]}" if lines else ""
