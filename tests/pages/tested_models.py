"""Small trained models and their finished tests, made by the real services in this process."""

from collections.abc import Sequence
from pathlib import Path

from core.access.actor import CurrentUser
from core.base.database import read_scope
from core.evaluation.request import TestRequest
from core.evaluation.start import start_test
from core.jobs.context import load_context
from core.jobs.kinds import get_kinds
from core.jobs.supervisor import Supervisor
from core.model_versions.versions import list_models
from core.training.request import TrainingRequest
from core.training.start import start_training
from tests.core.seeding import add_dataset, work_off


def trained_model(
    user: CurrentUser, folder: Path, target: str = "BOTH", max_horizon: int = 0
) -> tuple[int, int]:
    """Ids of a baseline trained on two of five batteries, and of its dataset."""
    _, dataset_id = add_dataset(user, folder)
    request = TrainingRequest(
        dataset_id, target, ["BASELINE"], hyperparams={"epochs": 1, "max_horizon": max_horizon}
    )
    start_training(user, request)
    work_off()
    with read_scope() as session:
        return list_models(session, user)[0].id, dataset_id


def queued_test(
    user: CurrentUser, model_id: int, dataset_id: int, codes: Sequence[str] | None = None
) -> int:
    """The id of a test that waits."""
    return start_test(user, TestRequest(model_id, dataset_id, codes))


def finished_test(
    user: CurrentUser, model_id: int, dataset_id: int, codes: Sequence[str] | None = None
) -> int:
    """The id of a test with results and files."""
    test_id = queued_test(user, model_id, dataset_id, codes)
    work_off()
    return test_id


def work_off_one() -> None:
    """Do the oldest waiting test or export, and nothing that it queues."""
    task_id = Supervisor()._claim("short")
    assert task_id is not None
    with read_scope() as session:
        context = load_context(session, task_id)
    get_kinds()[context.kind].load_work()(context)
