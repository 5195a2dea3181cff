"""Finished tests that can be drawn beside another one because they are comparable."""

from dataclasses import dataclass

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from core import access
from core.testing import UNSEEN, TestInfo, get_test_info, list_tests
from core.users import CurrentUser
from db.tables import ModelVersion, TestJobBattery, TrainingJobRun


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
    access.get_result(session, user, test_id)
    own = get_test_info(session, user, test_id)
    newest: dict[int, TestInfo] = {}
    for info in list_tests(session, user):
        if _is_alike(info, own, target):
            newest.setdefault(info.model_version_id, info)
    tests = [own, *newest.values()]
    jobs = _jobs(session, [info.model_version_id for info in tests])
    unseen = _unseen(session, [info.id for info in tests])
    return sorted(
        (
            Peer(
                info,
                jobs[info.model_version_id] == jobs[own.model_version_id],
                unseen[info.id] == unseen[own.id],
            )
            for info in newest.values()
        ),
        key=lambda peer: (not peer.same_job, peer.info.model_title),
    )


def _is_alike(info: TestInfo, own: TestInfo, target: str) -> bool:
    return (
        info.status == "SUCCEEDED"
        and info.model_version_id != own.model_version_id
        and info.dataset_id == own.dataset_id
        and target in info.targets
        and (info.horizon > 0) == (own.horizon > 0)
    )


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
