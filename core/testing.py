"""Test jobs: apply a model to batteries, in the background."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import access
from core.datasets import battery_ids, get_dataset_summary, list_batteries
from core.errors import InvalidInput, NotFound
from core.jobs.states import CANCELLED_BY_USER, FINISHED, move
from core.jobs.tasks import TaskState, cancel_task, enqueue, latest_tasks
from core.leakage.finding import refuse_blocked
from core.leakage.findings import test_findings
from core.leakage.relatives import copied_exposures
from core.paging import FIRST, Listed, Page, page_ids, page_of
from core.registry import ModelInfo, get_model_info
from core.series import targets_of
from core.testing_filter import EVERY_TEST, TEST_ORDERS, TestFilter, filtered_tests
from core.training_views import LAST_LINES, LogLine, get_job_roles, log_page
from core.users import CurrentUser
from db.tables import (
    Dataset,
    ModelVersion,
    TestJob,
    TestJobBattery,
    TestJobLog,
    TestJobMetricOverall,
)
from db.tables.columns import utc_now

UNSEEN = "unseen"


@dataclass(frozen=True)
class TestRequest:
    """What to test; None takes the default (domain.md: the test batteries, horizon 0 or 1)."""

    __test__ = False
    model_id: int
    dataset_id: int
    battery_codes: Sequence[str] | None = None
    horizon: int | None = None


@dataclass(frozen=True)
class TestInfo:
    """A test job; times in UTC.

    overall : metrics by target over the batteries that the model never saw; empty until it is
        finished, and a target without labelled unseen batteries is absent
    """

    __test__ = False
    id: int
    model_version_id: int
    model_title: str
    algorithm: str
    dataset_id: int
    dataset_name: str
    target: str
    horizon: int
    status: str
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    task: TaskState | None
    overall: dict[str, dict[str, Any]]

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
        """What was tested on what."""
        return f"{self.model_title} on {self.dataset_name}"


def create_test(session: Session, user: CurrentUser, request: TestRequest) -> int:
    """Create a test job and queue it; returns its id.

    Raises
    ------
    InvalidInput
        The dataset lacks a feature of the model, a battery is unknown, or the horizon is not one
        the model was trained for.
    """
    model = get_model_info(session, user, request.model_id)
    access.get_dataset(session, user, request.dataset_id, keep=True)
    match_features(session, user, model, request.dataset_id)
    exposure = exposures(session, user, model, request.dataset_id)
    chosen = _chosen_batteries(session, user, request, exposure)
    refuse_blocked(test_findings(session, user, replace(request, battery_codes=list(chosen))))
    test = TestJob(
        user_id=user.id,
        model_version_id=model.id,
        dataset_id=request.dataset_id,
        target=model.target,
        horizon=_checked_horizon(model, request.horizon),
    )
    session.add(test)
    session.flush()
    session.add_all(
        TestJobBattery(test_job_id=test.id, battery_id=i, exposure=exposure[i])
        for i in chosen.values()
    )
    session.flush()
    enqueue(session, user.id, "TEST", test.id)
    return test.id


def match_features(
    session: Session, user: CurrentUser, model: ModelInfo, dataset_id: int
) -> list[str]:
    """Columns (feature_1..8) of a dataset in the order of the model's features, by their names.

    Raises
    ------
    InvalidInput
        The dataset lacks features of the model.
    """
    dataset = get_dataset_summary(session, user, dataset_id)
    columns = {feature.name.casefold(): feature.column for feature in dataset.features}
    missing = [name for name in model.config["features"] if name.casefold() not in columns]
    if missing:
        raise InvalidInput(
            f"{dataset.name!r} lacks {len(missing)} of the features that {model.title!r} needs: "
            f"{', '.join(missing)}. Choose a dataset with the same features, or upload it again "
            "with these names in the column mapping."
        )
    return [columns[name.casefold()] for name in model.config["features"]]


def exposures(
    session: Session, user: CurrentUser, model: ModelInfo, dataset_id: int
) -> dict[int, str]:
    """By battery id: "train" (fitted on), "val" (selected by) or "unseen".

    A copy of a battery under another code or in another dataset counts as that battery.
    """
    roles = get_job_roles(session, user, model.job_id)
    known = {i: role for i, role in roles.items() if role in ("train", "val")}
    frame = list_batteries(session, user, dataset_id)
    known |= copied_exposures(session, user, model, dataset_id)
    return {int(i): known.get(int(i), UNSEEN) for i in frame["battery_id"]}


def default_batteries(
    session: Session,
    user: CurrentUser,
    model: ModelInfo,
    dataset_id: int,
    exposure: Mapping[int, str] | None = None,
) -> list[str]:
    """Codes that a test takes by default: the dataset's test batteries that the model never saw.

    Without such, all that the model never saw; without these, all. `exposure` is what `exposures`
    gives, where the caller has it already.
    """
    if exposure is None:
        exposure = exposures(session, user, model, dataset_id)
    frame = list_batteries(session, user, dataset_id)
    unseen = frame[frame["battery_id"].map(exposure) == UNSEEN]
    tagged = unseen[unseen["group_tag"] == "test"]
    chosen = next(part for part in (tagged, unseen, frame) if len(part) or part is frame)
    return [str(code) for code in chosen["battery_code"]]


def list_tests(
    session: Session,
    user: CurrentUser,
    wanted: TestFilter = EVERY_TEST,
    page: Page = FIRST,
) -> Listed[TestInfo]:
    """A page of the user's tests, newest first unless the page says otherwise."""
    query = filtered_tests(access.visible_tests(user), wanted, page.order)
    ids = page_ids(session, query, TestJob.id, TEST_ORDERS, page)
    return page_of(ids, describe_tests(session, user, ids), lambda test: test.id)


def describe_tests(session: Session, user: CurrentUser, test_ids: Sequence[int]) -> list[TestInfo]:
    """Those of the tests that the user sees, in no special order; four statements."""
    tests = session.scalars(access.visible_tests(user).where(TestJob.id.in_(test_ids)))
    return _describe(session, list(tests))


def get_test_infos(session: Session, user: CurrentUser, test_ids: Sequence[int]) -> list[TestInfo]:
    """Several tests in any state, in the order of their ids; `NotFound` if one is missing."""
    found = {test.id: test for test in describe_tests(session, user, test_ids)}
    if set(test_ids) - set(found):
        raise NotFound("test")
    return [found[test_id] for test_id in test_ids]


def test_statuses(session: Session, user: CurrentUser, test_ids: Sequence[int]) -> dict[int, str]:
    """Status by id of those of the tests that the user sees."""
    query = access.visible_tests(user).where(TestJob.id.in_(test_ids))
    return dict(session.execute(query.with_only_columns(TestJob.id, TestJob.status)).all())


test_statuses.__test__ = False  # type: ignore[attr-defined]


def get_test_info(session: Session, user: CurrentUser, test_id: int) -> TestInfo:
    """One test in any state."""
    return _describe(session, [access.get_test(session, user, test_id)])[0]


def test_log(
    session: Session, user: CurrentUser, test_id: int, page: Page = LAST_LINES
) -> Listed[LogLine]:
    """A page of the log of a test, oldest line first; the first page has the last lines."""
    access.get_test(session, user, test_id)
    query = select(TestJobLog).where(TestJobLog.test_job_id == test_id)
    return log_page(session, query, TestJobLog, page)


test_log.__test__ = False  # type: ignore[attr-defined]


def cancel_test(session: Session, user: CurrentUser, test_id: int) -> None:
    """Stop a test; nothing of it is kept but its row and log."""
    access.get_test(session, user, test_id)
    if cancel_task(session, "TEST", test_id):
        settle(session, test_id, "CANCELED", CANCELLED_BY_USER)


def begin(session: Session, test_id: int) -> None:
    """The process of a test starts."""
    move(session, TestJob, test_id, "RUNNING", started_at=utc_now())


def settle(session: Session, test_id: int, status: str, message: str) -> None:
    """A test ended without results; the next sweep removes what it had written."""
    if move(session, TestJob, test_id, status, finished_at=utc_now()):
        test = session.get_one(TestJob, test_id)
        level = "ERROR" if status == "FAILED" else "INFO"
        add_log(session, test, level, message[:1].upper() + message[1:])


def add_log(session: Session, test: TestJob, level: str, message: str) -> None:
    """Append a line to the log of a test."""
    session.add(
        TestJobLog(test_job_id=test.id, user_id=test.user_id, level=level, message=message[:2000])
    )
    session.flush()


def _chosen_batteries(
    session: Session, user: CurrentUser, request: TestRequest, exposure: dict[int, str]
) -> dict[str, int]:
    """Ids of the batteries to test, by code."""
    if request.battery_codes is None:
        model = get_model_info(session, user, request.model_id)
        codes = default_batteries(session, user, model, request.dataset_id, exposure)
    else:
        codes = list(dict.fromkeys(request.battery_codes))
    if not codes:
        raise InvalidInput("Choose at least one battery.")
    chosen = battery_ids(session, user, request.dataset_id, codes)
    return {code: battery_id for code, battery_id in chosen.items() if battery_id in exposure}


def _checked_horizon(model: ModelInfo, horizon: int | None) -> int:
    longest = model.max_horizon
    value = (1 if longest else 0) if horizon is None else horizon
    if not longest and value != 0:
        raise InvalidInput(
            f"{model.title!r} estimates the measured cycle; its horizon is 0. Train a forecasting "
            "model to look ahead."
        )
    if longest and not 1 <= value <= longest:
        raise InvalidInput(
            f"{model.title!r} was trained to look 1 to {longest} cycles ahead; {value} is outside."
        )
    return value


def _describe(session: Session, tests: list[TestJob]) -> list[TestInfo]:
    ids = [test.id for test in tests]
    rows = session.execute(
        select(TestJob.id, ModelVersion, Dataset.name)
        .join(ModelVersion, ModelVersion.id == TestJob.model_version_id)
        .join(Dataset, Dataset.id == TestJob.dataset_id)
        .where(TestJob.id.in_(ids))
    )
    origin: dict[int, Any] = {row[0]: row for row in rows}
    tasks = latest_tasks(session, "TEST", ids)
    overall = _overall_metrics(session, [t.id for t in tests if t.status == "SUCCEEDED"])
    return [
        _info(test, origin[test.id], tasks.get(test.id), overall.get(test.id, {})) for test in tests
    ]


def _overall_metrics(session: Session, test_ids: list[int]) -> dict[int, dict[str, dict[str, Any]]]:
    metric = TestJobMetricOverall
    rows = session.execute(
        select(metric.test_job_id, metric.target, metric.metrics).where(
            metric.test_job_id.in_(test_ids)
        )
    )
    found: dict[int, dict[str, dict[str, Any]]] = {}
    # Sorted here: MySQL and PostgreSQL would sort the values of an ENUM as it lists them.
    for test_id, target, values in sorted(rows, key=lambda row: row[1]):
        found.setdefault(test_id, {})[target] = values
    return found


def _info(
    test: TestJob, origin: Any, task: TaskState | None, overall: dict[str, dict[str, Any]]
) -> TestInfo:
    _, model, dataset_name = origin
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
    )
