"""The supervisor with real processes: order, limits, cancelling, killed processes, restarts."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import psutil
import pytest
from sqlalchemy import func, select, update
from sqlalchemy.exc import OperationalError

from core import worker
from core.access.actor import CurrentUser
from core.accounts import passwords
from core.accounts.accounts import delete_account
from core.base import storage
from core.base.database import read_scope, session_scope
from core.base.settings import get_settings
from core.datasets.uploads import cancel_upload, get_upload_info
from core.evaluation.evaluations import get_test_info
from core.evaluation.request import TestRequest
from core.evaluation.start import start_test
from core.jobs import context as context_module
from core.jobs.context import TaskContext
from core.jobs.kinds import settle_task
from core.jobs.states import move
from core.jobs.supervisor import Supervisor
from core.removal.marking import delete_dataset, delete_job
from core.removal.sweeping import is_needed
from core.training.trainings import (
    cancel_run,
    job_status,
    settle,
    unfinished_checkpoint,
    update_job,
)
from core.training.views import JobInfo, RunInfo, get_job_info, get_run_info, run_log
from db.tables import (
    BackgroundTask,
    BatteryUnit,
    CycleData,
    Dataset,
    ModelVersion,
    Study,
    TestJob,
    TestJobPrediction,
    TrainingJob,
    TrainingJobRun,
    User,
)
from db.tables.columns import utc_now
from tests.core.backups.stored_files import on_disk
from tests.core.seeding import (
    PASSWORD,
    World,
    add_account,
    add_dataset,
    queue_training,
    queue_upload,
    write_csv,
)
from tests.core.statements import counted_statements

# Cancelling takes at most a second; the rest is for a busy machine.
CANCEL_LIMIT_S = 1.5
PATIENCE_S = 90.0
# Looking more often takes from the processes that are looked at.
POLL_S = 0.05
# Far more than any of these tests lets it do.
ENDLESS = {"epochs": 10_000, "patience": 10_000, "hidden_size": 64, "batch_size": 8}


@pytest.fixture
def user(fresh_database: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[CurrentUser]:
    """An account; the processes that a test leaves running end with it."""
    monkeypatch.setattr(passwords, "ROUNDS", 4)
    yield add_account("ann@example.org")
    for task in tasks("RUNNING"):
        if task.pid is not None and psutil.pid_exists(task.pid):
            os.kill(task.pid, signal.SIGKILL)


@pytest.fixture
def dataset_id(user: CurrentUser, tmp_path: Path) -> int:
    """A small dataset of this account."""
    return add_dataset(user, tmp_path)[1]


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


@pytest.fixture
def serving(dataset_id: int) -> Iterator[None]:
    """The supervisor begins once the dataset is there."""
    with supervisor_at_work():
        yield


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
    assert info.task is not None and "ended without a result" in (info.task.message or "")


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


@pytest.mark.parametrize(
    ("runs", "expected"),
    [
        (["PENDING", "PENDING"], "PENDING"),
        (["PENDING", "RUNNING"], "RUNNING"),
        (["PENDING", "SUCCEEDED"], "RUNNING"),
        (["PENDING", "FAILED"], "RUNNING"),
        (["RUNNING", "CANCELED"], "RUNNING"),
        (["SUCCEEDED", "FAILED"], "SUCCEEDED"),
        (["CANCELED", "SUCCEEDED"], "SUCCEEDED"),
        (["FAILED", "FAILED"], "FAILED"),
        (["CANCELED", "FAILED"], "CANCELED"),
        (["CANCELED"], "CANCELED"),
    ],
)
def test_the_status_of_a_job_follows_from_its_runs(runs: list[str], expected: str) -> None:
    assert job_status(runs) == expected
    assert job_status(runs[::-1]) == expected


def test_a_job_with_one_failed_run_succeeds_and_counts_it(
    user: CurrentUser, dataset_id: int
) -> None:
    job_id = queue_training(user, dataset_id, "BASELINE", "BILSTM", epochs=4)
    first, second = job_info(user, job_id).runs
    with session_scope() as session:
        for run in (first, second):
            move(session, TrainingJobRun, run.id, "RUNNING", started_at=utc_now())
        session.get_one(TrainingJobRun, first.id).current_epoch = 2
        session.flush()
        update_job(session, first.id)
    with read_scope() as session:
        halfway = session.get_one(TrainingJob, job_id)
        assert (halfway.status, halfway.progress) == ("RUNNING", pytest.approx(0.25))
    with session_scope() as session:
        settle(session, second.id, "FAILED", "no luck")
    assert job_info(user, job_id).status == "RUNNING"
    with session_scope() as session:
        move(session, TrainingJobRun, first.id, "SUCCEEDED", finished_at=utc_now())
        update_job(session, first.id)
    done = job_info(user, job_id)
    assert (done.status, done.failed_runs, done.progress) == ("SUCCEEDED", 1, 1.0)
    assert done.finished_at is not None
    with session_scope() as session:
        assert not move(session, TrainingJob, job_id, "RUNNING")
        settle(session, first.id, "FAILED", "too late")
    assert job_info(user, job_id).status == "SUCCEEDED"
    assert last_message(user, second.id) == "No luck"
