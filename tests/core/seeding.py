"""Small accounts and batteries with everything that hangs on them, made by the real services."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from core.access.actor import CurrentUser
from core.accounts.accounts import add_user
from core.base.database import read_scope, session_scope
from core.datasets.uploads import confirm_mapping, get_upload_info, receive_upload
from core.evaluation.exports import latest_exports
from core.evaluation.request import TestRequest
from core.evaluation.start import start_test
from core.ingest.formats.readers import preview
from core.jobs.context import load_context
from core.jobs.kinds import get_kinds
from core.jobs.supervisor import Supervisor
from core.model_versions.versions import list_models
from core.studies.row_split import create_row_split
from core.training.request import TrainingRequest
from core.training.start import start_training
from core.wiring import wire

wire()

PASSWORD = "correct horse battery"
ROLES = ("train", "train", "val", "test", "test")


@dataclass(frozen=True)
class World:
    """Ids of one account's things, from its upload to its export."""

    user: CurrentUser
    upload_id: int
    dataset_id: int
    job_id: int
    run_id: int
    model_id: int
    test_id: int
    export_id: int
    study_id: int


def add_account(email: str, is_admin: bool = False) -> CurrentUser:
    """An account named like its e-mail."""
    with session_scope() as session:
        return add_user(session, email, email.partition("@")[0], PASSWORD, is_admin)


def write_csv(path: Path, cycles: int = 40, batteries: int = 5) -> Path:
    """Batteries that fade through 80 % of 1.1 Ah, with two features and a split."""
    parts = []
    for number in range(batteries):
        cycle = np.arange(1, cycles + 1)
        age = cycle / (cycles * (0.8 + 0.03 * number))
        parts.append(
            pd.DataFrame(
                {
                    "battery": f"b{number}",
                    "cycle": cycle,
                    "capacity": 1.1 * (1 - 0.2 * age**2),
                    # Of its own for each battery: else it would tell the share of life.
                    "resistance": 0.016 + 0.0006 * number + 0.002 * age,
                    "temperature": 30 + age + 0.1 * np.sin(cycle),
                    "split": ROLES[number % len(ROLES)],
                }
            )
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    pd.concat(parts).to_csv(path, index=False)
    return path


def queue_upload(user: CurrentUser, path: Path, name: str = "Small fleet") -> int:
    """Upload a file of `write_csv` and queue its reading; returns the upload's id."""
    mapping = preview(path, path.name).mapping
    mapping = type(mapping).from_json({**mapping.to_json(), "nominal_capacity_ah": 1.1})
    with path.open("rb") as stream, session_scope() as session:
        upload_id = receive_upload(session, user, path.name, stream)
        confirm_mapping(session, user, upload_id, mapping, name)
    return upload_id


def queue_training(user: CurrentUser, dataset_id: int, *algorithms: str, **settings: float) -> int:
    """Queue a training of PCL for one epoch, or as the settings say; returns the job's id."""
    request = TrainingRequest(
        dataset_id, "PCL", algorithms or ("BASELINE",), hyperparams={"epochs": 1, **settings}
    )
    return start_training(user, request)


def work_off() -> None:
    """Do all waiting work in this process, as the background processes would."""
    supervisor = Supervisor()
    for lane in ("short", "train", "short"):
        while (task_id := supervisor._claim(lane)) is not None:
            with read_scope() as session:
                context = load_context(session, task_id)
            get_kinds()[context.kind].load_work()(context)


def add_dataset(user: CurrentUser, folder: Path, name: str = "Small fleet") -> tuple[int, int]:
    """A read upload; returns the ids of upload and dataset."""
    upload_id = queue_upload(user, write_csv(folder / f"{user.name}.csv"), name)
    work_off()
    with read_scope() as session:
        dataset_id = get_upload_info(session, user, upload_id).dataset_id
    assert dataset_id is not None
    return upload_id, dataset_id


def add_world(user: CurrentUser, folder: Path, name: str = "Small fleet") -> World:
    """A dataset, a trained model, a finished test with its exports, and a study."""
    upload_id, dataset_id = add_dataset(user, folder, name)
    job_id = queue_training(user, dataset_id)
    work_off()
    with read_scope() as session:
        model = list_models(session, user)[0]
    test_id = start_test(user, TestRequest(model.id, dataset_id))
    with session_scope() as session:
        study_id = create_row_split(session, user, dataset_id)
    work_off()
    with read_scope() as session:
        export_id = latest_exports(session, user, test_id)["CSV"].id
    return World(
        user, upload_id, dataset_id, job_id, model.run_id, model.id, test_id, export_id, study_id
    )
