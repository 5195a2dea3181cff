"""The same seed, data and settings give the same bits in the background process as in this one."""

from pathlib import Path

import pytest
import torch

from core.base.database import read_scope
from core.jobs.queue import log_path
from core.jobs.supervisor import Supervisor
from core.model_versions.versions import list_models, open_checkpoint
from db.tables import BackgroundTask
from tests.core.backups.stored_files import on_disk
from tests.core.seeding import add_account, add_dataset, queue_training, work_off


@pytest.mark.usefixtures("fresh_database")
def test_a_background_process_computes_the_same_bits(tmp_path: Path) -> None:
    user = add_account("ann@example.org")
    _, dataset_id = add_dataset(user, tmp_path)
    for work in (work_off, _work_outside):
        queue_training(user, dataset_id, "DEEPHPM", epochs=2, dropout=0.2)
        work()
    with read_scope() as session:
        paths = [open_checkpoint(session, user, m.id)[0] for m in list_models(session, user)]
    outside, inside = (torch.load(on_disk(path))["predictor"]["network"] for path in paths)
    assert inside.keys() == outside.keys()
    assert all(torch.equal(inside[name], outside[name]) for name in inside)


def _work_outside() -> None:
    """Have a real process do the waiting task."""
    supervisor = Supervisor()
    supervisor.start_waiting()
    ((task_id, child),) = supervisor._children.items()
    child.wait(timeout=300)
    with read_scope() as session:
        assert session.get_one(BackgroundTask, task_id).status == "SUCCEEDED", log_path(
            task_id
        ).read_text()
