"""By what the list of tests is narrowed and sorted."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select

from core.base.narrowing import (
    has_text,
    is_before,
    is_equal,
    is_forecast,
    is_one_of,
    is_since,
    narrowed,
)
from core.base.paging import BY_AGE, Order
from db.tables import Dataset, ModelVersion, TestJob
from db.text import lowered, spelled

TEST_ORDERS: Mapping[str, Order] = {
    **BY_AGE,
    "name": Order(lowered(ModelVersion.name)),
    "dataset": Order(lowered(Dataset.name)),
    "status": Order(spelled(TestJob.status)),
    "algorithm": Order(spelled(ModelVersion.algorithm)),
}


@dataclass(frozen=True)
class TestFilter:
    """Which tests are wanted; what is left empty leaves everything in.

    name : part of the model's name with its version, in any case
    dataset : part of the name of the dataset that was tested on, in any case
    target : PCL, RUL or BOTH
    forecasts : only forecasts, or only estimates
    since, until : created at this time or later, and before this time; UTC
    """

    __test__ = False
    name: str = ""
    dataset: str = ""
    dataset_id: int | None = None
    model_id: int | None = None
    statuses: tuple[str, ...] = ()
    algorithm: str | None = None
    target: str | None = None
    forecasts: bool | None = None
    since: datetime | None = None
    until: datetime | None = None


EVERY_TEST = TestFilter()


def filtered_tests(query: Select[Any], wanted: TestFilter, order: str) -> Select[Any]:
    """The wanted ones of a query on tests, ready to be sorted by `order`."""
    if wanted.name or wanted.algorithm or order in ("name", "algorithm"):
        query = query.join(ModelVersion, ModelVersion.id == TestJob.model_version_id)
    if wanted.dataset or order == "dataset":
        query = query.join(Dataset, Dataset.id == TestJob.dataset_id)
    return narrowed(
        query,
        has_text(ModelVersion.name + " " + ModelVersion.version, wanted.name),
        has_text(Dataset.name, wanted.dataset),
        is_equal(TestJob.dataset_id, wanted.dataset_id),
        is_equal(TestJob.model_version_id, wanted.model_id),
        is_one_of(TestJob.status, wanted.statuses),
        is_equal(ModelVersion.algorithm, wanted.algorithm),
        is_equal(TestJob.target, wanted.target),
        is_forecast(TestJob.horizon, wanted.forecasts),
        is_since(TestJob.created_at, wanted.since),
        is_before(TestJob.created_at, wanted.until),
    )
