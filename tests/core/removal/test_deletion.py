"""Deletion: what is announced goes, nothing else stays, nothing goes while it is in use."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from core.accounts.accounts import delete_account, preview_deletion
from core.base import storage
from core.base.database import read_scope, session_scope
from core.base.errors import Conflict, InvalidInput, NotFound
from core.datasets.uploads import (
    cancel_upload,
    confirm_mapping,
    delete_upload,
    list_uploads,
    receive_upload,
)
from core.evaluation.request import TestRequest
from core.evaluation.start import start_test
from core.ingest.mapping import ColumnMapping
from core.model_versions.versions import delete_model, get_model_info
from core.removal import sweeping
from core.removal.marking import (
    delete_dataset,
    delete_job,
    delete_test,
    list_dataset_dependents,
    list_job_dependents,
)
from core.training.trainings import cancel_job
from db.tables import (
    BackgroundTask,
    Base,
    BatteryUnit,
    CycleData,
    Dataset,
    DataUpload,
    ModelVersion,
    Study,
    TestExport,
    TestJob,
    TestJobBatteryMetric,
    TestJobHorizonMetric,
    TestJobLog,
    TestJobMetricOverall,
    TestJobPrediction,
    TrainingJob,
    TrainingJobRun,
    TrainingJobRunLog,
    TrainingJobRunMetric,
)
from tests.core.backups.stored_files import on_disk
from tests.core.seeding import (
    PASSWORD,
    World,
    add_account,
    queue_training,
    queue_upload,
    work_off,
    write_csv,
)

TABLES: dict[str, tuple[Any, ...]] = {
    "datasets": (Dataset,),
    "batteries": (BatteryUnit,),
    "cycles": (CycleData,),
    "uploads": (DataUpload,),
    "training_jobs": (TrainingJob,),
    "runs": (TrainingJobRun,),
    "models": (ModelVersion,),
    "tests": (TestJob,),
    "predictions": (TestJobPrediction,),
    "exports": (TestExport,),
    "studies": (Study,),
    "epochs": (TrainingJobRunMetric,),
    "test_metrics": (TestJobMetricOverall, TestJobBatteryMetric, TestJobHorizonMetric),
    "log_lines": (TrainingJobRunLog, TestJobLog),
}


def count_rows() -> dict[str, int]:
    """Rows of each kind that deletion announces."""
    with read_scope() as session:
        return {
            noun: sum(
                session.scalar(select(func.count()).select_from(table)) or 0 for table in tables
            )
            for noun, tables in TABLES.items()
        }


def filled_tables() -> set[str]:
    """Names of all tables that hold any row."""
    with read_scope() as session:
        return {
            table.name
            for table in Base.metadata.sorted_tables
            if session.execute(select(table).limit(1)).first() is not None
        }


def stored_files(world: World) -> list[Path]:
    """Everything in the account's folder."""
    folder = on_disk(str(world.user.id))
    return [path for path in folder.rglob("*") if path.is_file()]


def task_logs() -> list[str]:
    """Logs of background processes."""
    return [path.name for path in on_disk("logs").glob("task_*.log")]


def test_a_dataset_takes_with_it_what_was_announced(world: World) -> None:
    before = count_rows()
    with read_scope() as session:
        announced = list_dataset_dependents(session, world.user, world.dataset_id).as_dict()
    with session_scope() as session:
        assert delete_dataset(session, world.user, world.dataset_id).as_dict() == announced
    with read_scope() as session, pytest.raises(NotFound):
        get_model_info(session, world.user, world.model_id)
    sweeping.sweep()
    after = count_rows()
    assert {noun: before[noun] - after[noun] for noun in before} == announced
    assert all(announced.values())
    assert filled_tables() == {"user"}
    assert stored_files(world) == []


def test_the_logs_of_deleted_work_go_too(world: World) -> None:
    with read_scope() as session:
        ids = session.scalars(select(BackgroundTask.id)).all()
    for task_id in ids:
        path = on_disk(f"logs/task_{task_id}.log")
        path.parent.mkdir(exist_ok=True)
        path.write_text("one line")
    with session_scope() as session:
        delete_dataset(session, world.user, world.dataset_id)
    sweeping.sweep()
    assert task_logs() == []


def test_a_job_leaves_the_dataset(world: World) -> None:
    before = count_rows()
    with read_scope() as session:
        announced = list_job_dependents(session, world.user, world.job_id).as_dict()
    with session_scope() as session:
        assert delete_job(session, world.user, world.job_id).as_dict() == announced
    sweeping.sweep()
    after = count_rows()
    assert {noun: before[noun] - after[noun] for noun in before} == announced
    kept = {"user", "dataset", "battery_unit", "cycle_data", "data_upload", "background_task"}
    assert filled_tables() == kept | {"study"}
    assert [path.name for path in stored_files(world)] == ["raw_data.csv"]


def test_a_test_leaves_the_model(world: World) -> None:
    with session_scope() as session, pytest.raises(Conflict, match="1 test uses this model"):
        delete_model(session, world.user, world.model_id)
    with session_scope() as session:
        gone = delete_test(session, world.user, world.test_id)
    sweeping.sweep()
    assert (gone.tests, gone.exports, gone.models) == (1, 2, 0)
    after = count_rows()
    assert (after["tests"], after["predictions"], after["exports"]) == (0, 0, 0)
    assert {path.name for path in stored_files(world)} == {"raw_data.csv", "checkpoint.pt"}
    with session_scope() as session:
        delete_model(session, world.user, world.model_id)
    assert [path.name for path in stored_files(world)] == ["raw_data.csv"]


def test_nothing_is_deleted_while_it_is_in_use(world: World) -> None:
    job_id = queue_training(world.user, world.dataset_id)
    with session_scope() as session, pytest.raises(Conflict, match="1 training run on it still"):
        delete_dataset(session, world.user, world.dataset_id)
    with session_scope() as session, pytest.raises(Conflict, match="Cancel"):
        delete_job(session, world.user, job_id)
    with session_scope() as session, pytest.raises(Conflict, match="1 of your background tasks"):
        delete_account(session, world.user, PASSWORD)
    with session_scope() as session:
        cancel_job(session, world.user, job_id)
    test_id = start_test(world.user, TestRequest(world.model_id, world.dataset_id))
    for delete, subject in ((delete_test, test_id), (delete_job, world.job_id)):
        with session_scope() as session, pytest.raises(Conflict, match="1 test on it still waits"):
            delete(session, world.user, subject)
    work_off()
    with session_scope() as session:
        delete_dataset(session, world.user, world.dataset_id)
    sweeping.sweep()
    assert filled_tables() == {"user"}


@pytest.mark.parametrize("crash_at", range(6))
def test_a_sweep_that_was_cut_off_goes_on(
    world: World, crash_at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with session_scope() as session:
        delete_dataset(session, world.user, world.dataset_id)
    calls = 0
    genuine = sweeping._delete_in_chunks

    def crash(table: Any, condition: Any) -> None:
        nonlocal calls
        calls += 1
        if calls > crash_at:
            raise KeyboardInterrupt
        genuine(table, condition)

    with monkeypatch.context() as patch:
        patch.setattr(sweeping, "_delete_in_chunks", crash)
        with pytest.raises(KeyboardInterrupt):
            sweeping.sweep()
    sweeping.sweep()
    assert filled_tables() == {"user"}
    assert stored_files(world) == []


def test_a_crash_between_rows_and_files_leaves_no_file(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with session_scope() as session:
        delete_dataset(session, world.user, world.dataset_id)
    calls = 0
    genuine = storage.remove_file

    def crash(path: str) -> bool:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise KeyboardInterrupt
        return genuine(path)

    with monkeypatch.context() as patch:
        patch.setattr(storage, "remove_file", crash)
        with pytest.raises(KeyboardInterrupt):
            sweeping.sweep()
    sweeping.sweep()
    assert filled_tables() == {"user"}
    assert stored_files(world) == []


def test_an_account_goes_with_everything(world: World, tmp_path: Path) -> None:
    other = add_account("bob@example.org", is_admin=True)
    queue_upload(other, write_csv(tmp_path / "bob.csv"), "Bob's fleet")
    work_off()
    kept = count_rows()
    with session_scope() as session:
        announced = preview_deletion(session, world.user)
        files = len(stored_files(world))
    with session_scope() as session:
        summary = delete_account(session, world.user, PASSWORD)
    assert (summary, summary.files) == (announced, files)
    sweeping.sweep()
    after = count_rows()
    for noun, number in summary.rows.items():
        if noun != "account":
            key = noun.replace(" ", "_")
            assert kept[key] - after[key] == number, noun
    assert not on_disk(str(world.user.id)).exists()
    assert (after["datasets"], after["uploads"], after["models"]) == (1, 1, 0)
    with read_scope() as session:
        assert session.scalars(select(BackgroundTask.user_id)).all() == [other.id]
        assert len(list_uploads(session, other)) == 1


def test_a_cancelled_upload_leaves_neither_row_nor_file(world: World, tmp_path: Path) -> None:
    upload_id = queue_upload(world.user, write_csv(tmp_path / "again.csv"), "Again")
    with session_scope() as session:
        cancel_upload(session, world.user, upload_id)
    with session_scope() as session:
        delete_upload(session, world.user, upload_id)
    with read_scope() as session:
        tasks = session.scalars(
            select(BackgroundTask).where(
                BackgroundTask.kind == "UPLOAD", BackgroundTask.subject_id == upload_id
            )
        ).all()
        assert tasks == []
    assert not on_disk(f"{world.user.id}/uploads/{upload_id}").exists()


def test_a_file_whose_row_is_rolled_back_is_not_kept(world: World, tmp_path: Path) -> None:
    before = stored_files(world)
    path = write_csv(tmp_path / "fleet.csv")
    with (
        path.open("rb") as stream,
        pytest.raises(InvalidInput),
        session_scope() as session,
    ):
        upload_id = receive_upload(session, world.user, path.name, stream)
        confirm_mapping(session, world.user, upload_id, ColumnMapping(), "")
    assert stored_files(world) == before
