"""What the supervisor does at each tick, and that a step that fails stops nothing else."""

from typing import Any
from unittest.mock import Mock

import pytest
from sqlalchemy import select

from core.access.actor import CurrentUser
from core.accounts.accounts import delete_account
from core.base import storage
from core.base.database import read_scope, session_scope
from core.datasets.uploads import get_upload_info
from core.jobs.supervisor import Supervisor
from core.removal.marking import delete_dataset, delete_job
from core.removal.sweeping import is_needed
from core.training.trainings import cancel_run
from db.tables import Study, TestJob, TrainingJob, User
from tests.core.backups.stored_files import on_disk
from tests.core.jobs.processes import ENDLESS, job_info
from tests.core.seeding import PASSWORD, World, add_account, queue_training, queue_upload, write_csv
from tests.core.statements import counted_statements


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
