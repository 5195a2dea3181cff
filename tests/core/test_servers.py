"""The main job and what could collide, on MySQL and PostgreSQL with real processes."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pandas as pd
import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.access.actor import CurrentUser
from core.accounts import passwords
from core.accounts.accounts import sign_up
from core.base import storage
from core.base.database import get_engine, migrate, read_scope, session_scope
from core.base.errors import Conflict, NotFound
from core.base.settings import get_settings
from core.datasets.relabel import apply_relabel
from core.datasets.uploads import confirm_mapping, get_upload_info
from core.evaluation.evaluations import cancel_test
from core.evaluation.exports import latest_exports, open_export
from core.evaluation.request import TestRequest
from core.evaluation.results import get_result
from core.evaluation.start import plan_test, start_test, write_test
from core.ingest.mapping import EolRule
from core.jobs.kinds import settle_task
from core.jobs.queue import is_idle, latest_tasks
from core.jobs.states import move
from core.jobs.supervisor import Supervisor
from core.model_versions import versions as registry
from core.model_versions.versions import list_models
from core.removal import marking
from core.removal.marking import delete_dataset, delete_job
from core.removal.sweeping import sweep
from core.training import trainings
from core.training import work as training_work
from core.training.request import TrainingRequest
from core.training.start import TrainingPlan, plan_training, write_trainings
from core.training.trainings import cancel_job, cancel_run
from core.training.views import get_job_info
from db.tables import BackgroundTask, Base, BatteryUnit, Dataset, TrainingJob, User
from tests.core.backups.stored_files import on_disk
from tests.core.seeding import (
    PASSWORD,
    add_account,
    add_dataset,
    queue_training,
    queue_upload,
    work_off,
    write_csv,
)
from tests.db.servers import throwaway_database

PATIENCE_S = 40.0
KEPT = {"user", "alembic_version", "login_throttle"}


@pytest.fixture(scope="module", params=["mysql", "postgresql"])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """A migrated database on one kind of server, which the settings of this module name."""
    folder = tmp_path_factory.mktemp(request.param)
    with throwaway_database(request.param, folder) as url, pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "ROUNDS", 4)
        patch.setenv("FADEBENCH_DATA_DIR", str(folder / "data"))
        patch.setenv("FADEBENCH_DATABASE_URL", url)
        get_settings.cache_clear()
        migrate()
        yield str(request.param)
        get_engine().dispose()
    get_settings.cache_clear()


@pytest.fixture(scope="module")
def user(server: str) -> CurrentUser:
    """The first account, after a race for it."""
    names = [f"{name}@example.org" for name in ("ann", "bob", "cy")]
    barrier = threading.Barrier(len(names))

    def join(email: str) -> CurrentUser:
        barrier.wait()
        with session_scope() as session:
            joined = sign_up(session, email, email.partition("@")[0], PASSWORD)
            time.sleep(0.3)
            return joined

    with ThreadPoolExecutor(len(names)) as pool:
        list(pool.map(join, names))
    return add_account("dan@example.org")


def at_once(first: Callable[[Session], Any], second: Callable[[Session], Any]) -> list[Any]:
    """Both begin before either commits, `first` a little earlier; what they return or raise."""

    def run(act: Callable[[Session], Any], delay_s: float) -> Any:
        time.sleep(delay_s)
        try:
            with session_scope() as session:
                value = act(session)
                time.sleep(0.4)
                return value
        except (Conflict, NotFound) as error:
            return error

    with ThreadPoolExecutor(2) as pool:
        return [f.result() for f in (pool.submit(run, first, 0.0), pool.submit(run, second, 0.2))]


def work() -> None:
    """Let real processes do all that waits."""
    started = time.monotonic()

    def done() -> bool:
        assert time.monotonic() - started < PATIENCE_S, "work got stuck"
        with read_scope() as session:
            return is_idle(session)

    Supervisor().run(done)


def stored_rows() -> dict[str, int]:
    with read_scope() as session:
        tables = [t for t in Base.metadata.sorted_tables if t.name not in KEPT]
        return {t.name: session.scalar(select(func.count()).select_from(t)) or 0 for t in tables}


def test_one_of_those_who_sign_up_first_is_administrator(user: CurrentUser) -> None:
    with read_scope() as session:
        found = session.scalars(select(User).where(User.is_admin.is_(True))).all()
    assert len(found) == 1 and found[0].email != user.email


def test_the_main_job(user: CurrentUser, tmp_path_factory: pytest.TempPathFactory) -> None:
    before = stored_rows()
    path = write_csv(tmp_path_factory.mktemp("files") / "fleet.csv")
    upload_id = queue_upload(user, path, "Zellen für Ærø 電池")
    work()
    with read_scope() as session:
        dataset_id = get_upload_info(session, user, upload_id).dataset_id
    assert dataset_id is not None
    with session_scope() as session:
        apply_relabel(session, user, dataset_id, 1.05, EolRule(0.85))
    queue_training(user, dataset_id, epochs=2)
    work()
    with read_scope() as session:
        model = list_models(session, user)[0]
    assert model.title == "Zellen für Ærø 電池 Baseline v1"
    test_id = start_test(user, TestRequest(model.id, dataset_id))
    work()
    with read_scope() as session:
        result = get_result(session, user, test_id)
        exports = latest_exports(session, user, test_id)
        path = on_disk(open_export(session, user, exports["CSV"].id))
        assert storage.file_size(open_export(session, user, exports["XLSX"].id)) > 0
    frame = pd.read_csv(path)
    error = frame["y_pred"] - frame["y_true"]
    assert result.overall["PCL"].n == len(frame) == 80
    assert result.overall["PCL"].mse == pytest.approx((error**2).mean(), rel=1e-9)
    with session_scope() as session:
        delete_dataset(session, user, dataset_id)
    sweep()
    assert stored_rows() == before
    files = [p for p in (get_settings().files_root / str(user.id)).rglob("*") if p.is_file()]
    assert files == []


def test_work_and_deletion_do_not_overlook_each_other(
    user: CurrentUser, tmp_path_factory: pytest.TempPathFactory
) -> None:
    _, dataset_id = add_dataset(user, tmp_path_factory.mktemp("files"))
    world = tmp_path_factory.mktemp("more")
    _, kept_id = add_dataset(user, world, "Kept")

    plan, kept_plan = planned_training(user, dataset_id), planned_training(user, kept_id)
    deleted, refused = at_once(
        lambda s: delete_dataset(s, user, dataset_id), lambda s: write_trainings(s, user, [plan])
    )
    assert not isinstance(deleted, Exception) and isinstance(refused, NotFound)
    written, refused = at_once(
        lambda s: write_trainings(s, user, [kept_plan]), lambda s: delete_dataset(s, user, kept_id)
    )
    assert isinstance(written, list) and isinstance(refused, Conflict)
    job_id = written[0]
    with session_scope() as session:
        cancel_run(session, user, get_job_info(session, user, job_id).runs[0].id)


def planned_training(user: CurrentUser, dataset_id: int) -> TrainingPlan:
    with read_scope() as session:
        return plan_training(session, user, TrainingRequest(dataset_id, "PCL", ("BASELINE",)))


def test_work_and_new_labels_do_not_overlook_each_other(
    user: CurrentUser, tmp_path_factory: pytest.TempPathFactory
) -> None:
    _, dataset_id = add_dataset(user, tmp_path_factory.mktemp("files"))
    plan = planned_training(user, dataset_id)

    def relabel(session: Session) -> None:
        apply_relabel(session, user, dataset_id, None, EolRule(0.85))

    def train(session: Session) -> list[int]:
        return write_trainings(session, user, [plan])

    # Whoever has the lock first wins: relabelling computes for a while before it locks.
    for first, second in ((relabel, train), (train, relabel)):
        outcomes = at_once(first, second)
        refused = [found for found in outcomes if isinstance(found, Conflict)]
        written = [found for found in outcomes if isinstance(found, list)]
        assert len(refused) == 1, outcomes
        assert ("were changed a moment ago" in str(refused[0])) == (not written)
        for job_ids in written:
            with session_scope() as session:
                cancel_job(session, user, job_ids[0])
        plan = planned_training(user, dataset_id)


def test_a_test_and_the_deletion_of_its_model_do_not_overlook_each_other(
    user: CurrentUser, tmp_path_factory: pytest.TempPathFactory
) -> None:
    _, dataset_id = add_dataset(user, tmp_path_factory.mktemp("files"))
    jobs = [queue_training(user, dataset_id) for _ in range(2)]
    work_off()
    with read_scope() as session:
        models = {model.job_id: model.id for model in list_models(session, user)}
        requests = [TestRequest(models[job_id], dataset_id) for job_id in jobs]
        plans = [plan_test(session, user, request) for request in requests]
    deleted, refused = at_once(
        lambda s: delete_job(s, user, jobs[0]), lambda s: write_test(s, user, plans[0])
    )
    assert not isinstance(deleted, Exception) and isinstance(refused, NotFound)
    test_id, refused = at_once(
        lambda s: write_test(s, user, plans[1]), lambda s: delete_job(s, user, jobs[1])
    )
    assert isinstance(test_id, int) and isinstance(refused, Conflict)
    with session_scope() as session:
        cancel_test(session, user, test_id)


def test_a_mapping_is_accepted_once(
    user: CurrentUser, tmp_path_factory: pytest.TempPathFactory
) -> None:
    upload_id = queue_upload(user, write_csv(tmp_path_factory.mktemp("files") / "a.csv"))
    with session_scope() as session:
        mapping = get_upload_info(session, user, upload_id).mapping
        assert mapping is not None
        task = session.scalars(
            select(BackgroundTask).where(
                BackgroundTask.kind == "UPLOAD", BackgroundTask.subject_id == upload_id
            )
        ).one()
        settle_task(session, task, "FAILED", "try again")

    def confirm(session: Session) -> None:
        confirm_mapping(session, user, upload_id, mapping, "Once")

    accepted, refused = at_once(confirm, confirm)
    assert accepted is None and isinstance(refused, Conflict)
    work_off()
    with read_scope() as session:
        assert get_upload_info(session, user, upload_id).status == "SUCCEEDED"
        assert session.scalar(select(func.count()).select_from(BatteryUnit))


def test_cancelling_and_storing_do_not_block_each_other(
    user: CurrentUser,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _, dataset_id = add_dataset(user, tmp_path_factory.mktemp("files"))
    job_id = queue_training(user, dataset_id)
    settled: list[bool] = []

    def cancel() -> None:
        with session_scope() as session:
            query = select(BackgroundTask).where(BackgroundTask.status == "RUNNING")
            task = session.scalars(query).one()
            settled.append(settle_task(session, task, "CANCELED", "cancelled by you"))

    canceller = threading.Thread(target=cancel)

    def add_model_slowly(*args: Any, **kwargs: Any) -> int:
        canceller.start()
        time.sleep(0.5)
        return registry.add_model(*args, **kwargs)

    monkeypatch.setattr(training_work, "add_model", add_model_slowly)
    work_off()
    canceller.join(PATIENCE_S)
    with read_scope() as session:
        run = get_job_info(session, user, job_id).runs[0]
    assert (settled, run.status) == ([False], "SUCCEEDED")
    assert run.model_version_id is not None


def test_a_training_and_its_dataset_are_deleted_at_once(
    user: CurrentUser,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Both lock the training before its tests; in two orders they would wait for each other."""
    _, dataset_id = add_dataset(user, tmp_path_factory.mktemp("files"))
    job_id = queue_training(user, dataset_id)
    work_off()
    with read_scope() as session:
        model_id = next(m.id for m in list_models(session, user) if m.job_id == job_id)
    start_test(user, TestRequest(model_id, dataset_id))
    work_off()
    check, first = marking.refuse_active_work, iter([0.6])

    def check_slowly(*args: Any) -> None:
        # Who comes first has locked the training, and not yet its tests.
        time.sleep(next(first, 0.0))
        check(*args)

    monkeypatch.setattr(marking, "refuse_active_work", check_slowly)
    at_once(lambda s: delete_job(s, user, job_id), lambda s: delete_dataset(s, user, dataset_id))
    with read_scope() as session:
        assert session.get_one(TrainingJob, job_id).deleting
        assert session.get_one(Dataset, dataset_id).loading
    sweep()
    with read_scope() as session:
        assert session.get(TrainingJob, job_id) is None
        assert session.get(Dataset, dataset_id) is None


def test_a_training_is_cancelled_while_one_of_its_runs_works(
    user: CurrentUser, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A process holds its task when it asks for the job; so must who cancels the other runs."""
    _, dataset_id = add_dataset(user, tmp_path_factory.mktemp("files"))
    job_id = queue_training(user, dataset_id, "BASELINE", "LINEAR")
    with read_scope() as session:
        waiting, working = get_job_info(session, user, job_id).runs
        task_id = latest_tasks(session, "TRAIN", [working.id])[working.id].id
    with session_scope() as session:
        move(session, BackgroundTask, task_id, "RUNNING", pid=1, host="elsewhere")
        trainings.begin(session, working.id)

    def make_progress(session: Session) -> None:
        session.get_one(BackgroundTask, task_id).progress = 0.5
        session.flush()
        time.sleep(0.6)
        trainings.update_job(session, working.id)

    at_once(make_progress, lambda s: cancel_job(s, user, job_id))
    with read_scope() as session:
        states = {run.id: run.status for run in get_job_info(session, user, job_id).runs}
        task = session.get_one(BackgroundTask, task_id)
        assert (task.status, task.cancel_requested, task.progress) == ("RUNNING", True, 0.5)
    assert states == {waiting.id: "CANCELED", working.id: "RUNNING"}
    with session_scope() as session:
        settle_task(session, task, "CANCELED", "cancelled by you")
    with read_scope() as session:
        assert get_job_info(session, user, job_id).status == "CANCELED"
