"""Studies from their creation to their removal, by the real services."""

from io import BytesIO
from typing import Any

import pandas as pd
import pytest
from sqlalchemy import select

from core.access.actor import CurrentUser
from core.accounts.accounts import delete_account
from core.base.database import read_scope, session_scope
from core.base.errors import Conflict, InvalidInput, NotFound
from core.jobs.kinds import settle_task
from core.jobs.supervisor import Supervisor
from core.removal import sweeping
from core.removal.marking import delete_dataset
from core.studies import early_life_fit, early_life_models
from core.studies.early_life import create_from_dataset, create_from_table, parse_result
from core.studies.files import prediction_csv, study_xlsx
from core.studies.filters import StudyFilter
from core.studies.row_split import create_row_split
from core.studies.studies import (
    StudyInfo,
    cancel_study,
    delete_study,
    get_study_info,
    get_study_result,
    list_studies,
    rename_study,
)
from db.tables import BackgroundTask, Study
from tests.core.seeding import PASSWORD, work_off
from tests.core.studies.early_tables import fading_table

Dataset = tuple[CurrentUser, int]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """One repetition and few resamples: what is fitted is not looked at here."""
    monkeypatch.setattr(early_life_models, "REPEATS", 1)
    monkeypatch.setattr(early_life_fit, "RESAMPLES", 1000)


def queue_table(user: CurrentUser, name: str = "Early life") -> int:
    with session_scope() as session:
        return create_from_table(
            session,
            user,
            name,
            fading_table(),
            file_name="fleet.csv",
            left_out=[("x", "no cycle life")],
            variance="delta_q_variance",
        )


def info_of(user: CurrentUser, study_id: int) -> StudyInfo:
    with read_scope() as session:
        return get_study_info(session, user, study_id)


def rows(table: Any) -> int:
    with read_scope() as session:
        return len(session.scalars(select(table.id)).all())


def test_a_study_of_a_table_runs_and_its_files_agree_with_it(dataset: Dataset) -> None:
    user, _ = dataset
    study_id = queue_table(user)
    assert info_of(user, study_id).is_active
    with read_scope() as session, pytest.raises(Conflict):
        get_study_result(session, user, study_id)
    work_off()
    info = info_of(user, study_id)
    assert (info.status, info.source, info.dataset_id) == ("SUCCEEDED", "fleet.csv", None)
    with read_scope() as session:
        result = parse_result(get_study_result(session, user, study_id))
    assert result.left_out == (("x", "no cycle life"),)
    frame = pd.read_csv(BytesIO(prediction_csv(result)))
    assert len(frame) == 40
    assert frame["predicted_ridge"].to_numpy() == pytest.approx(result.batteries["RIDGE"])
    sheets = pd.read_excel(BytesIO(study_xlsx(info, result)), sheet_name=None)
    assert list(sheets) == ["Information", "Scores", "Batteries", "Feature weights"]
    assert sheets["Scores"]["rmse_cycles"].to_numpy() == pytest.approx(result.scores["rmse"])


def test_a_study_can_be_renamed_listed_and_deleted(dataset: Dataset) -> None:
    user, dataset_id = dataset
    study_id = queue_table(user)
    with session_scope() as session:
        rename_study(session, user, study_id, " Another  name ")
        other = create_row_split(session, user, dataset_id)
    with read_scope() as session:
        assert [s.id for s in list_studies(session, user)] == [other, study_id]
        early = list_studies(session, user, StudyFilter(kind="EARLY_LIFE"))
        assert [study.name for study in early] == ["Another name"]
        of_dataset = list_studies(session, user, StudyFilter(dataset_id=dataset_id))
        assert [study.id for study in of_dataset] == [other]
    with session_scope() as session, pytest.raises(Conflict, match="Cancel it first"):
        delete_study(session, user, study_id)
    with session_scope() as session:
        cancel_study(session, user, study_id)
        delete_study(session, user, study_id)
    with read_scope() as session, pytest.raises(NotFound):
        get_study_info(session, user, study_id)
    sweeping.sweep()
    assert rows(Study) == 1


def test_a_cancelled_study_keeps_its_row_and_no_result(dataset: Dataset) -> None:
    user, _ = dataset
    study_id = queue_table(user)
    with session_scope() as session:
        cancel_study(session, user, study_id)
    work_off()
    info = info_of(user, study_id)
    assert info.status == "CANCELED"
    assert info.finished_at is not None


def test_a_process_that_died_leaves_a_failed_study_with_the_reason(dataset: Dataset) -> None:
    user, _ = dataset
    study_id = queue_table(user)
    task_id = Supervisor()._claim("short")
    assert info_of(user, study_id).status == "RUNNING"
    with session_scope() as session:
        task = session.get_one(BackgroundTask, task_id)
        assert settle_task(session, task, "FAILED", "The background process was killed.")
    info = info_of(user, study_id)
    assert info.status == "FAILED"
    assert info.task is not None
    assert info.task.message == "The background process was killed."


def test_studies_go_with_their_dataset(dataset: Dataset) -> None:
    user, dataset_id = dataset
    with session_scope() as session:
        create_row_split(session, user, dataset_id)
    kept = queue_table(user)
    with session_scope() as session, pytest.raises(Conflict, match="1 study on it"):
        delete_dataset(session, user, dataset_id)
    work_off()
    with session_scope() as session:
        assert delete_dataset(session, user, dataset_id).studies == 1
    with read_scope() as session:
        assert [study.id for study in list_studies(session, user)] == [kept]
    sweeping.sweep()
    assert rows(Study) == 1


def test_studies_go_with_the_account(dataset: Dataset) -> None:
    user, _ = dataset
    queue_table(user)
    work_off()
    with session_scope() as session:
        assert delete_account(session, user, PASSWORD).rows["studies"] == 1
    sweeping.sweep()
    sweeping.sweep()
    assert rows(Study) == rows(BackgroundTask) == 0


def test_a_dataset_without_enough_lives_is_refused(dataset: Dataset) -> None:
    user, dataset_id = dataset
    with session_scope() as session:
        with pytest.raises(InvalidInput, match="0 training batteries and 0 others"):
            create_from_dataset(session, user, "x", dataset_id, 100)
        with pytest.raises(InvalidInput, match="first 20 to 1000 cycles"):
            create_from_dataset(session, user, "x", dataset_id, 5)
