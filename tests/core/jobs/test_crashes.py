"""Killed processes and restarts: what ends, what goes on, and what is removed."""

import os
import signal
from pathlib import Path

import pytest
from sqlalchemy import func, select

from core.access.actor import CurrentUser
from core.base.database import read_scope, session_scope
from core.datasets.uploads import cancel_upload, get_upload_info
from core.evaluation.evaluations import get_test_info
from core.evaluation.request import TestRequest
from core.evaluation.start import start_test
from core.jobs.states import move
from core.jobs.supervisor import Supervisor
from core.training.trainings import unfinished_checkpoint
from db.tables import BackgroundTask, CycleData, Dataset, TestJob, TestJobPrediction
from db.tables.columns import utc_now
from tests.core.backups.stored_files import on_disk
from tests.core.jobs.processes import (
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
from tests.core.seeding import World, queue_training, queue_upload, write_csv


@pytest.mark.usefixtures("serving")
def test_a_killed_run_fails_with_the_reason(user: CurrentUser, dataset_id: int) -> None:
    run = learning_run(user, dataset_id)
    unfinished = on_disk(unfinished_checkpoint(user.id, run.id))
    unfinished.parent.mkdir(parents=True, exist_ok=True)
    partial = unfinished.with_name(f".{unfinished.name}.partial")
    for leftover in (unfinished, partial):
        leftover.write_bytes(b"half a checkpoint")
    os.kill(pid_of(run), signal.SIGKILL)
    wait_for(lambda: not run_info(user, run.id).is_active, "the end of the run")
    assert run_info(user, run.id).status == "FAILED"
    assert job_info(user, run.job_id).status == "FAILED"
    assert "killed (signal 9)" in last_message(user, run.id)
    assert not unfinished.exists() and not partial.exists()


@pytest.mark.parametrize("way", ["cancelled", "killed"])
def test_half_a_dataset_is_removed(user: CurrentUser, tmp_path: Path, way: str) -> None:
    upload_id = queue_upload(user, write_csv(tmp_path / "long.csv", cycles=20_000))

    def cycles_stored() -> int:
        with read_scope() as session:
            return session.scalar(select(func.count()).select_from(CycleData)) or 0

    with supervisor_at_work():
        wait_for(lambda: cycles_stored() > 0, "the first chunk")
        if way == "cancelled":
            with session_scope() as session:
                cancel_upload(session, user, upload_id)
        else:
            os.kill(tasks("RUNNING")[0].pid or 0, signal.SIGKILL)
        wait_for(lambda: cycles_stored() == 0, "the sweep")
    with read_scope() as session:
        info = get_upload_info(session, user, upload_id)
        assert session.scalar(select(func.count()).select_from(Dataset)) == 0
    assert info.status == "FAILED" and info.error_message
    assert ("cancelled by you" if way == "cancelled" else "signal 9") in info.error_message
    if way == "killed":
        assert "lack of memory" in info.error_message and "smaller file" in info.error_message
    assert on_disk(f"{user.id}/uploads/{upload_id}/raw_data.csv").is_file()


def test_results_of_a_dead_test_are_removed(world: World) -> None:
    user = world.user
    test_id = start_test(user, TestRequest(world.model_id, world.dataset_id))
    with session_scope() as session:
        moved = move(session, TestJob, test_id, "RUNNING", started_at=utc_now())
        task = session.scalars(
            select(BackgroundTask).where(
                BackgroundTask.kind == "TEST", BackgroundTask.subject_id == test_id
            )
        ).one()
        task.status, task.host, task.heartbeat_at = "RUNNING", Supervisor().host, utc_now()
        # This process id is alive, but began at another time: it is somebody else's.
        task.pid, task.process_started_at = os.getpid(), 1.0
        battery_id = session.scalar(select(TestJobPrediction.battery_id).limit(1))
        session.add(
            TestJobPrediction(
                test_job_id=test_id, battery_id=battery_id, target="PCL", cycle_num=1, y_pred=0.1
            )
        )
    assert moved
    supervisor = Supervisor()
    supervisor.watch()
    supervisor.sweep()
    with read_scope() as session:
        info = get_test_info(session, user, test_id)
        left = select(func.count()).select_from(TestJobPrediction)
        assert session.scalar(left.where(TestJobPrediction.test_job_id == test_id)) == 0
        assert session.scalar(left) > 0
    assert info.status == "FAILED"
    assert info.task is not None and info.task.message is not None
    assert "ended without a result, perhaps killed for lack of memory" in info.task.message


def test_work_survives_a_restart_of_the_app(user: CurrentUser, dataset_id: int) -> None:
    job_id = queue_training(user, dataset_id, epochs=3)
    Supervisor().start_waiting()
    after_restart = Supervisor()
    after_restart.run(lambda: not job_info(user, job_id).is_active)
    job = job_info(user, job_id)
    assert job.status == "SUCCEEDED"
    assert [task.status for task in tasks() if task.kind == "TRAIN"] == ["SUCCEEDED"]
    assert job.runs[0].model_version_id is not None


def test_a_restarted_app_watches_what_it_did_not_start(
    user: CurrentUser, dataset_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit_processes(monkeypatch, 1)
    job_id = queue_training(user, dataset_id, **ENDLESS)
    waiting_id = queue_training(user, dataset_id)
    Supervisor().start_waiting()
    after_restart = Supervisor()
    wait_for(lambda: job_info(user, job_id).runs[0].current_epoch > 0, "the first epoch")
    after_restart.tick()
    assert job_info(user, job_id).status == "RUNNING"
    assert job_info(user, waiting_id).status == "PENDING"
    os.kill(pid_of(job_info(user, job_id).runs[0]), signal.SIGKILL)
    wait_for(lambda: is_gone(pid_of(job_info(user, job_id).runs[0])), "the end of the process")
    after_restart.tick()
    assert job_info(user, job_id).status == "FAILED"
    assert "ended without a result" in last_message(user, job_info(user, job_id).runs[0].id)
    after_restart.run(lambda: not job_info(user, waiting_id).is_active)
    assert job_info(user, waiting_id).status == "SUCCEEDED"
