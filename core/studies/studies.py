"""Studies: analyses of a dataset, or of an uploaded table, that make no model version."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select
from sqlalchemy.orm import Session

from core.access import guard
from core.access.actor import CurrentUser
from core.base.errors import Conflict
from core.base.names import MAX_LENGTH, checked_name
from core.base.paging import FIRST, Listed, Page, page_ids, page_of
from core.jobs.queue import TaskState, cancel_task, enqueue, is_busy, latest_tasks
from core.jobs.states import CANCELLED_BY_USER, FINISHED, move
from core.studies.filters import EVERY_STUDY, STUDY_ORDERS, StudyFilter, filtered_studies
from core.studies.settings import StudySettings
from db.tables import Dataset, Study
from db.tables.columns import Status, StudyKind, utc_now


@dataclass(frozen=True)
class StudyInfo:
    """A study without its table and result; times in UTC.

    source : name of the dataset, or of the uploaded table's file
    """

    id: int
    kind: StudyKind
    name: str
    dataset_id: int | None
    source: str
    status: Status
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    task: TaskState | None

    @property
    def is_active(self) -> bool:
        """Whether it waits or runs."""
        return self.status not in FINISHED


@dataclass(frozen=True)
class StudyAssignment:
    """What the background process needs."""

    user: CurrentUser
    kind: StudyKind
    dataset_id: int | None
    settings: StudySettings


def create_study(
    session: Session,
    user: CurrentUser,
    kind: StudyKind,
    name: str,
    settings: StudySettings,
    *,
    dataset_id: int | None = None,
) -> int:
    """Create a study and queue it; returns its id.

    The caller (`core.studies.early_life`, `core.studies.row_split`) has checked the settings.
    """
    if dataset_id is not None:
        guard.get_dataset(session, user, dataset_id, keep=True)
    study = Study(
        user_id=user.id,
        dataset_id=dataset_id,
        kind=kind,
        name=checked_name(name, "study"),
        settings=settings.to_json(),
    )
    session.add(study)
    session.flush()
    enqueue(session, user.id, "STUDY", study.id)
    return study.id


def list_studies(
    session: Session,
    user: CurrentUser,
    wanted: StudyFilter = EVERY_STUDY,
    page: Page = FIRST,
) -> Listed[StudyInfo]:
    """A page of the user's studies, newest first unless the page says otherwise."""
    query = filtered_studies(guard.visible_studies(user), wanted, page.order)
    ids = page_ids(session, query, Study.id, STUDY_ORDERS, page)
    rows = guard.visible_studies(user).where(Study.id.in_(ids))
    return page_of(ids, _describe(session, rows), lambda study: study.id)


def get_study_info(session: Session, user: CurrentUser, study_id: int) -> StudyInfo:
    """One study in any state."""
    guard.get_study(session, user, study_id)
    return _describe(session, guard.visible_studies(user).where(Study.id == study_id))[0]


def get_study_result(session: Session, user: CurrentUser, study_id: int) -> dict[str, Any]:
    """What a finished study found, as its kind stores it.

    Raises
    ------
    Conflict
        It has not finished, or ended without a result.
    """
    study = guard.get_study(session, user, study_id)
    if study.status != "SUCCEEDED" or study.result is None:
        raise Conflict("This study has no result. Open it to see why.")
    return study.result


def load_assignment(session: Session, user: CurrentUser, study_id: int) -> StudyAssignment:
    """Read what the process of a study needs."""
    study = guard.get_study(session, user, study_id)
    return StudyAssignment(
        user, study.kind, study.dataset_id, StudySettings.from_json(study.settings)
    )


def rename_study(session: Session, user: CurrentUser, study_id: int, name: str) -> None:
    """Give a study another name."""
    guard.get_study(session, user, study_id).name = checked_name(name, "study")
    session.flush()


def cancel_study(session: Session, user: CurrentUser, study_id: int) -> None:
    """Stop a study; it stays in the list without a result."""
    guard.get_study(session, user, study_id)
    if cancel_task(session, "STUDY", study_id):
        settle(session, study_id, "CANCELED", CANCELLED_BY_USER)


def delete_study(session: Session, user: CurrentUser, study_id: int) -> None:
    """Delete a study with its table and result; `Conflict` while it works."""
    study = guard.get_study(session, user, study_id)
    if is_busy(session, "STUDY", [study_id]):
        raise Conflict("This study still waits or runs. Cancel it first.")
    study.deleting = True
    session.flush()


def begin(session: Session, study_id: int) -> None:
    """The process of a study starts."""
    move(session, Study, study_id, "RUNNING", started_at=utc_now())


def settle(session: Session, study_id: int, status: Status, message: str) -> None:
    """A study ended without a result; its task keeps the reason."""
    move(session, Study, study_id, status, finished_at=utc_now())


def proposed_name(what: str, source: str) -> str:
    """Propose a name from the kind of study and its source, not longer than names may be."""
    room = MAX_LENGTH - len(what) - 2
    return f"{what}: {source[:room]}"


def _describe(session: Session, query: Select[Any]) -> list[StudyInfo]:
    # Not the whole row: the table and the result of a study can be a megabyte each.
    rows = session.execute(
        query.outerjoin(Dataset, Dataset.id == Study.dataset_id).with_only_columns(
            Study.id,
            Study.kind,
            Study.name,
            Study.dataset_id,
            Study.status,
            Study.created_at,
            Study.started_at,
            Study.finished_at,
            Dataset.name.label("dataset_name"),
            Study.settings["file_name"].as_string().label("file_name"),
        )
    ).all()
    tasks = latest_tasks(session, "STUDY", [row.id for row in rows])
    return [_info(row, tasks.get(row.id)) for row in rows]


def _info(row: Any, task: TaskState | None) -> StudyInfo:
    return StudyInfo(
        id=row.id,
        kind=row.kind,
        name=row.name,
        dataset_id=row.dataset_id,
        source=row.dataset_name or row.file_name or "",
        status=row.status,
        created_at=row.created_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        task=task,
    )
