"""The status of a training follows from those of its runs."""

import pytest

from core.access.actor import CurrentUser
from core.base.database import read_scope, session_scope
from core.jobs.states import move
from core.training.trainings import job_status, settle, update_job
from db.tables import TrainingJob, TrainingJobRun
from db.tables.columns import utc_now
from tests.core.jobs.processes import job_info, last_message
from tests.core.seeding import queue_training


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
