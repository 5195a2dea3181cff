"""Finished tests that can be drawn beside another one because they are comparable."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from core.access import guard
from core.access.actor import CurrentUser
from core.evaluation.evaluations import UNSEEN, TestInfo, describe_tests
from db.tables import ModelVersion, TestJob, TestJobBattery, TrainingJobRun

# Models beside one that is drawn; the newest of those that there are.
MOST_OFFERED = 100


@dataclass(frozen=True)
class Peer:
    """Another test of the same dataset and target.

    same_job : its model was trained in the same job
    same_batteries : both tests have the same unseen batteries
    """

    info: TestInfo
    same_job: bool
    same_batteries: bool


def list_peers(session: Session, user: CurrentUser, test_id: int, target: str) -> list[Peer]:
    """List the newest finished test of every other model, by name; forecasts beside forecasts.

    Two tests of one model look the same when drawn, so only one of them is listed.
    """
    alike = _newest_alike(session, user, guard.get_result(session, user, test_id), target)
    tests = {info.id: info for info in describe_tests(session, user, [test_id, *alike])}
    own = tests[test_id]
    found = [info for info in tests.values() if info is not own]
    jobs = _jobs(session, [info.model_version_id for info in tests.values()])
    unseen = _unseen(session, list(tests))
    return sorted(
        (
            Peer(
                info,
                jobs[info.model_version_id] == jobs[own.model_version_id],
                unseen[info.id] == unseen[own.id],
            )
            for info in found
        ),
        key=lambda peer: (not peer.same_job, peer.info.model_title, peer.info.id),
    )


def _newest_alike(session: Session, user: CurrentUser, own: TestJob, target: str) -> Sequence[int]:
    """The newest test of every other model, of at most so many models as can be chosen from."""
    newest = func.max(TestJob.id)
    return session.scalars(
        guard.visible_results(user)
        .where(
            TestJob.model_version_id != own.model_version_id,
            TestJob.dataset_id == own.dataset_id,
            TestJob.target.in_((target, "BOTH")),
            TestJob.horizon > 0 if own.horizon > 0 else TestJob.horizon == 0,
        )
        .with_only_columns(newest)
        .group_by(TestJob.model_version_id)
        .order_by(newest.desc())
        .limit(MOST_OFFERED)
    ).all()


def _jobs(session: Session, model_ids: list[int]) -> dict[int, int]:
    rows = session.execute(
        select(ModelVersion.id, TrainingJobRun.job_id)
        .join(TrainingJobRun, TrainingJobRun.id == ModelVersion.run_id)
        .where(ModelVersion.id.in_(model_ids))
    )
    return dict(rows.all())


def _unseen(session: Session, test_ids: list[int]) -> dict[int, set[int]]:
    battery = TestJobBattery
    rows = session.execute(
        select(battery.test_job_id, battery.battery_id).where(
            battery.test_job_id.in_(test_ids),
            or_(battery.exposure.is_(None), battery.exposure == UNSEEN),
        )
    )
    found: dict[int, set[int]] = {test_id: set() for test_id in test_ids}
    for test_id, battery_id in rows:
        found[test_id].add(battery_id)
    return found
