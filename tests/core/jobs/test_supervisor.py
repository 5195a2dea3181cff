"""What the supervisor does at each tick, and that a step that fails stops nothing else."""

import os
import threading
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from core.access.actor import CurrentUser
from core.accounts.accounts import delete_account
from core.base import data_folder, storage
from core.base.database import read_scope, session_scope
from core.datasets.uploads import get_upload_info
from core.jobs import supervisor as supervisor_module
from core.jobs.kinds import settle_task
from core.jobs.queue import latest_tasks
from core.jobs.states import move
from core.jobs.supervisor import TRY_AGAIN, Supervisor, start_in_thread
from core.removal.marking import delete_dataset, delete_job
from core.removal.sweeping import is_needed
from core.training.trainings import cancel_run
from db.tables import BackgroundTask, Study, TestJob, TrainingJob, User
from db.tables.columns import utc_now
from tests.core.backups.stored_files import on_disk
from tests.core.jobs.processes import ENDLESS, job_info, tasks, wait_for
from tests.core.seeding import PASSWORD, World, add_account, queue_training, queue_upload, write_csv
from tests.core.statements import counted_statements


def test_an_idle_tick_asks_one_question(user: CurrentUser, dataset_id: int) -> None:
    supervisor = Supervisor()
    with counted_statements() as statements:
        for _ in range(20):
            supervisor.tick()
    assert len(statements) == 20


def test_a_tick_starts_what_was_queued_before_it(user: CurrentUser, dataset_id: int) -> None:
    supervisor = Supervisor()
    supervisor.tick()
    job_id = queue_training(user, dataset_id, **ENDLESS)
    supervisor.tick()
    assert job_info(user, job_id).status == "RUNNING"
    with session_scope() as session:
        cancel_run(session, user, job_info(user, job_id).runs[0].id)


@pytest.mark.parametrize("marked", [TestJob, TrainingJob, Study, User])
def test_a_tick_removes_what_is_marked(world: World, marked: Any) -> None:
    user = world.user
    ids = {TestJob: world.test_id, TrainingJob: world.job_id, Study: world.study_id}
    if marked is User:
        with session_scope() as session:
            delete_account(session, add_account("bob@example.org"), PASSWORD)
    else:
        with session_scope() as session:
            if marked is TrainingJob:
                delete_job(session, user, world.job_id)
            else:
                session.get_one(marked, ids[marked]).deleting = True
    for _ in range(2):
        Supervisor().tick()
    with read_scope() as session:
        assert not session.scalars(select(marked).where(marked.deleting.is_(True))).all()
        assert not session.scalar(select(is_needed()))


def test_what_cannot_be_removed_keeps_nobody_waiting(
    user: CurrentUser, dataset_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with session_scope() as session:
        delete_dataset(session, user, dataset_id)
    monkeypatch.setattr(storage, "remove_file", Mock(side_effect=PermissionError("read-only")))
    supervisor = Supervisor()
    upload_id = queue_upload(user, write_csv(on_disk("new.csv")))
    once = iter([False, True])
    supervisor.run(lambda: next(once))
    with read_scope() as session:
        assert get_upload_info(session, user, upload_id).status == "PROCESSING"


def test_a_step_that_fails_stops_no_other(
    user: CurrentUser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    upload_id = queue_upload(user, write_csv(tmp_path / "new.csv"))
    supervisor = Supervisor()
    # A task of another machine runs, so that watching is due before starting.
    other = queue_upload(user, write_csv(tmp_path / "other.csv"))
    with session_scope() as session:
        task = latest_tasks(session, "UPLOAD", [other])[other]
        move(session, BackgroundTask, task.id, "RUNNING", host="elsewhere", heartbeat_at=utc_now())
    monkeypatch.setattr(supervisor, "watch", watch := Mock(side_effect=RuntimeError("no watching")))
    supervisor.tick()
    assert watch.call_count == 1 and "no watching" in caplog.text and TRY_AGAIN in caplog.text
    with read_scope() as session:
        assert latest_tasks(session, "UPLOAD", [upload_id])[upload_id].status == "RUNNING"


def test_a_database_that_does_not_answer_is_asked_again(
    user: CurrentUser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    upload_id = queue_upload(user, write_csv(tmp_path / "new.csv"))
    supervisor = Supervisor()
    with monkeypatch.context() as patch:
        patch.setattr(supervisor, "_steps_due", Mock(side_effect=OSError("no database")))
        supervisor.tick()
    assert "no database" in caplog.text
    supervisor.tick()
    with read_scope() as session:
        assert latest_tasks(session, "UPLOAD", [upload_id])[upload_id].status == "RUNNING"


def test_a_task_that_cannot_be_ended_keeps_no_other_unwatched(
    user: CurrentUser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uploads = [queue_upload(user, write_csv(tmp_path / f"{i}.csv")) for i in range(2)]
    supervisor = Supervisor()
    with session_scope() as session:
        ids = [latest_tasks(session, "UPLOAD", uploads)[upload].id for upload in uploads]
        for task_id in ids:
            # This process id is alive, but began at another time: it is somebody else's.
            place = {"host": supervisor.host, "pid": os.getpid(), "process_started_at": 1.0}
            move(session, BackgroundTask, task_id, "RUNNING", heartbeat_at=utc_now(), **place)

    def settle(session: Session, task: BackgroundTask, *said: Any) -> bool:
        if task.id == ids[0]:
            raise RuntimeError("cannot be ended")
        return settle_task(session, task, *said)

    monkeypatch.setattr(supervisor_module, "settle_task", settle)
    supervisor.watch()
    assert [task.status for task in tasks() if task.id in ids] == ["RUNNING", "FAILED"]
    monkeypatch.undo()
    supervisor.watch()
    assert [task.status for task in tasks() if task.id in ids] == ["FAILED", "FAILED"]


def test_the_thread_of_the_supervisor_begins_again(
    user: CurrentUser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever ends its loop, such as a data folder that cannot be written for a while."""
    once = iter([OSError("read-only")])
    in_use = data_folder.in_use

    def used() -> AbstractContextManager[None]:
        for error in once:
            raise error
        return in_use()

    monkeypatch.setattr(data_folder, "in_use", used)
    queue_upload(user, write_csv(tmp_path / "new.csv"))
    stop = start_in_thread()
    try:
        wait_for(lambda: not tasks("PENDING", "RUNNING"), "the reading")
    finally:
        stop.set()
        thread = next(t for t in threading.enumerate() if t.name == "task-supervisor")
        thread.join()
    assert [task.status for task in tasks()] == ["SUCCEEDED"]
