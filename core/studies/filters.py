"""By what the list of studies is narrowed and sorted."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func

from core.base.narrowing import has_text, is_before, is_equal, is_one_of, is_since, narrowed
from core.base.paging import BY_AGE, Order
from db.tables import Dataset, Study
from db.tables.columns import StudyKind
from db.text import lowered, spelled

# What a study is of: a dataset, or the file whose table it brought.
SOURCE = func.coalesce(Dataset.name, Study.settings["file_name"].as_string(), "")

STUDY_ORDERS: Mapping[str, Order] = {
    **BY_AGE,
    "name": Order(lowered(Study.name)),
    "dataset": Order(lowered(SOURCE)),
    "status": Order(spelled(Study.status)),
}


@dataclass(frozen=True)
class StudyFilter:
    """Which studies are wanted; what is left empty leaves everything in.

    name : part of the study's name, in any case
    dataset : part of the name of its dataset or file, in any case
    since, until : created at this time or later, and before this time; UTC
    """

    name: str = ""
    dataset: str = ""
    kind: StudyKind | None = None
    dataset_id: int | None = None
    statuses: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None


EVERY_STUDY = StudyFilter()


def filtered_studies(query: Select[Any], wanted: StudyFilter, order: str) -> Select[Any]:
    """The wanted ones of a query on studies, ready to be sorted by `order`."""
    if wanted.dataset or order == "dataset":
        query = query.outerjoin(Dataset, Dataset.id == Study.dataset_id)
    return narrowed(
        query,
        has_text(Study.name, wanted.name),
        has_text(SOURCE, wanted.dataset),
        is_equal(Study.kind, wanted.kind),
        is_equal(Study.dataset_id, wanted.dataset_id),
        is_one_of(Study.status, wanted.statuses),
        is_since(Study.created_at, wanted.since),
        is_before(Study.created_at, wanted.until),
    )
