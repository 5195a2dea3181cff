"""Test jobs: apply a model to batteries, in the background."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.access import guard
from core.access.actor import CurrentUser
from core.base.errors import NotFound
from core.base.paging import FIRST, Listed, Page, page_ids, page_of
from core.datasets.overruled import overruled_notes, stored_overruled
from core.datasets.series import targets_of
from core.evaluation.filters import EVERY_TEST, TEST_ORDERS, TestFilter, filtered_tests
from core.evaluation.label_groups import label_groups
from core.evaluation.label_scoring import OWN_LABELS
from core.jobs.queue import TaskState, cancel_task, latest_tasks
from core.jobs.states import CANCELLED_BY_USER, FINISHED, move
from core.model_versions.stored_metrics import StoredMetrics
from core.training.views import LAST_LINES, LogLine, log_page
from db.tables import (
    Dataset,
    ModelVersion,
    TestJob,
    TestJobLog,
    TestJobMetricOverall,
    TrainingJob,
    TrainingJobRun,
)
from db.tables.columns import LogLevel, Status, Target, utc_now

UNSEEN: Final = "unseen"


@dataclass(frozen=True)
class TestInfo:
    """A test job; times in UTC.

    overall : metrics by target over the batteries that the model never saw; empty until it is
        finished, and a target without labelled unseen batteries is absent
    overruled : a sentence for each time that findings of the leakage check were overruled, for
        the training of the model or for this test
    label_groups : by target, the labels it was scored against, "" for those of the dataset; only
        tests of one group can be compared
    """

    __test__ = False
    id: int
    model_version_id: int
    model_title: str
    algorithm: str
    dataset_id: int
    dataset_name: str
    target: Target
    horizon: int
    status: Status
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    task: TaskState | None
    overall: dict[str, StoredMetrics]
    overruled: tuple[str, ...] = ()
    label_groups: Mapping[str, str] = field(default_factory=dict)

    def label_group(self, target: str) -> str:
        """The labels that a target was scored against; "" for those of the dataset."""
        return self.label_groups.get(target, OWN_LABELS)

    @property
    def is_active(self) -> bool:
        """Whether it waits or runs."""
        return self.status not in FINISHED

    @property
    def targets(self) -> tuple[str, ...]:
        """Single targets that are predicted."""
        return targets_of(self.target)

    @property
    def title(self) -> str:
        """Title for lists: the model and the dataset."""
        return f"{self.model_title} on {self.dataset_name}"


def list_tests(
    session: Session,
    user: CurrentUser,
    wanted: TestFilter = EVERY_TEST,
    page: Page = FIRST,
) -> Listed[TestInfo]:
    """A page of the user's tests, newest first unless the page says otherwise."""
    query = filtered_tests(guard.visible_tests(user), wanted, page.order)
    ids = page_ids(session, query, TestJob.id, TEST_ORDERS, page)
    return page_of(ids, describe_tests(session, user, ids), lambda test: test.id)


def describe_tests(session: Session, user: CurrentUser, test_ids: Sequence[int]) -> list[TestInfo]:
    """Those of the tests that the user sees, in no special order; four statements."""
    tests = session.scalars(guard.visible_tests(user).where(TestJob.id.in_(test_ids)))
    return _describe(session, list(tests))


def get_test_infos(session: Session, user: CurrentUser, test_ids: Sequence[int]) -> list[TestInfo]:
    """Several tests in any state, in the order of their ids; `NotFound` if one is missing."""
    found = {test.id: test for test in describe_tests(session, user, test_ids)}
    if set(test_ids) - set(found):
        raise NotFound("test")
    return [found[test_id] for test_id in test_ids]


def test_statuses(session: Session, user: CurrentUser, test_ids: Sequence[int]) -> dict[int, str]:
    """Status by id of those of the tests that the user sees."""
    query = guard.visible_tests(user).where(TestJob.id.in_(test_ids))
    return dict(session.execute(query.with_only_columns(TestJob.id, TestJob.status)).all())


test_statuses.__test__ = False  # type: ignore[attr-defined]


def get_test_info(session: Session, user: CurrentUser, test_id: int) -> TestInfo:
    """One test in any state."""
    return _describe(session, [guard.get_test(session, user, test_id)])[0]


def test_log(
    session: Session, user: CurrentUser, test_id: int, page: Page = LAST_LINES
) -> Listed[LogLine]:
    """A page of the log of a test, oldest line first; the first page has the last lines."""
    guard.get_test(session, user, test_id)
    query = select(TestJobLog).where(TestJobLog.test_job_id == test_id)
    return log_page(session, query, TestJobLog, page)


test_log.__test__ = False  # type: ignore[attr-defined]


def cancel_test(session: Session, user: CurrentUser, test_id: int) -> None:
    """Stop a test; only its row and log are kept."""
    guard.get_test(session, user, test_id)
    if cancel_task(session, "TEST", test_id):
        settle(session, test_id, "CANCELED", CANCELLED_BY_USER)


def begin(session: Session, test_id: int) -> None:
    """Record that the process of a test has started."""
    move(session, TestJob, test_id, "RUNNING", started_at=utc_now())


def settle(session: Session, test_id: int, status: Status, message: str) -> None:
    """Record that a test ended without results; the next sweep removes what it had written."""
    if move(session, TestJob, test_id, status, finished_at=utc_now()):
        test = session.get_one(TestJob, test_id)
        level: LogLevel = "ERROR" if status == "FAILED" else "INFO"
        add_log(session, test, level, message[:1].upper() + message[1:])


def add_log(session: Session, test: TestJob, level: LogLevel, message: str) -> None:
    """Append a line to the log of a test."""
    session.add(
        TestJobLog(test_job_id=test.id, user_id=test.user_id, level=level, message=message[:2000])
    )
    session.flush()


def _describe(session: Session, tests: list[TestJob]) -> list[TestInfo]:
    ids = [test.id for test in tests]
    rows = session.execute(
        select(TestJob.id, ModelVersion, Dataset.name, TrainingJob.overruled)
        .join(ModelVersion, ModelVersion.id == TestJob.model_version_id)
        .join(TrainingJobRun, TrainingJobRun.id == ModelVersion.run_id)
        .join(TrainingJob, TrainingJob.id == TrainingJobRun.job_id)
        .join(Dataset, Dataset.id == TestJob.dataset_id)
        .where(TestJob.id.in_(ids))
    )
    origin: dict[int, Any] = {row[0]: row for row in rows}
    tasks = latest_tasks(session, "TEST", ids)
    overall = _overall_metrics(session, [t.id for t in tests if t.status == "SUCCEEDED"])
    groups = label_groups(session, overall)
    return [
        _info(
            test,
            origin[test.id],
            tasks.get(test.id),
            overall.get(test.id, {}),
            groups.get(test.id, {}),
        )
        for test in tests
    ]


def _overall_metrics(session: Session, test_ids: list[int]) -> dict[int, dict[str, StoredMetrics]]:
    metric = TestJobMetricOverall
    rows = session.execute(
        select(metric.test_job_id, metric.target, metric.metrics).where(
            metric.test_job_id.in_(test_ids)
        )
    )
    found: dict[int, dict[str, StoredMetrics]] = {}
    # Sorted here because MySQL and PostgreSQL sort an ENUM in the order of its definition.
    for test_id, target, values in sorted(rows, key=lambda row: row[1]):
        found.setdefault(test_id, {})[target] = StoredMetrics.from_json(values)
    return found


def _info(
    test: TestJob,
    origin: Any,
    task: TaskState | None,
    overall: dict[str, StoredMetrics],
    groups: Mapping[str, str],
) -> TestInfo:
    _, model, dataset_name, of_training = origin
    return TestInfo(
        id=test.id,
        model_version_id=model.id,
        model_title=f"{model.name} {model.version}",
        algorithm=model.algorithm,
        dataset_id=test.dataset_id,
        dataset_name=dataset_name,
        target=test.target,
        horizon=test.horizon,
        status=test.status,
        created_at=test.created_at,
        started_at=test.started_at,
        finished_at=test.finished_at,
        task=task,
        overall=overall,
        overruled=overruled_notes(stored_overruled(of_training), stored_overruled(test.overruled)),
        label_groups=groups,
    )
