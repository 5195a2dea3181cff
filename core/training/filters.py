"""By what the lists of trainings and of their runs are narrowed and sorted."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, exists, func

from core.base.narrowing import (
    has_text,
    is_before,
    is_equal,
    is_forecast,
    is_one_of,
    is_since,
    narrowed,
)
from core.base.paging import BY_AGE, NEWEST, Order
from core.model_versions.filters import LONGEST_HORIZON
from db.tables import Dataset, TrainingJob, TrainingJobRun
from db.text import lowered, spelled

# What a page shows as the name: that of the dataset where the training has none.
NAME = func.coalesce(TrainingJob.name, Dataset.name)

JOB_ORDERS: Mapping[str, Order] = {
    **BY_AGE,
    "name": Order(lowered(NAME)),
    "dataset": Order(lowered(Dataset.name)),
    "status": Order(spelled(TrainingJob.status)),
}
RUN_ORDERS: Mapping[str, Order] = {
    # The run's own column, so that MySQL sorts runs by their index before it joins their jobs.
    NEWEST: Order(TrainingJobRun.job_id, key_descends=True, id_descends=False),
    "oldest": Order(id_descends=False),
    "name": Order(lowered(NAME)),
    "dataset": Order(lowered(Dataset.name)),
    "status": Order(spelled(TrainingJobRun.status)),
    "algorithm": Order(spelled(TrainingJobRun.algorithm)),
}
_BY_DATASET = ("name", "dataset")


@dataclass(frozen=True)
class TrainingFilter:
    """Which trainings, or runs, are wanted; what is left empty leaves everything in.

    name, dataset : part of the training's or the dataset's name, in any case
    statuses : any of these; of a run its own status
    target : PCL, RUL or BOTH
    forecasts : only forecasts, or only estimates
    since, until : created at this time or later, and before this time; UTC
    """

    name: str = ""
    dataset: str = ""
    dataset_id: int | None = None
    statuses: tuple[str, ...] = ()
    algorithm: str | None = None
    target: str | None = None
    forecasts: bool | None = None
    since: datetime | None = None
    until: datetime | None = None
    job_id: int | None = None


EVERY_TRAINING = TrainingFilter()


def filtered_jobs(query: Select[Any], wanted: TrainingFilter, order: str) -> Select[Any]:
    """The wanted ones of a query on training jobs, ready to be sorted by `order`."""
    has_run = exists().where(
        TrainingJobRun.job_id == TrainingJob.id, TrainingJobRun.algorithm == wanted.algorithm
    )
    return narrowed(
        _shared(query, wanted, order),
        is_one_of(TrainingJob.status, wanted.statuses),
        has_run if wanted.algorithm else None,
    )


def filtered_runs(query: Select[Any], wanted: TrainingFilter, order: str) -> Select[Any]:
    """The wanted ones of a query on runs joined with their jobs, ready to be sorted."""
    return narrowed(
        _shared(query, wanted, order),
        is_one_of(TrainingJobRun.status, wanted.statuses),
        is_equal(TrainingJobRun.algorithm, wanted.algorithm),
    )


def _shared(query: Select[Any], wanted: TrainingFilter, order: str) -> Select[Any]:
    if wanted.name or wanted.dataset or order in _BY_DATASET:
        query = query.join(Dataset, Dataset.id == TrainingJob.dataset_id)
    return narrowed(
        query,
        has_text(NAME, wanted.name),
        has_text(Dataset.name, wanted.dataset),
        is_equal(TrainingJob.dataset_id, wanted.dataset_id),
        is_equal(TrainingJob.id, wanted.job_id),
        is_equal(TrainingJob.target, wanted.target),
        is_forecast(LONGEST_HORIZON, wanted.forecasts),
        is_since(TrainingJob.created_at, wanted.since),
        is_before(TrainingJob.created_at, wanted.until),
    )
