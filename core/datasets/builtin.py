"""Built-in datasets, readable by everybody: the demonstration fleet and registered files."""

from pathlib import Path

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core.base import data_folder, storage
from core.base.database import session_scope
from core.base.errors import BadFile, Conflict
from core.base.names import checked_name
from core.datasets.writing import create_loading_dataset
from core.ingest.feature_schema import FeatureSchema
from core.jobs.queue import TaskState, enqueue, latest_tasks
from db.tables import Dataset
from db.tables.columns import Status

DEMO_NAME = "Demonstration fleet (simulated)"
SEVERSON_NAME = "Severson Battery Dataset (124 cells)"


def ensure_demo_fleet() -> int | None:
    """Queue the demonstration fleet and return its dataset id; None if it exists or is queued."""
    with data_folder.lock("demo_fleet", timeout_s=60), session_scope() as session:
        if find_builtin(session, DEMO_NAME) is not None:
            return None
        dataset_id = create_loading_dataset(session, DEMO_NAME, None, None)
        enqueue(session, None, "BUILTIN", dataset_id)
        return dataset_id


def demo_fleet_task(session: Session) -> TaskState | None:
    """The background task that makes the demonstration fleet, while it waits or runs."""
    dataset_id = find_builtin(session, DEMO_NAME)
    if dataset_id is None:
        return None
    task = latest_tasks(session, "BUILTIN", [dataset_id]).get(dataset_id)
    return task if task is not None and task.is_active else None


def add_builtin(session: Session, path: Path, name: str) -> int:
    """Register a file as a built-in dataset and queue its reading; returns the dataset id.

    Only the command line offers this.

    Raises
    ------
    Conflict
        There is a built-in dataset of this name.
    BadFile
        The path is not a file.
    """
    name = checked_name(name, "dataset")
    if not path.is_file():
        raise BadFile(f"There is no file at {path}.")
    if find_builtin(session, name) is not None:
        raise Conflict(f"There is a built-in dataset {name!r} already. Choose another name.")
    dataset_id = create_loading_dataset(session, name, None, None)
    relative = builtin_path(dataset_id, path.name)
    storage.remove_on_rollback(session, relative)
    with path.open("rb") as stream:
        storage.save_stream(relative, stream)
    session.execute(
        update(Dataset)
        .where(Dataset.id == dataset_id)
        .values(feature_schema=FeatureSchema(source_file=path.name).to_json())
    )
    enqueue(session, None, "BUILTIN", dataset_id)
    return dataset_id


def builtin_path(dataset_id: int, original_name: str) -> str:
    """Relative path of the file behind a built-in dataset."""
    return storage.upload_path(0, dataset_id, original_name).replace("0/uploads/", "builtin/", 1)


def find_builtin(session: Session, name: str) -> int | None:
    """Id of the built-in dataset of this name, whether complete or still being read."""
    return session.scalar(
        select(Dataset.id).where(Dataset.source_type == "BUILTIN", Dataset.name == name)
    )


def begin(session: Session, dataset_id: int) -> None:
    """The process starts; the dataset is marked as loading already."""


def settle(session: Session, dataset_id: int, status: Status, message: str) -> None:
    """The process ended without a dataset; the next sweep removes what it left."""
