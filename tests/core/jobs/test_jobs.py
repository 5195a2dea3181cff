"""Real processes work the queue: order, limits, cancelling, failing."""

import os
import time
from itertools import pairwise
from pathlib import Path
from unittest.mock import Mock

import psutil
import pytest
from sqlalchemy import func, select, update
from sqlalchemy.exc import OperationalError

from core import worker
from core.access.actor import CurrentUser
from core.base.database import read_scope, session_scope
from core.jobs import context as context_module
from core.jobs.context import TaskContext
from core.jobs.kinds import settle_task
from core.jobs.supervisor import Supervisor
from core.training.trainings import cancel_run
from db.tables import BackgroundTask, BatteryUnit, CycleData, ModelVersion
from tests.core.jobs.processes import (
    CANCEL_LIMIT_S,
    ENDLESS,
    is_gone,
    job_info,
    last_message,
    learning_run,
    limit_processes,
    pid_of,
    run_info,
    supervisor_at_work,
    tasks,
    wait_for,
)
from tests.core.seeding import queue_training, queue_upload, write_csv


def test_one_place_works_the_queue_in_order(
    user: CurrentUser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit_processes(monkeypatch, 1)
    # Readings, which start in half the time of a training.
    for number in range(3):
        queue_upload(user, write_csv(tmp_path / f"{number}.csv"), f"Fleet {number}")
    with supervisor_at_work():
        wait_for(lambda: not tasks("PENDING", "RUNNING"), "three readings")
    done = tasks()
    assert [(task.kind, task.status) for task in done] == [("UPLOAD", "SUCCEEDED")] * 3
    for earlier, later in pairwise(done):
        assert earlier.finished_at and later.started_at
        assert earlier.finished_at <= later.started_at


@pytest.mark.usefixtures("serving")
def test_no_more_processes_than_allowed(
    user: CurrentUser, dataset_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit_processes(monkeypatch, 2)
    jobs = [queue_training(user, dataset_id) for _ in range(3)]
    at_once: list[int] = []

    def done() -> bool:
        at_once.append(sum(task.kind == "TRAIN" for task in tasks("RUNNING")))
        return not any(job_info(user, job).is_active for job in jobs)

    wait_for(done, "three trainings")
    assert max(at_once) == 2
    trained = [task for task in tasks() if task.kind == "TRAIN"]
    expected = max(1, (os.cpu_count() or 1) // 2)
    assert [task.threads for task in trained] == [expected] * 3
    assert len({task.pid for task in trained}) == 3


@pytest.mark.usefixtures("serving")
def test_a_running_run_is_cancelled_within_a_second(user: CurrentUser, dataset_id: int) -> None:
    run = learning_run(user, dataset_id)
    with session_scope() as session:
        cancel_run(session, user, run.id)
    took_s = wait_for(lambda: not run_info(user, run.id).is_active, "the end of the run")
    took_s += wait_for(lambda: is_gone(pid_of(run)), "the end of the process")
    assert took_s <= CANCEL_LIMIT_S
    assert run_info(user, run.id).status == "CANCELED"
    assert job_info(user, run.job_id).status == "CANCELED"
    assert last_message(user, run.id) == "Cancelled by you"


@pytest.mark.usefixtures("serving")
@pytest.mark.parametrize("delay_s", [0.0, 0.7, 1.4])
def test_a_starting_run_is_cancelled_at_once(
    user: CurrentUser, dataset_id: int, delay_s: float
) -> None:
    job_id = queue_training(user, dataset_id, **ENDLESS)
    run_id = job_info(user, job_id).runs[0].id
    wait_for(lambda: run_info(user, run_id).status == "RUNNING", "the start of the process")
    time.sleep(delay_s)
    with session_scope() as session:
        cancel_run(session, user, run_id)
    assert wait_for(lambda: not run_info(user, run_id).is_active, "the end") <= CANCEL_LIMIT_S
    assert run_info(user, run_id).status == "CANCELED"
    wait_for(lambda: not psutil.Process().children(), "the end of the process")
    assert run_info(user, run_id).current_epoch == 0


@pytest.mark.usefixtures("serving")
def test_a_process_whose_task_another_ended_leaves(user: CurrentUser, dataset_id: int) -> None:
    run = learning_run(user, dataset_id)
    with session_scope() as session:
        task = session.scalars(select(BackgroundTask).where(BackgroundTask.kind == "TRAIN")).one()
        assert settle_task(session, task, "FAILED", "Nothing was heard.")
    assert wait_for(lambda: is_gone(pid_of(run)), "the end of the process") <= CANCEL_LIMIT_S
    assert run_info(user, run.id).status == "FAILED"


def test_what_a_busy_database_refused_is_written_later(
    user: CurrentUser, dataset_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = TaskContext(tasks()[0].id, "UPLOAD", 1, user.id, 1)
    written: list[int] = []
    busy = OperationalError("UPDATE", {}, Exception("database is locked"))
    context.record(lambda _session, items: written.extend(items), 1)
    with monkeypatch.context() as patch, pytest.raises(OperationalError):
        patch.setattr(context_module, "session_scope", Mock(side_effect=busy))
        context.flush()
    context.report("x" * 500, 0.5)
    context.flush()
    context.flush()
    assert written == [1]


def test_a_waiting_run_is_cancelled_at_once(user: CurrentUser, dataset_id: int) -> None:
    job_id = queue_training(user, dataset_id)
    run = job_info(user, job_id).runs[0]
    with session_scope() as session:
        cancel_run(session, user, run.id)
    assert run_info(user, run.id).status == "CANCELED"
    assert job_info(user, job_id).status == "CANCELED"
    Supervisor().tick()
    assert tasks("PENDING", "RUNNING") == []
    with session_scope() as session:
        cancel_run(session, user, run.id)
    assert run_info(user, run.id).status == "CANCELED"


def test_an_exploding_loss_fails_with_advice(user: CurrentUser, dataset_id: int) -> None:
    with session_scope() as session:
        val = select(BatteryUnit.id).where(BatteryUnit.group_tag == "val").scalar_subquery()
        session.execute(update(CycleData).where(CycleData.battery_id == val).values(pcl=1e200))
    job_id = queue_training(user, dataset_id)
    # What the process of the training does, without the seconds that its start takes.
    task_id = Supervisor()._claim("train")
    assert task_id is not None
    worker.main(task_id)
    job = job_info(user, job_id)
    assert (job.status, job.failed_runs) == ("FAILED", 1)
    assert "Lower the learning rate" in last_message(user, job.runs[0].id)
    assert job.runs[0].task is not None
    assert "exploded in epoch" in (job.runs[0].task.message or "")
    with read_scope() as session:
        assert session.scalar(select(func.count()).select_from(ModelVersion)) == 0
