"""A supervisor at work, the processes that it starts, and what tests ask of both."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psutil
import pytest
from sqlalchemy import select

from core.access.actor import CurrentUser
from core.base.database import read_scope
from core.base.settings import get_settings
from core.jobs.supervisor import Supervisor
from core.training.views import JobInfo, RunInfo, get_job_info, get_run_info, run_log
from db.tables import BackgroundTask
from tests.core.seeding import queue_training

# Cancelling takes at most a second; the rest is for a busy machine.
CANCEL_LIMIT_S = 1.5
PATIENCE_S = 90.0
# Looking more often takes from the processes that are looked at.
POLL_S = 0.05
# Far more than any of these tests lets it do.
ENDLESS = {"epochs": 10_000, "patience": 10_000, "hidden_size": 64, "batch_size": 8}


@contextmanager
def supervisor_at_work() -> Iterator[None]:
    """A supervisor in a thread, as in the app."""
    stop = threading.Event()
    thread = threading.Thread(target=Supervisor().run, args=(stop.is_set,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def limit_processes(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    monkeypatch.setenv("FADEBENCH_MAX_PROCESSES", str(number))
    get_settings.cache_clear()


def tasks(*statuses: str) -> list[BackgroundTask]:
    """Rows of the queue, oldest first."""
    query = select(BackgroundTask).order_by(BackgroundTask.id)
    if statuses:
        query = query.where(BackgroundTask.status.in_(statuses))
    with read_scope() as session:
        return list(session.scalars(query))


def wait_for(condition: Callable[[], bool], what: str) -> float:
    """Seconds until the condition held."""
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < PATIENCE_S, f"waited in vain for {what}"
        time.sleep(POLL_S)
    return time.monotonic() - started


def job_info(user: CurrentUser, job_id: int) -> JobInfo:
    with read_scope() as session:
        return get_job_info(session, user, job_id)


def run_info(user: CurrentUser, run_id: int) -> RunInfo:
    with read_scope() as session:
        return get_run_info(session, user, run_id)


def learning_run(user: CurrentUser, dataset_id: int) -> RunInfo:
    """A run whose process is in the middle of its epochs; a supervisor must be at work."""
    job_id = queue_training(user, dataset_id, **ENDLESS)
    run_id = job_info(user, job_id).runs[0].id
    wait_for(lambda: run_info(user, run_id).current_epoch > 0, "the first epoch")
    return run_info(user, run_id)


def pid_of(run: RunInfo) -> int:
    assert run.task is not None and run.task.pid is not None
    return run.task.pid


def is_gone(pid: int) -> bool:
    """Whether a process has ended (the test process may still have to collect it)."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def last_message(user: CurrentUser, run_id: int) -> str:
    with read_scope() as session:
        return run_log(session, user, run_id)[-1].message
