"""By what the list of models is narrowed and sorted."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func

from core.base.narrowing import has_text, is_before, is_equal, is_forecast, is_since, narrowed
from core.base.paging import BY_AGE, Order
from db.tables import Dataset, ModelVersion, TrainingJob
from db.text import lowered, spelled

# How far a training's models look ahead: 0 for estimates.
LONGEST_HORIZON = func.coalesce(TrainingJob.hyperparams["max_horizon"].as_integer(), 0)

MODEL_ORDERS: Mapping[str, Order] = {
    **BY_AGE,
    "name": Order(lowered(ModelVersion.name)),
    "dataset": Order(lowered(Dataset.name)),
    "algorithm": Order(spelled(ModelVersion.algorithm)),
}


@dataclass(frozen=True)
class ModelFilter:
    """Which models are wanted; what is left empty leaves everything in.

    name : part of the name with the version, in any case; `dataset` likewise
    twins : whether models trained as twins of others are wanted, too
    target : PCL, RUL or BOTH
    forecasts : only forecasts, or only estimates
    since, until : created at this time or later, and before this time; UTC
    """

    name: str = ""
    dataset: str = ""
    dataset_id: int | None = None
    algorithm: str | None = None
    twins: bool = True
    target: str | None = None
    forecasts: bool | None = None
    since: datetime | None = None
    until: datetime | None = None


EVERY_MODEL = ModelFilter()


def filtered_models(query: Select[Any], wanted: ModelFilter, order: str) -> Select[Any]:
    """The wanted ones of a query on models joined with their jobs, ready to be sorted."""
    if wanted.dataset or order == "dataset":
        query = query.join(Dataset, Dataset.id == TrainingJob.dataset_id)
    return narrowed(
        query,
        has_text(ModelVersion.name + " " + ModelVersion.version, wanted.name),
        has_text(Dataset.name, wanted.dataset),
        is_equal(TrainingJob.dataset_id, wanted.dataset_id),
        is_equal(ModelVersion.algorithm, wanted.algorithm),
        None if wanted.twins else TrainingJob.group_key.is_(None),
        is_equal(TrainingJob.target, wanted.target),
        is_forecast(LONGEST_HORIZON, wanted.forecasts),
        is_since(ModelVersion.created_at, wanted.since),
        is_before(ModelVersion.created_at, wanted.until),
    )
